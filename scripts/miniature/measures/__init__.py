"""Measures of agreement and of single models: pure functions on arrays."""
