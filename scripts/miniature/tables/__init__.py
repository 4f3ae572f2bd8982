"""The tables of a study, from scores and agreement to csv, Markdown and LaTeX."""
