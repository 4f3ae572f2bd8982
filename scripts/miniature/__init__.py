"""Does a compressed language model still behave like the model it came from?

The library behind the workflow: functions on tables, arrays and model folders. It knows nothing of
Snakemake or of where a study keeps its files.
"""
