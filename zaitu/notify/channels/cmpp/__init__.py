"""SMS through China Mobile's gateways and whoever speaks like them: CMPP 2.0 and 3.0."""
