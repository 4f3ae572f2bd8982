"""Encoders: vocabularies, building a model for a task, and loading what was fine-tuned."""
