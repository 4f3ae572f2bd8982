"""Commands that the pages of the documentation tell a reader to type."""

import re


def commands(text):
    """Commands of the indented blocks, in order, without what stands behind a comment sign."""
    lines = [line.strip().split("   #")[0].strip() for line in text.splitlines() if line.startswith("    ")]
    return [line for line in lines if re.match(r"(make|source|miniature|snakemake)\b", line)]
