"""EPCIS 2.0: events that partners' and customers' systems capture, and our journeys in the words of the standard."""
