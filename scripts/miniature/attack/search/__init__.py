"""The search for an adversarial text: victims, batched answers, and the greedy search."""
