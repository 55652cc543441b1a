"""Measurements of the real thing: `python -m benchmarks [--only PART]`. Figures and how to read them: docs/benchmarks.md."""
