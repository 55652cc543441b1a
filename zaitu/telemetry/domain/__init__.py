"""What telemetry's callers see: watches, latest states, tracks, terminals."""
