"""Representation: whether two models arrange the same examples alike."""
