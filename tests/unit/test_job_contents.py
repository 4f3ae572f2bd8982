"""A file is another one when its bytes are, whatever its time says."""

import json
import os
import shutil

from miniature.job import contents
from miniature.job.contents import ContentDigests


def digests_of(kept, files):
    """As one start of the workflow, which keeps what it made at its end."""
    digests = ContentDigests(kept)
    found = digests.of(files)
    digests.keep()
    return found


def test_a_file_replaced_by_an_older_one_of_equal_size_is_another(tmp_path):
    file, older, kept = tmp_path / "p.json", tmp_path / "older.json", tmp_path / "kept.json"
    file.write_text('{"q": "a"}')
    older.write_text('{"q": "b"}')
    os.utime(older, (1, 1))
    first = digests_of(kept, [file])
    shutil.copy2(older, file)
    second = digests_of(kept, [file])
    assert first != second
    # Even with the time that the first one had: only the status tells.
    file.write_text('{"q": "a"}')
    os.utime(file, (1, 1))
    assert digests_of(kept, [file]) == first


def test_digests_are_kept_while_size_and_time_stay(tmp_path, monkeypatch):
    file, kept = tmp_path / "p.json", tmp_path / "kept.json"
    file.write_text("x")
    first = digests_of(kept, [file])
    monkeypatch.setattr(contents, "_digest", lambda path: "made anew")
    assert digests_of(kept, [file]) == first
    os.utime(file, (5, 5))
    assert digests_of(kept, [file]) == ["made anew"]


def test_touching_a_file_changes_no_digest(tmp_path):
    file = tmp_path / "p.json"
    file.write_text("x")
    digests = ContentDigests(tmp_path / "kept.json")
    first = digests.of([file])
    os.utime(file)
    assert digests.of([file]) == first


def test_a_folder_is_its_files_and_their_names(tmp_path):
    folder, digests = tmp_path / "pos", ContentDigests(tmp_path / "kept.json")
    folder.mkdir()
    (folder / "1.txt").write_text("a")
    first = digests.of([folder])
    (folder / "1.txt").rename(folder / "2.txt")
    second = digests.of([folder])
    (folder / "2.txt").write_text("b")
    assert len({*first, *second, *digests.of([folder])}) == 3


def test_missing_files_and_a_damaged_record_are_no_hindrance(tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text('{"a": [')
    file = tmp_path / "p"
    file.write_text("x")
    (digest,) = digests_of(kept, [tmp_path / "absent", file])
    assert json.loads(kept.read_text())[str(file)][1] == digest
