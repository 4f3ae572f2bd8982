"""README is short and plain, and what it tells a reader to type is right, in its order."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from miniature.cli.main import build_parser
from pages import commands

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "config/README.md",
    *(ROOT / "docs").glob("*.md"),
]
MOST_LINES, MOST_WORDS = 150, 30


def sentences(text):
    """Sentences of prose: no blocks, tables, headings or pictures; a link counts as its words."""
    text = re.sub(r"```.*?```|<!--.*?-->|!\[[^\]]*\]\([^)]*\)", "", text, flags=re.S)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    paragraphs = re.split(r"\n\s*\n|\n(?=- )", text)
    prose = [p for p in paragraphs if not p.strip("\n").startswith(("    ", "|", "#"))]
    return [s for p in prose for s in re.split(r"(?<=[.?!])\**\s+", " ".join(p.split())) if s]


def test_readme_is_short_and_no_sentence_is_long():
    assert len(README.splitlines()) <= MOST_LINES
    assert len(sentences(README)) > 20
    assert [s for s in sentences(README) if len(s.split()) > MOST_WORDS] == []


def test_words_are_explained_before_the_paper_is_told():
    shipping = README.partition("## The paper")[0]
    for word in ("Jaccard", "Chance", "Floor", "Kept"):
        assert f"- **{word}**: " in shipping


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_pages_link_to_are_there(page):
    # The strict build of the site looks at the rest.
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    from_elsewhere = {"configuration.md", "contributing.md"}
    assert [link for link in links if link not in from_elsewhere and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_miniature_are_what_it_takes(page):
    parser = build_parser()
    for line in commands(page.read_text(encoding="utf-8")):
        if line.startswith("miniature "):
            parser.parse_args(shlex.split(line)[1:])


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_targets_of_make_exist():
    found = [line.split() for line in commands(README) if line.startswith("make")]
    assert ["make", "env"] in found
    for words in found:
        done = subprocess.run([*words, "-n"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.workflow
@pytest.mark.parametrize("line", [line for line in commands(README) if line.startswith("snakemake")])
def test_what_snakemake_is_asked_for_is_planned(line):
    words = shlex.split(line)[1:]
    if "--report" in words or "profiles/slurm" in words:
        pytest.skip("tested where a study is finished, and where there is a cluster")
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--quiet=all", *words], cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
