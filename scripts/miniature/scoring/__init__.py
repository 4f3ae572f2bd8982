"""Scores of predictions against gold answers and labels."""
