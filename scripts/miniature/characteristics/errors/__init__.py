"""Errors: whether two models get the same examples wrong."""
