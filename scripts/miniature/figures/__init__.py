"""Figures drawn from agreement tables: one look, the same bytes on every run."""
