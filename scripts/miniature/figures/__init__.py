"""Figures drawn from agreement tables: one style, the same bytes on every run."""
