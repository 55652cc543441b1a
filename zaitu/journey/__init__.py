"""Orders, shipments, trips, events, the status fold, ETA and the tracking document."""
