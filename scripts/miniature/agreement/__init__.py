"""The agreement table: its rows, their comparison and what a comparison finds."""
