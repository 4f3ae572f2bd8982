"""Attacks of other kinds in a real study: each has the inputs that its recipe names and no other."""

import json

import pandas as pd
import pytest

pytestmark = pytest.mark.workflow


def test_new_recipes_run_their_own_attacks(project):
    vectors = project.folder / "vectors.txt"
    words = ["good", "great", "fine", "superb", "bad", "awful", "poor", "dull", "film", "plot", "story"]
    lines = [f"{word} {i % 4 + 1} {i // 4 + 1} 1" for i, word in enumerate(words)]
    vectors.write_text("\n".join(lines) + "\n", encoding="utf-8")
    recipes = {
        "typos": {"preset": "deepwordbug"},
        "authors": {"preset": "reference", "masked_lm": "words", "max_candidates": 8, "query_budget": 200},
        "near-words": {"preset": "textfooler", "word_vectors": "${VECTORS}", "min_word_similarity": 0.1},
    }

    def add(config):
        config["characteristics"]["vulnerability"]["recipes"].update(recipes)
        config["characteristics"]["vulnerability"]["examples"] = 10

    project.edit_config(add)
    targets = [f"results/tiny/attacks/reviews/{name}/small.parquet" for name in recipes]
    planned = project.run("-n", *targets, VECTORS=str(vectors)).stdout
    assert planned.count("rule attack_model:") == 3
    assert "rule finetune_model:" not in planned
    project.run("--cores", "2", *targets, VECTORS=str(vectors))
    for name, target in zip(recipes, targets, strict=True):
        table = pd.read_parquet(project.folder / target)
        assert len(table) == 10
        assert set(table["outcome"]) <= {"success", "failure", "skipped", "query_budget"}, table[
            "message"
        ].tolist()
        assert (table["outcome"] != "skipped").any()
        file = project.folder / target.replace(".parquet", ".settings.json")
        ran = json.loads(file.read_text())["recipe"]
        assert ran["kind"] == {"typos": "deepwordbug", "authors": "bert-attack-authors"}.get(
            name, "textfooler"
        )
    # The file's content counts, not its name.
    vectors.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    again = project.run("-n", *targets, VECTORS=str(vectors)).stdout
    assert again.count("rule attack_model:") == 1
    assert "recipe=near-words" in again
