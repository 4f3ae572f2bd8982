import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from miniature.messages import StudyError
from miniature.models.vocabulary import table_texts, train_vocabulary
from small_models import qa_table, toy_reviews

TEXTS = [
    f"The {a}{b} of {b}{a} was seen near {a}{b}ville, in {i}."
    for i, (a, b) in enumerate(
        (a, b) for a in ("bor", "kel", "tam", "ruv") for b in ("lin", "dos", "pek", "gra")
    )
]


def digests(folder):
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(Path(folder).iterdir())
    }


@pytest.mark.slow
def test_same_bytes_in_another_process_and_for_another_order_of_texts(tmp_path):
    train_vocabulary(TEXTS, size=120, folder=tmp_path / "a")
    program = (
        "import sys; from miniature.models.vocabulary import train_vocabulary\n"
        "train_vocabulary(sys.stdin.read().splitlines(), size=120, folder=sys.argv[1])"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "b")],
        input="\n".join(reversed(TEXTS)),
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_tokenizer_is_complete_and_uncut(tmp_path):
    train_vocabulary(TEXTS, size=120, folder=tmp_path / "v")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "v")
    assert tokenizer.is_fast
    assert len(tokenizer) <= 120
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3, 4]) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    for text in TEXTS:
        encoded = tokenizer(text)
        assert tokenizer.unk_token_id not in encoded["input_ids"]
        assert tokenizer.decode(encoded["input_ids"], skip_special_tokens=True).replace(
            " ", ""
        ) == text.lower().replace(" ", "")
    # A frequent word is one entry, not letters.
    assert len(tokenizer.tokenize("the")) == 1


def test_too_small_a_vocabulary(tmp_path):
    with pytest.raises(StudyError, match="cannot hold"):
        train_vocabulary(TEXTS, size=20, folder=tmp_path / "v")


def test_table_texts():
    table = qa_table([("who ?", "red box", None), ("what ?", "red box", "box"), ("where ?", "cup", None)])
    assert table_texts(table, "question-answering") == ["red box", "cup", "who ?", "what ?", "where ?"]
    reviews = toy_reviews(3)
    assert table_texts(reviews, "classification") == list(reviews["text"])
