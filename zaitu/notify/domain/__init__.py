"""Pure rules of notices: what is said, to whom, how often it is tried again."""
