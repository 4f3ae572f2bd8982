"""Fine-tuning and masked language modelling, resumable to the same bytes."""
