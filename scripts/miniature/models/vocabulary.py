"""A WordPiece vocabulary of a study's own, the same bytes every time."""

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertTokenizerFast

from miniature.messages import StudyError
from miniature.models.texts import text_columns

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def table_texts(table: pd.DataFrame, task: str) -> list[str]:
    """Every text of a data table, for a vocabulary or a masked language model.

    Parameters
    ----------
    table : DataFrame
        A data table in the project's format.
    task : str
        ``question-answering`` (each context once, where it first occurs, then the questions) or
        ``classification``.

    Returns
    -------
    list of str
        Texts in table order.
    """
    if task == "question-answering":
        return [*dict.fromkeys(table["context"]), *table["question"]]
    return [text for name in text_columns(table, task) for text in table[name]]


def train_vocabulary(texts: Iterable[str], *, size: int, folder: str | os.PathLike) -> None:
    """Learn a WordPiece vocabulary and save it as an uncased BERT tokenizer.

    Parameters
    ----------
    texts : iterable of str
        The training texts.
    size : int
        Entries of the vocabulary, the five special tokens included. Where the texts hold fewer distinct
        pieces the vocabulary is smaller.
    folder : path
        Where the tokenizer is saved; the caller makes it atomic.

    Raises
    ------
    StudyError
        `size` does not even hold the alphabet of the texts.

    Notes
    -----
    The trainer of ``tokenizers`` numbers the continuation characters (``##a``) in the order of a hash table,
    which differs from process to process and breaks ties between merges differently. Here they are announced
    beforehand in sorted order, which leaves nothing to the hash table.
    """
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words: dict[str, int] = {}
    for text in texts:
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)):
            words[word] = words.get(word, 0) + 1
    inner = sorted({f"##{character}" for word in words for character in word[1:]})
    alphabet = {character for word in words for character in word}
    smallest = len(SPECIAL_TOKENS) + len(inner) + len(alphabet)
    if size < smallest:
        raise StudyError(
            f"A vocabulary of {size} entries cannot hold the {smallest} characters and special tokens.",
            where="vocabulary: size",
            fix=f"size: {max(2 * smallest, 1000)}",
        )
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=1,
        special_tokens=[*SPECIAL_TOKENS, *inner],
        limit_alphabet=len(alphabet),
        continuing_subword_prefix="##",
        show_progress=False,
    )
    # Words in sorted order: the corpus is counted anyway, and no order of the texts can matter.
    tokenizer.train_from_iterator((" ".join([word] * words[word]) for word in sorted(words)), trainer)
    entries = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "vocab.txt"
    file.write_text("".join(f"{entry}\n" for entry, _ in entries), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(file), do_lower_case=True).save_pretrained(folder)
