"""Fine-tuning and masked language modeling, resumable to the same bytes."""
