"""Rules over columns of fixes: pure, each with its definition and thresholds at the top of its module."""
