"""Resampling, intervals, tests, and the spread over trainings."""
