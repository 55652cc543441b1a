"""What the standard says: vocabulary, identifiers, queries, and how its events and ours are each other's."""
