"""Development tools: checks and generators that are not part of the product."""
