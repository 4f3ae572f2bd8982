"""Pages for readers: findings and the reproduction page."""
