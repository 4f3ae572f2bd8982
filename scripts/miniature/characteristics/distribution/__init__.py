"""Distribution: whether two models call the same inputs out of distribution."""
