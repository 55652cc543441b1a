"""Contract customers and the contacts of shipments, personal data encrypted."""
