"""`python -m tests.fuzz.run TARGET [CORPUS …] [-max_total_time=…]`: libFuzzer on one target, with coverage of the codecs."""

import sys

import atheris

with atheris.instrument_imports(include=["zaitu.telemetry.codecs"]):
    from tests.fuzz.targets import TARGETS

atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
atheris.Fuzz()
