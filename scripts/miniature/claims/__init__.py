"""Claims about attack success and about pairs of compressed models."""
