"""Tables of predictions: their columns, reading given files, scoring against gold answers."""
