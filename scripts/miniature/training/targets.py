"""The targets of question answering: the position of an answer in its windows."""

import numpy as np
import pandas as pd

from miniature.messages import StudyError
from miniature.models.windows import CLS_POSITION, Windows


def answer_positions(windows: Windows, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start and end of each window's first gold answer; the [CLS] position if it contains none."""
    answer = np.full((len(table), 2), -1, dtype=np.int64)
    columns = (table[name] for name in ("id", "context", "answers", "answer_starts"))
    for row, (name, context, answers, places) in enumerate(zip(*columns, strict=True)):
        if len(answers):
            start = int(places[0])
            if not answers[0] or context[start : start + len(answers[0])] != answers[0]:
                raise StudyError(
                    f"The answer {answers[0]!r} is not at character {start} of its context.",
                    where=f"question {name}",
                    fix="correct answer_start, or remove the question",
                )
            answer[row] = start, start + len(answers[0])

    starts = np.full(len(windows), CLS_POSITION, dtype=np.int64)
    ends = starts.copy()
    usable = np.ones(len(windows), dtype=bool)
    first_window = np.searchsorted(windows.example, np.arange(len(table) + 1))
    for row in np.flatnonzero(answer[:, 0] >= 0):
        begin, end = answer[row]
        found = []
        for window in range(first_window[row], first_window[row + 1]):
            low = windows.borders[window] + windows.text_start[window]
            spans = windows.spans[low : low + windows.text_tokens[window]]
            inside = np.flatnonzero((spans[:, 1] > begin) & (spans[:, 0] < end))
            if len(inside):
                found.append((window, int(inside[0]), int(inside[-1])))
        if not found:
            usable[first_window[row] : first_window[row + 1]] = False
            continue
        # Tokens of the answer in the context: a window with fewer of them truncates the answer.
        first_token = min(windows.text_offset[window] + first for window, first, _ in found)
        last_token = max(windows.text_offset[window] + last for window, _, last in found)
        for window, first, last in found:
            offset = windows.text_offset[window]
            if (offset + first, offset + last) == (first_token, last_token):
                starts[window] = windows.text_start[window] + first
                ends[window] = windows.text_start[window] + last
    return starts, ends, usable
