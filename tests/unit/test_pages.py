"""The report and the cards: the answer first, only what the study has, every text as characters."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from cards import card, tolerance_of_two
from miniature.pages.attributions import attribution_sections
from miniature.pages.examples import attacked_examples, changed_section
from miniature.pages.page import caption_title, markdown_html, page_environment
from miniature.pages.report import LONG, Sections, provenance_text, render_cards, render_report
from miniature.scorecard.answer import answer_json, make_answer
from miniature.tables.write import markdown_table

REPORT = Path(__file__).parents[2] / "report"
EVIL = "<script>alert('owned')</script><img src=x>"
TEMPLATES = {path.name: path.read_text() for path in REPORT.iterdir() if path.is_file()}
CAPTIONS = {str(p.relative_to(REPORT).with_suffix("")): p.read_text() for p in REPORT.rglob("*.rst")}
SIZES = pd.DataFrame(
    {"model": ["large", "tiny", "base"], "size (MB)": [100.0, 10.0, 50.0], "latency (ms)": [8.0, 1.0, None]}
)
PROVENANCE = {
    "seed": 3, "code": {"commit": "0123456789abcdef", "modified": False},
    "packages": {"numpy": "2", "torch": None},
    "machine": {"python": "3.11", "system": "Linux", "processor": "a"}, "made_from": {},
    "recipes_with_time_budget": [],
}  # fmt: skip


@pytest.fixture
def answer():
    made = make_answer(
        card(), tolerance_of_two(), study="trial", reference="large", models=["tiny", "base"], warnings=[EVIL]
    )
    return json.loads(answer_json(made))


def page_of(answer, fill=lambda sections: None, sizes=SIZES):
    sections = Sections(CAPTIONS, {"study": "trial", "reference": "large"})
    fill(sections)
    return render_report(page_environment(TEMPLATES), answer, sizes, sections, style=TEMPLATES["style.css"])


def test_the_answer_is_first_and_nothing_else_is_promised(answer):
    page = page_of(answer)
    assert page.index("✕ 30 %") < page.index("● 98 %")
    assert "47.5 %" not in page
    assert "45.0 %" in page  # decisions that tiny changed: 180 of 400
    assert "10 MB (10 %)" in page
    assert "1 ms (12 %)" in page
    assert "<h2" not in page
    assert page.count('<th scope="row">') == 2
    # No column of what no model has.
    assert ">cost</th>" in page
    assert ">cost</th>" not in page_of(answer, sizes=SIZES[["model"]])


def test_no_text_of_the_data_does_anything(answer):
    changes = pd.DataFrame(
        [["r", "newly wrong", 0.1, EVIL, EVIL, EVIL, EVIL, EVIL]],
        columns=["task", "change", "by", "id", "expected", "reference", "model", "text"],
    )
    attacks = pd.DataFrame(
        {
            "id": ["a"], "label": [EVIL], "prediction_before": [EVIL], "prediction_after": ["b"],
            "outcome": ["success"], "original_text": [f"one {EVIL}"], "perturbed_text": [f"two {EVIL}"],
        }
    )  # fmt: skip
    words = pd.DataFrame(
        {
            "id": ["a"], "target": [EVIL], "part": [[0, 0]], "start": [[0, 4]], "end": [[3, 60]],
            "score": [[1.0, 2.0]],
        }
    )  # fmt: skip

    def fill(sections):
        sections.add_examples("Changed decisions", "changed", [changed_section(changes, EVIL, models=1)])
        shown = attacked_examples({"large": attacks, "tiny": attacks}, reference="large", models=["tiny"])
        sections.add_examples("Adversarial examples", "attacked", [{"title": EVIL, "examples": shown}])
        texts = pd.DataFrame({"id": [EVIL], "text": [f"one {EVIL}"]})
        both = {"large": words, "tiny": words}
        found = attribution_sections(texts, both, reference="large", models=["tiny"], parts=["text"])
        sections.add_examples("Words that decide", "attributions", found)
        sections.add_tables({"other": markdown_table(changes, EVIL)})
        sections.add_text("Findings", EVIL)

    page = page_of(answer, fill)
    assert "<mark>two</mark>" in page
    assert page.count("<h2") == 5
    assert "<script" not in page
    assert "<img src=x" not in page
    # Nothing from elsewhere, and what would be fetched is forbidden.
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", page)
    assert not re.search(r"https?://|@import|url\(", page)


def test_an_empty_answer_is_said_and_wide_tables_scroll(answer):
    changes = pd.DataFrame(
        [["wiki", "newly wrong", 0.1, "q1", "1318", "1318", None, "When?"]],
        columns=["task", "change", "by", "id", "expected", "reference", "model", "text"],
    )

    def fill(sections):
        sections.add_examples("Changed decisions", "changed", [changed_section(changes, "tiny", models=1)])
        sections.add_tables({"other": markdown_table(changes, "wide")})

    page = page_of(answer, fill)
    assert page.count("(no answer)") == 1
    assert '<div class="scroll"><p>wide</p>' in page


def test_a_table_knows_its_headings_and_verdicts():
    html = markdown_html("| model | verdict |\n|---|---|\n| a\\_b | beyond |\n")
    assert '<td data-label="model">a_b</td>' in html
    assert '<td data-label="verdict" class="verdict bad" data-sign="✕">beyond</td>' in html


def test_a_long_table_is_closed(answer):
    def table(rows):
        return markdown_table(pd.DataFrame({"x": range(rows)}), "so many")

    assert f"<summary>{LONG + 1} rows" in page_of(answer, lambda s: s.add_tables({"other": table(LONG + 1)}))
    assert f"<summary>{LONG} rows" not in page_of(answer, lambda s: s.add_tables({"other": table(LONG)}))


def test_examples_that_broke_most_models_come_first():
    def attacks(**outcomes):
        return pd.DataFrame(
            {
                "id": list(outcomes), "label": "x", "prediction_before": "x", "prediction_after": "y",
                "outcome": list(outcomes.values()), "original_text": "good film",
                "perturbed_text": "fine film",
            }
        )  # fmt: skip

    tables = {
        "large": attacks(a="success", b="success", c="failure"),
        "small": attacks(a="failure", b="success", c="success"),
    }
    found = attacked_examples(tables, reference="large", models=["small"])
    assert [example["id"] for example in found] == ["b", "a"]
    assert found[0]["sides"][1]["words"] == [("fine", True), ("film", False)]
    assert found[1]["sides"][1]["words"] == []


def test_cards_are_model_card_sections(answer):
    cards = render_cards(
        page_environment(TEMPLATES), answer, SIZES, card(), tolerance_of_two(), models=["tiny", "base"],
        provenance=PROVENANCE, style="",
    )  # fmt: skip
    text, page = cards["tiny"]
    assert text.startswith("## Behavior compared with large\n")
    assert "| reviews | decisions changed, % | 45.0 (" in text
    assert "30 % (20 to 40)" in text
    assert "beside large's: 10 MB (10 %), 1 ms (12 %)" in text
    assert "commit 0123456789ab." in text
    assert "<table>" in page
    assert "<h1>tiny</h1>" in page
    assert markdown_html(text).count("<table>") == 2


def test_provenance_is_what_a_second_run_repeats():
    text = provenance_text(PROVENANCE, files="results/trial")
    assert "commit 0123456789abcdef; seed 3" in text
    assert "torch" not in text


def test_every_product_of_the_captions_has_a_title():
    assert caption_title("**Which mistakes?**, study") == "Which mistakes"
    for name, text in CAPTIONS.items():
        assert caption_title(text) or name in ("workflow", "changed"), name
