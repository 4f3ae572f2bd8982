"""Calibration: whether two models are equally well calibrated."""
