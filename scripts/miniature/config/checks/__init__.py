"""Checks across the keys of a study, one module for each of its sections."""
