"""Ways to people and machines; each folder has the same insides: send (one try) and answers (what the reply means)."""
