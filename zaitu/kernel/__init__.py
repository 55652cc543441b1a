"""What every room stands on: time, identity, errors, numbers, the outbox and the bus."""
