"""The journal: whatever a kill leaves behind, whole lines count and others do not."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miniature.job.journal import Journal, folder_digest, journal_key

ROWS = [{"id": f"é{i}", "outcome": "success", "text": "line\nbreak \u2028 \x00"} for i in range(5)]


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "deep" / "journal"
    with Journal(path, "key") as journal:
        for row in ROWS:
            journal.append(row)
    return path.read_bytes()


def test_rows_come_back(whole, tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(whole)
    with Journal(path, "key") as journal:
        assert list(journal.rows.values()) == ROWS
    assert path.read_bytes() == whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(share=st.floats(0, 1), junk=st.binary(max_size=8))
def test_cut_anywhere_it_continues_to_the_same_file(whole, tmp_path, share, junk):
    path = tmp_path / "journal"
    cut = whole[: int(share * len(whole))]
    path.write_bytes(cut + junk.replace(b"\n", b""))
    with Journal(path, "key") as journal:
        finished = list(journal.rows.values())
        assert finished == ROWS[: len(finished)]
        assert len(finished) >= cut.count(b"\n") - 1
        for row in ROWS[len(finished) :]:
            journal.append(row)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"{}\n", b"[1]\n", b'{"key": "other"}\n{"id": "a"}\n', b"\xff\n"]
)
def test_another_key_or_no_journal_begins_anew(tmp_path, content):
    path = tmp_path / "journal"
    path.write_bytes(content)
    with Journal(path, "key") as journal:
        assert journal.rows == {}
    assert path.read_bytes() == b'{"key": "key"}\n'


def test_key_depends_on_every_part(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(name.encode())
    a, b = tmp_path / "a", tmp_path / "b"
    examples = [("1", "text", "x"), ("2", None, "y")]
    keys = [
        journal_key({"k": 8}, [a, b], examples),
        journal_key({"k": 9}, [a, b], examples),
        journal_key({"k": 8}, [b, a], examples),
        journal_key({"k": 8}, [a, a], examples),
        journal_key({"k": 8}, [a, b], examples[::-1]),
        journal_key({"k": 8}, [a, b], [("1", "text", "y"), ("2", None, "y")]),
    ]
    assert len(set(keys)) == len(keys)
    assert journal_key({"k": 8}, [a, b], examples) == keys[0]


def test_folder_digest_sees_weights_and_tokenizer_but_no_training_leftovers(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"w")
    (tmp_path / "vocab.txt").write_text("a")
    first = folder_digest(tmp_path)
    (tmp_path / "training.log").write_text("x")
    assert folder_digest(tmp_path) == first
    (tmp_path / "vocab.txt").write_text("b")
    assert folder_digest(tmp_path) != first
