"""Whole files or none; damage is noticed, set aside and told."""

import numpy as np
import pandas as pd
import pytest

from miniature.files import (
    atomic_folder,
    atomic_path,
    read_npy,
    read_parquet,
    write_csv,
    write_npy,
    write_parquet,
)
from miniature.messages import StudyError, printable


def test_atomic_path_leaves_nothing_after_a_failure(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail_halfway():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_atomic_folder_replaces_the_whole_folder(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "stale").write_text("x")
    with atomic_folder(target) as temporary:
        (temporary / "fresh").write_text("y")
    assert [path.name for path in target.iterdir()] == ["fresh"]
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(RuntimeError), atomic_folder(target) as temporary:
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["fresh"]
    assert list(tmp_path.iterdir()) == [target]


def test_parquet_round_trip_and_same_bytes(tmp_path):
    table = pd.DataFrame({"id": ["a", "b"], "score": np.array([0.5, np.nan], dtype=np.float32)})
    write_parquet(table, tmp_path / "one.parquet")
    write_parquet(table.copy(), tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "one.parquet"), table)


@pytest.mark.parametrize("keep", [0, 10, 100])
def test_truncated_parquet_is_set_aside(tmp_path, keep):
    path = tmp_path / "t.parquet"
    write_parquet(pd.DataFrame({"a": range(100)}), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StudyError, match="damaged") as caught:
        read_parquet(path)
    assert "run the same snakemake command again" in str(caught.value)
    assert not path.exists()
    assert (tmp_path / "t.parquet.damaged").exists()


@pytest.mark.parametrize("keep", [0, 5, 200])
def test_truncated_npy_is_set_aside(tmp_path, keep):
    path = tmp_path / "a.npy"
    write_npy(np.zeros((10, 10), dtype=np.float32), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StudyError, match="damaged"):
        read_npy(path)
    assert not path.exists()


def test_npy_never_unpickles(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(StudyError, match="damaged"):
        read_npy(path)


def test_csv_digits_and_missing_values(tmp_path):
    write_csv(pd.DataFrame({"a": [1 / 3, np.nan], "b": ["x", None]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "a,b\n0.3333333333,x\n,\n"


def test_messages_cannot_steer_a_terminal():
    assert printable("a\x1b[2Jb\r") == "a\\x1b[2Jb\\r"
    assert len(printable("x" * 10_000_000)) < 5000
    assert "\x1b" not in str(StudyError("\x1b[31m", where="\x07", fix="ok"))
