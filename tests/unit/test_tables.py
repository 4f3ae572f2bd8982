"""What the three tables say, against numbers worked out by hand."""

import json
import struct

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from miniature.agreement.table import make_rows
from miniature.attack.summary import summarize_attack
from miniature.predictions import score_classification as classification
from miniature.predictions import score_squad as squad
from miniature.tables.attacks import attacks_table, printed_attacks
from miniature.tables.errors import error_matrix, error_pairs
from miniature.tables.models import MAJORITY, NO_ANSWER, models_table
from miniature.tables.sizes import model_size

MODELS = ["large", "base", "tiny"]
REVIEWS = pd.DataFrame({"label": ["p", "p", "n", "p"], "prediction": ["p", "p", "n", "n"]})


def sizes(layers, parameters):
    return {"layers": layers, "hidden": 8, "parameters": parameters, "bytes": 4 * parameters}


def squad_summary(exact, answerable):
    scores = pd.DataFrame({"id": [str(i) for i in range(len(exact))], "exact": exact, "f1": exact})
    return squad.summarize(scores, answerable)


def test_models_table_units_order_and_baselines():
    answerable = [True, True, True, False]
    qa = {"large": squad_summary([1.0, 1.0, 0.0, 1.0], answerable)}
    qa["tiny"] = squad_summary([0.0, 0.0, 0.0, 1.0], answerable)
    reviews = {"large": classification.summarize(REVIEWS)}
    table = models_table(
        models=MODELS, sizes={"large": sizes(6, 2_500_000)}, scores={"wiki": qa, "reviews": reviews}
    ).set_index("model")
    assert list(table.index) == [*MODELS, NO_ANSWER, MAJORITY]
    assert table.loc["large", "parameters (M)"] == 2.5
    assert table.loc["large", "size (MB)"] == 10.0
    assert pd.isna(table.loc["tiny", "layers"])
    assert table.loc["large", "wiki EM %"] == 75.0
    assert table.loc["large", "wiki HasAns EM %"] == pytest.approx(200 / 3)
    assert pd.isna(table.loc["base", "wiki EM %"])
    # Answering nothing: right on the one unanswerable question of four.
    nothing = table.loc[NO_ANSWER]
    assert nothing["wiki EM %"] == 25.0
    assert nothing["wiki HasAns EM %"] == 0.0
    assert nothing["wiki NoAns EM %"] == 100.0
    assert pd.isna(nothing["reviews accuracy %"])
    assert table.loc[MAJORITY, "reviews accuracy %"] == 75.0


def test_the_model_that_answers_nothing_scores_as_its_baseline_row():
    # Two routes to the same row: a model whose every answer is empty, and the row derived from totals.
    answerable = [True, False, True, False, False]
    silent = squad_summary([0.0, 1.0, 0.0, 1.0, 1.0], answerable)
    table = models_table(models=["silent"], sizes={}, scores={"wiki": {"silent": silent}}).set_index("model")
    scored = [c for c in table.columns if c.startswith("wiki")]
    np.testing.assert_allclose(
        table.loc["silent", scored].astype(float), table.loc[NO_ANSWER, scored].astype(float)
    )


def distribution(values):
    """Rows of one model: {(model, k, measure): value}."""
    keys = list(values)
    return make_rows(
        characteristic="distribution",
        task="wiki",
        dataset="wiki",
        split="test",
        ood_dataset="news",
        model_a=[k[0] for k in keys],
        model_b=[k[0] for k in keys],
        k=[k[1] for k in keys],
        measure=[k[2] for k in keys],
        value=list(values.values()),
    )


def test_models_table_shows_detection_at_the_largest_k_and_length_alone():
    values = {
        ("large", 5, "auroc"): 0.6,
        ("large", 50, "auroc"): 0.9,
        ("large", 50, "fpr95"): 0.3,
        ("large", None, "length_auroc"): 0.55,
        ("tiny", 50, "auroc"): 0.7,
    }
    table = models_table(models=MODELS, sizes={}, scores={}, distribution=distribution(values))
    table = table.set_index("model")
    assert table.loc["large", "news AUROC (K=50)"] == 0.9
    assert table.loc["tiny", "news AUROC (K=50)"] == 0.7
    assert pd.isna(table.loc["base", "news AUROC (K=50)"])
    assert table.loc["large", "news FPR95 (K=50)"] == 0.3
    assert table.loc["large", "news AUROC of length alone"] == 0.55
    assert not [c for c in table.columns if "K=5)" in c]


def error_rows(a, b, value, n=10, task="wiki"):
    return make_rows(
        characteristic="errors", task=task, dataset=task, split="test", model_a=a, model_b=b,
        measure=["jaccard", "kappa", "accuracy_difference"], value=[value, value / 2, -0.1],
        chance=[0.2, 0.0, np.nan], ceiling=[0.8, 0.9, np.nan], n=n,
    )  # fmt: skip


def test_error_pairs_are_in_config_order_with_chance_and_ceiling_of_jaccard():
    rows = pd.concat(
        [
            error_rows("base", "tiny", 0.3),
            error_rows("large", "tiny", 0.4),
            error_rows("large", "base", 0.5),
            error_rows("large", "large.seed1", 0.9),
        ]
    )
    table = error_pairs(rows, models=MODELS, errors={"wiki": {"large": 3, "base": 4, "tiny": 5}})
    assert list(zip(table["model a"], table["model b"], strict=True)) == [
        ("large", "base"),
        ("large", "tiny"),
        ("base", "tiny"),
    ]
    first = table.iloc[0]
    assert (first["Jaccard"], first["chance"], first["ceiling"], first["kappa"]) == (0.5, 0.2, 0.8, 0.25)
    assert (first["errors a"], first["errors b"], first["n"]) == (3, 4, 10)
    assert first["accuracy difference"] == -0.1
    assert "CI low" not in table
    assert "negative flips" not in table


def test_error_pairs_show_intervals_when_there_are_some():
    rows = error_rows("large", "base", 0.5)
    rows.loc[rows["measure"] == "jaccard", ["ci_low", "ci_high"]] = [0.4, 0.6]
    table = error_pairs(rows, models=MODELS)
    assert table.loc[0, ["CI low", "CI high"]].tolist() == [0.4, 0.6]


def test_error_pairs_with_the_reference_are_tested_for_equal_accuracy():
    rows = [
        make_rows(
            characteristic="errors", task="wiki", dataset="wiki", split="test", model_a=a, model_b=b, n=200,
            measure=["jaccard", "accuracy_difference", "negative_flips", "positive_flips"],
            value=[0.4, positive - negative, negative, positive],
            ci_low=[0.3, -0.2, np.nan, np.nan], ci_high=[0.5, -0.01, np.nan, np.nan],
        )
        for a, b, negative, positive in (("large", "base", 0.1, 0.05), ("base", "tiny", 0.2, 0.01))
    ]  # fmt: skip
    table = error_pairs(pd.concat(rows), models=MODELS, reference="large")
    assert table["McNemar p"][0] == pytest.approx(binomtest(20, 30).pvalue, abs=1e-8)
    assert pd.isna(table["McNemar p"][1])
    assert table.loc[0, ["difference low", "difference high"]].tolist() == [-0.2, -0.01]
    assert "McNemar p" not in error_pairs(pd.concat(rows), models=MODELS)


def test_error_pairs_refuse_two_values_for_one_pair():
    rows = pd.concat([error_rows("large", "base", 0.5), error_rows("large", "base", 0.6)])
    with pytest.raises(ValueError, match="two rows"):
        error_pairs(rows, models=MODELS)


def test_no_rows_make_an_empty_table():
    assert len(error_pairs(make_rows(), models=MODELS)) == 0


def test_error_matrix_is_symmetric_whatever_the_order_of_a_pair():
    rows = pd.concat([error_rows("tiny", "large", 0.4), error_rows("base", "tiny", 0.3, task="other")])
    table = error_matrix(rows, models=MODELS, task="wiki")
    square = table.set_index("model")
    assert list(square.columns) == list(square.index) == MODELS
    assert square.loc["large", "tiny"] == square.loc["tiny", "large"] == 0.4
    assert int(square.notna().sum().sum()) == 2


def attacks(outcomes):
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(len(outcomes))],
            "outcome": outcomes,
            "words": pd.array([10] * len(outcomes), dtype="Int32"),
            "words_changed": pd.array([2] * len(outcomes), dtype="Int32"),
            "queries": pd.array([7] * len(outcomes), dtype="Int32"),
        }
    )


def test_attacks_table_in_per_cent_over_originally_right_examples():
    found = attacks(["success", "failure", "skipped", "skipped"])
    table = attacks_table(
        {("reviews", "r8"): {"large": summarize_attack(found)}},
        models=["large", "tiny"],
        common={("reviews", "r8"): {"large": summarize_attack(found, ["0"])}},
    )
    row = table.iloc[0]
    assert (row["accuracy before %"], row["accuracy after %"], row["success %"]) == (50.0, 25.0, 50.0)
    assert row["words changed %"] == pytest.approx(20.0)
    assert row["queries"] == 7
    assert (row["common n"], row["common success %"]) == (1, 100.0)
    assert table["model"].tolist() == ["large", "tiny"]
    assert pd.isna(table.loc[1, "success %"])
    assert not {"failed to run", "success if budgets broke %", "common success if budgets broke %"} & set(
        table
    )
    shown = printed_attacks(table)
    # Wilson's interval of 1 of 2 and of 1 of 4, by scipy.
    low, high = (100 * end for end in binomtest(1, 2).proportion_ci(method="wilson"))
    assert shown.loc[0, "success %"] == f"50.0 ({low:.1f} to {high:.1f})"
    low, high = (100 * end for end in binomtest(1, 4).proportion_ci(method="wilson"))
    assert shown.loc[0, "accuracy after %"] == f"25.0 ({low:.1f} to {high:.1f})"
    assert shown.loc[1, "success %"] == ""
    assert not [name for name in shown if " low %" in name or " high %" in name]


def test_attacks_table_shows_spent_budgets_and_failures_when_there_are_some():
    found = attacks(["success", "query_budget", "error", "failure"])
    table = attacks_table({("reviews", "r8"): {"large": summarize_attack(found)}}, models=["large"])
    assert table.loc[0, "failed to run"] == 1
    assert table.loc[0, "success %"] == pytest.approx(100 / 3)
    assert table.loc[0, "success if budgets broke %"] == pytest.approx(200 / 3)


@pytest.mark.parametrize(
    ("config", "layers", "hidden"),
    [
        ({"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 16}, 2, 16),
        ({"model_type": "distilbert", "n_layers": 3, "dim": 24}, 3, 24),
    ],
)
def test_model_size_counts_what_is_stored(tmp_path, config, layers, hidden):
    header = {
        "__metadata__": {"format": "pt"},
        "weight": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
        "scalar": {"dtype": "F32", "shape": [], "data_offsets": [48, 52]},
    }
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + bytes(52)
    (tmp_path / "model.safetensors").write_bytes(content)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer.json").write_text("{}")
    size = model_size(tmp_path)
    assert size == {"layers": layers, "hidden": hidden, "parameters": 13, "bytes": len(content)}
