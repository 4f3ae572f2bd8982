"""Which columns of a data table a model reads."""

import pandas as pd

TEXTS = {"classification": ("text", "text_pair"), "question-answering": ("question", "context")}


def text_columns(table: pd.DataFrame, task: str) -> list[str]:
    """Columns of a data table that a model reads, in the order in which it reads them.

    Examples
    --------
    >>> text_columns(pd.DataFrame({"text": ["a"]}), "classification")
    ['text']
    """
    return [name for name in TEXTS[task] if name in table]
