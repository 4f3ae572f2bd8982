"""Word substitutions: masked language models, swaps, word vectors and their constraints."""
