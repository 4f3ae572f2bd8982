"""Kept versions of the scripts: those of the sources as they are, whatever the kept file holds."""

import json
import os

import pytest

from miniature.job import code_cache
from miniature.job.code_cache import code_versions
from miniature.job.code_version import CodeMap


@pytest.fixture
def folder(tmp_path):
    scripts = tmp_path / "scripts"
    (scripts / "library").mkdir(parents=True)
    (scripts / "library/__init__.py").write_text("")
    (scripts / "library/sums.py").write_text("def add(a, b):\n    return a + b\n")
    (scripts / "use.py").write_text("from library.sums import add\n\nadd(1, 2)\n")
    (scripts / "alone.py").write_text("print(1)\n")
    (scripts / "_frame.py").write_text("")
    return scripts


def test_versions_are_those_of_the_code_map(folder, tmp_path, monkeypatch):
    kept = tmp_path / "records/versions.json"
    sources = CodeMap(folder)
    expected = {name: sources.version(name) for name in ("alone", "use")}
    assert code_versions(folder, kept) == expected
    # The second time nothing is read but the bytes.
    monkeypatch.setattr(code_cache, "CodeMap", None)
    assert code_versions(folder, kept) == expected
    assert os.listdir(kept.parent) == ["versions.json"]


def test_an_edited_module_counts_at_once(folder, tmp_path):
    kept = tmp_path / "versions.json"
    before = code_versions(folder, kept)
    (folder / "library/sums.py").write_text("def add(a, b):\n    return b + a\n")
    after = code_versions(folder, kept)
    assert after["use"] != before["use"]
    assert after["alone"] == before["alone"]
    (folder / "more.py").write_text("print(2)\n")
    assert set(code_versions(folder, kept)) == {"alone", "more", "use"}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"key": 1}', '{"versions": {}}'])
def test_a_damaged_file_is_made_anew(folder, tmp_path, content):
    kept = tmp_path / "versions.json"
    expected = code_versions(folder, kept)
    kept.write_text(content)
    assert code_versions(folder, kept) == expected
    assert json.loads(kept.read_text())["versions"] == expected


def test_a_folder_that_cannot_be_written_costs_time_only(folder, tmp_path):
    (tmp_path / "file").write_text("")
    kept = tmp_path / "file" / "versions.json"
    assert set(code_versions(folder, kept)) == {"alone", "use"}
    (tmp_path / "taken").mkdir()
    assert set(code_versions(folder, tmp_path / "taken")) == {"alone", "use"}
    assert os.listdir(tmp_path / "taken") == []
    assert [name for name in os.listdir(tmp_path) if name.startswith("taken.")] == []
