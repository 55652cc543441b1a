"""The rules of a journey: pure, told the instant, never asking for it."""
