"""Pure rules and views of calls."""
