"""Settings, wiring and commands: the only place that sees every room."""
