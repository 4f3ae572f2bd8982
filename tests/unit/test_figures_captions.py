"""The captions of the report: each renders for a study and is well-formed reStructuredText."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

REPORT = Path(__file__).parents[2] / "report"
CONFIG = {
    "study": "trial",
    "seed": 0,
    "reference": "large",
    "models": {"large": {}, "small": {}, "tiny": {}},
    "compute": {"device": "cpu", "threads": 1},
    "inference": {"batch_tokens": 2048, "feature": "cls"},
    "control": {"batch_tokens": 512, "threads": 2},
    "characteristics": {
        "errors": {"enabled": True, "tasks": ["wiki"]},
        "representation": {"enabled": False, "tasks": ["wiki"]},
        "vulnerability": {"enabled": True, "examples": 10, "recipes": {"one": {}, "two": {}}},
    },
    "verdict": {
        "errors": {"task": "wiki", "measure": "jaccard", "keep": 0.8},
        "representation": {"task": "wiki", "measure": "jaccard", "k": 10, "keep": 0.8},
    },
    "figure1": {
        "panels": {
            "a": {"characteristic": "representation", "measure": "jaccard", "pairs": "reference"},
            "b": {"characteristic": "representation", "measure": "jaccard", "pairs": "others"},
        }
    },
}


def render(path):
    # As the report does it, but strict: an unknown key is an error and not an empty place.
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    text = environment.from_string(path.read_text(encoding="utf-8")).render(
        snakemake=SimpleNamespace(config=CONFIG)
    )
    # Level 2 is a warning: anything that docutils complains about stops the test.
    return text, publish_parts(text, writer="html", settings_overrides={"halt_level": 2})["html_body"]


@pytest.mark.parametrize(
    "path", sorted(REPORT.rglob("*.rst")), ids=lambda path: str(path.relative_to(REPORT))
)
def test_caption_renders_without_complaint(path):
    text, _ = render(path)
    assert "trial" in text
    assert "{" not in text


def test_the_landing_page_lists_what_the_study_does():
    _, body = render(REPORT / "workflow.rst")
    assert "<strong>errors</strong>" in body
    assert "<strong>representation</strong>" not in body
    assert body.count("<li>") == 2
    assert "Begin with <strong>Answer</strong>" in body
    assert ">small<" in body


def test_figure_caption_has_an_item_for_each_panel():
    _, body = render(REPORT / "figures/figure1.rst")
    assert body.count("<li>") == 2
    assert "the other models among themselves" in body


def test_the_models_caption_says_that_length_below_one_half_separates_too():
    text, _ = render(REPORT / "tables/table1_models.rst")
    assert "its distance from 0.5" in " ".join(text.split())


def test_every_caption_that_the_rules_name_is_there():
    rules = (REPORT.parent / "rules").glob("*.smk")
    named = {
        line.split('caption="')[1].split('"')[0]
        for rule in rules
        for line in rule.read_text(encoding="utf-8").splitlines()
        if 'caption="' in line
    }
    assert named
    assert all((REPORT.parent / "rules" / name).resolve().is_file() for name in named)
