"""Noise floors of studies in tests."""

from miniature.names import replicate_of
from miniature.scorecard.floor import FloorModel


def floor_of(names):
    """Second trainings among these names."""
    return [FloorModel(n, "retrained", replicate_of(n), n) for n in names if replicate_of(n)]
