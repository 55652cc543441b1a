"""Pages for people: the query, the tracking page, the privacy note."""
