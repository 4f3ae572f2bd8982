"""Words that replace others: masked language models, swaps, embeddings and their constraints."""
