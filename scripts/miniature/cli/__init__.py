"""The command ``miniature``: write studies, check them, run them through Snakemake, print the answer."""
