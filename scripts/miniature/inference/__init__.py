"""One forward pass per model and dataset: predictions and embeddings."""
