"""Unfinished work is found again by its key only."""

from miniature.job.partial import digest_inputs, keyed_folder, remove


def test_same_key_same_folder_other_key_clears(tmp_path):
    root = tmp_path / "job"
    first = keyed_folder(root, {"a": 1, "b": [2]})
    (first / "checkpoint").write_text("x")
    assert keyed_folder(root, {"b": [2], "a": 1}) == first
    assert (first / "checkpoint").exists()
    second = keyed_folder(root, {"a": 2, "b": [2]})
    assert second != first
    assert not first.exists()
    remove(root)
    assert not root.exists()
    remove(root)


def test_digests_see_content_not_time(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(b"1")
    (folder / ".snakemake_timestamp").write_text("now")
    before = digest_inputs([folder])
    assert list(before) == [(folder / "weights").as_posix()]
    (folder / ".snakemake_timestamp").write_text("later")
    assert digest_inputs([folder]) == before
    (folder / "weights").write_bytes(b"2")
    assert digest_inputs([folder]) != before
