"""Texts as token windows, with the way back to the characters they came from."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from transformers import PreTrainedTokenizerFast

from miniature.messages import StudyError
from miniature.models.texts import text_columns

logger = logging.getLogger(__name__)

CLS_POSITION = 0  # of every supported encoder


@dataclass(frozen=True)
class Template:
    """Where a tokenizer puts its special tokens around one text or a pair of texts."""

    before: tuple[np.ndarray, np.ndarray]
    between: tuple[np.ndarray, np.ndarray]
    after: tuple[np.ndarray, np.ndarray]
    first_type: int
    second_type: int

    @property
    def special_tokens(self) -> int:
        """Special tokens in one window."""
        return len(self.before[0]) + len(self.between[0]) + len(self.after[0])


@dataclass(frozen=True)
class Windows:
    """Token windows of a table, flat: window w is ``tokens[borders[w]:borders[w + 1]]``.

    Attributes
    ----------
    tokens : int32 array, shape (total,)
    types : uint8 array, shape (total,)
        Segment of each token; ignored by encoders that have no segments.
    special : bool array, shape (total,)
        Whether the token is a special one.
    borders : int64 array, shape (windows + 1,)
    example : int32 array, shape (windows,)
        Row of the table; windows of one row are neighbors, in reading order.
    text_start : int32 array, shape (windows,)
        Position in the window of its first context token (of its first text token, for one text; of the first
        token of the second text, for a pair).
    text_tokens : int32 array, shape (windows,)
        Context tokens in the window.
    text_offset : int32 array, shape (windows,)
        Context tokens before the window's first one.
    spans : int32 array, shape (total, 2)
        Characters [start, end) of the context that a context token stands for; (-1, -1) elsewhere.
    """

    tokens: np.ndarray
    types: np.ndarray
    special: np.ndarray
    borders: np.ndarray
    example: np.ndarray
    text_start: np.ndarray
    text_tokens: np.ndarray
    text_offset: np.ndarray
    spans: np.ndarray

    def __len__(self) -> int:
        return len(self.example)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each window."""
        return np.diff(self.borders)

    def select(self, keep: np.ndarray) -> "Windows":
        """Keep the windows where the bool array `keep`, shape (windows,), is true."""
        tokens = np.repeat(keep, self.lengths)
        return Windows(
            tokens=self.tokens[tokens],
            types=self.types[tokens],
            special=self.special[tokens],
            borders=np.concatenate([[0], np.cumsum(self.lengths[keep])]),
            example=self.example[keep],
            text_start=self.text_start[keep],
            text_tokens=self.text_tokens[keep],
            text_offset=self.text_offset[keep],
            spans=self.spans[tokens],
        )

    def batch(self, indices: np.ndarray, *, pad_token: int) -> dict[str, np.ndarray]:
        """Put some windows into rows, padded to the longest of them.

        Returns
        -------
        dict
            ``input_ids``, ``token_type_ids`` and ``attention_mask``, int64, shape (batch, longest).
        """
        starts = self.borders[indices]
        lengths = self.borders[np.asarray(indices) + 1] - starts
        columns = np.arange(lengths.max(initial=0))
        mask = columns < lengths[:, None]  # (batch, longest)
        flat = np.where(mask, starts[:, None] + columns, 0)
        return {
            "input_ids": np.where(mask, self.tokens[flat], pad_token).astype(np.int64),
            "token_type_ids": np.where(mask, self.types[flat], 0).astype(np.int64),
            "attention_mask": mask.astype(np.int64),
        }


def find_template(tokenizer: PreTrainedTokenizerFast, *, pair: bool) -> Template:
    """Learn from a probe where the tokenizer puts special tokens and which types it gives."""
    encoded = tokenizer(
        "a", "a" if pair else None, truncation=False, padding=False, return_token_type_ids=True, verbose=False
    )
    ids, types = np.array(encoded["input_ids"]), np.array(encoded["token_type_ids"])
    sequence = np.array([-1 if s is None else s for s in encoded.sequence_ids(0)])
    first = np.flatnonzero(sequence == 0)
    last = np.flatnonzero(sequence == (1 if pair else 0))
    middle = slice(first[-1] + 1, last[0]) if pair else slice(0, 0)
    head, tail = slice(0, first[0]), slice(last[-1] + 1, None)
    return Template(
        before=(ids[head], types[head]),
        between=(ids[middle], types[middle]),
        after=(ids[tail], types[tail]),
        first_type=int(types[first[0]]),
        second_type=int(types[last[0]]),
    )


def encode_texts(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Token ids (int32) and character spans (int32, (n, 2)) of each text, without special tokens, uncut."""
    backend = tokenizer.backend_tokenizer
    # A saved tokenizer may carry a truncation of its own, which would cut in silence.
    backend.no_truncation()
    backend.no_padding()
    return [
        (
            np.array(encoding.ids, dtype=np.int32),
            np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2),
        )
        for encoding in backend.encode_batch(list(texts), add_special_tokens=False)
    ]


def encode_questions(
    tokenizer: PreTrainedTokenizerFast, table: pd.DataFrame, text_settings: Mapping
) -> Windows:
    """Cut question and context pairs into windows that share `stride`-spaced parts of the context.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
    table : DataFrame
        With ``question`` and ``context``.
    text_settings : mapping
        ``max_length`` tokens a window, special tokens included; ``stride``: tokens of context by which
        a window is further on than the one before (the ``doc_stride`` of the original BERT code, Devlin et
        al. 2019, so windows overlap by what is left); ``max_question_length``: tokens of a question that
        are kept; a warning counts the longer ones.

    Returns
    -------
    Windows
        At least one a row, however empty its texts.

    Raises
    ------
    StudyError
        No room is left for the context.
    """
    template = find_template(tokenizer, pair=True)
    max_question = int(text_settings["max_question_length"])
    room_at_least = int(text_settings["max_length"]) - max_question - template.special_tokens
    if room_at_least < 1:
        raise StudyError(
            f"Windows of {text_settings['max_length']} tokens leave no room for the context beside questions "
            f"of {max_question}.",
            where="question_answering: max_length",
            fix=f"max_length: {2 * (max_question + template.special_tokens)}",
        )
    questions = encode_texts(tokenizer, table["question"])
    cut = sum(len(tokens) > max_question for tokens, _ in questions)
    if cut:
        logger.warning(
            "%d of %d questions are longer than %d tokens and cut", cut, len(questions), max_question
        )
    unique = {context: index for index, context in enumerate(dict.fromkeys(table["context"]))}
    contexts = encode_texts(tokenizer, list(unique))
    builder = _WindowBuilder(template)
    for row, context in enumerate(table["context"]):
        question = questions[row][0][:max_question]
        tokens, spans = contexts[unique[context]]
        room = int(text_settings["max_length"]) - len(question) - template.special_tokens
        # A stride longer than the window would leave words that no window shows.
        step = min(int(text_settings["stride"]), room)
        start = 0
        while True:
            part = slice(start, start + room)
            builder.add(row, question, tokens[part], spans[part], start)
            if start + room >= len(tokens):
                break
            start += step
    return builder.build()


def encode_classified(tokenizer: PreTrainedTokenizerFast, table: pd.DataFrame, *, max_length: int) -> Windows:
    """One window an example of a classification table, cut to `max_length` tokens; a warning counts the cut.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
    table : DataFrame
        With ``text``, and ``text_pair`` where examples are pairs of texts.
    max_length : int
        Tokens of a window, special tokens included. Of a pair the longer text is cut first, to the length of
        the other, then both alike, as ``truncation=True`` of transformers does.

    Returns
    -------
    Windows
        The second text of a pair is the text of its window, the first one stands before it.

    Raises
    ------
    StudyError
        No room is left for a text.
    """
    paired = "text_pair" in table
    template = find_template(tokenizer, pair=paired)
    room = max_length - template.special_tokens
    if room < 1 + paired:
        raise StudyError(
            f"Windows of {max_length} tokens hold no text.",
            where="classification: max_length",
            fix="max_length: 128",
        )
    builder = _WindowBuilder(template)
    *firsts, texts = [encode_texts(tokenizer, table[name]) for name in text_columns(table, "classification")]
    cut = 0
    for row, (tokens, spans) in enumerate(texts):
        first = firsts[0][row][0] if paired else tokens[:0]
        before, own = _cut_pair(len(first), len(tokens), room)
        cut += before < len(first) or own < len(tokens)
        builder.add(row, first[:before], tokens[:own], spans[:own], 0)
    if cut:
        logger.warning("%d of %d texts are longer than %d tokens and cut", cut, len(texts), max_length)
    return builder.build()


def _cut_pair(first: int, second: int, room: int) -> tuple[int, int]:
    """Tokens left of two texts in so much room: the longer is cut first, then both to halves.

    Examples
    --------
    >>> _cut_pair(3, 9, 10), _cut_pair(9, 9, 11), _cut_pair(0, 9, 5)
    ((3, 7), (5, 6), (0, 5))
    """
    short, long = sorted((first, second))
    if short + long > room:
        # The odd token goes to the longer one; of two as long, to the second.
        short = min(short, room // 2)
        long = room - short
    return (short, long) if first <= second else (long, short)


def encode_pieces(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], *, max_length: int) -> Windows:
    """Every text whole, in consecutive windows of at most `max_length` tokens; for masked language models."""
    template = find_template(tokenizer, pair=False)
    room = max_length - template.special_tokens
    builder = _WindowBuilder(template)
    for row, (tokens, spans) in enumerate(encode_texts(tokenizer, texts)):
        for start in range(0, len(tokens), room):
            part = slice(start, start + room)
            builder.add(row, tokens[:0], tokens[part], spans[part], start)
    return builder.build()


class _WindowBuilder:
    """Collects windows part by part and joins the parts once."""

    def __init__(self, template: Template):
        self.template = template
        self.tokens: list[np.ndarray] = []
        self.spans: list[np.ndarray] = []
        self.rows: list[tuple[int, int, int, int]] = []

    def add(self, row: int, first: np.ndarray, text: np.ndarray, spans: np.ndarray, offset: int) -> None:
        template = self.template
        self.tokens += [template.before[0], first, template.between[0], text, template.after[0]]
        self.spans.append(spans)
        self.rows.append((row, len(first), len(text), offset))

    def build(self) -> Windows:
        rows = np.array(self.rows, dtype=np.int64).reshape(-1, 4)
        example, firsts, texts, offsets = rows.T
        template = self.template
        parts = (len(template.before[0]), len(template.between[0]), len(template.after[0]))
        text_start = parts[0] + firsts + parts[1]
        borders = np.concatenate([[0], np.cumsum(text_start + texts + parts[2])])
        total = int(borders[-1])
        tokens = np.concatenate(self.tokens).astype(np.int32) if self.tokens else np.zeros(0, np.int32)

        window = np.repeat(np.arange(len(rows)), np.diff(borders))  # (total,)
        position = np.arange(total) - borders[window]
        is_text = (position >= text_start[window]) & (position < (text_start + texts)[window])
        is_first = (position >= parts[0]) & (position < parts[0] + firsts[window])
        types = np.where(is_text, template.second_type, template.first_type)
        for part, offset in (
            (template.before, np.zeros_like(firsts)),
            (template.between, parts[0] + firsts),
            (template.after, text_start + texts),
        ):
            if len(rows):
                places = borders[:-1, None] + offset[:, None] + np.arange(len(part[1]))
                types[places] = part[1]
        spans = np.full((total, 2), -1, dtype=np.int32)
        if self.spans:
            spans[is_text] = np.concatenate(self.spans)
        return Windows(
            tokens=tokens,
            types=types.astype(np.uint8),
            special=~(is_text | is_first),
            borders=borders,
            example=example.astype(np.int32),
            text_start=text_start.astype(np.int32),
            text_tokens=texts.astype(np.int32),
            text_offset=offsets.astype(np.int32),
            spans=spans,
        )
