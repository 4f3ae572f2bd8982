"""Downloads models and datasets from the Hugging Face Hub: data and weights, never code or pickles."""
