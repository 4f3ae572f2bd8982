"""Which words a model's decision rests on: attribution methods, batched over examples and steps."""
