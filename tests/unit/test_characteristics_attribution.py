"""Agreement of attributions where the truth is known, and the page that shows them."""

import numpy as np
import pandas as pd
import pytest

from miniature.agreement.comparison import Comparing, Resampling
from miniature.characteristics.attribution.compare import compare_attribution
from miniature.messages import StudyError
from miniature.pages.attributions import attribution_sections


def explained(scores, target="yes"):
    return pd.DataFrame(
        {
            "id": [f"e{i}" for i in range(len(scores))],
            "target": target if isinstance(target, list) else [target] * len(scores),
            "part": [[0] * len(own) for own in scores],
            "start": [[2 * i for i in range(len(own))] for own in scores],
            "end": [[2 * i + 1 for i in range(len(own))] for own in scores],
            "score": [list(own) for own in scores],
        }
    )


def planted(word, examples=40, words=8, seed=0):
    """Small random scores, and one word of each text that decides."""
    scores = np.random.default_rng(seed).normal(size=(examples, words)) * 0.01
    scores[:, word] = 1.0
    return explained(scores)


def compare(attributions):
    comparing = Comparing(
        task="reviews", dataset="reviews", split="test", reference="large",
        resampling=Resampling(resamples=200),
        verdict={"task": "reviews", "measure": "jaccard", "k": 1, "keep": 0.8},
    )  # fmt: skip
    clusters = [f"c{i // 2}" for i in range(len(attributions["large"]))]
    return compare_attribution(attributions, comparing, clusters, method="occlusion", k_max=3)


def rows_of(compared, a, b, measure):
    rows = compared.rows
    return rows[(rows["model_a"] == a) & (rows["model_b"] == b) & (rows["measure"] == measure)]


def test_the_same_and_another_planted_word():
    compared = compare({"large": planted(1), "same": planted(1, seed=1), "other": planted(5, seed=2)})
    same, other = (rows_of(compared, "large", m, "jaccard").set_index("k") for m in ("same", "other"))
    assert same.loc[1, "value"] == 1
    assert other.loc[1, "value"] == 0
    assert same["chance"].tolist() == other["chance"].tolist()
    assert same.loc[1, "chance"] == pytest.approx(1 / 8)
    # Beside the planted word the rest is noise: one of two words shared, and what chance adds.
    assert 1 / 3 < same.loc[2, "value"] < 0.6
    assert (same["n"] == 40).all()
    assert (same["n_clusters"] == 20).all()
    draws = compared.resamples
    assert set(draws["model_b"]) == {"same", "other"}
    assert (draws[draws["model_b"] == "same"]["value"] == 1).all()


def test_rows_that_do_not_count():
    large = explained([[1.0, 2.0, 3.0], [1.0, np.nan, 2.0], [5.0], []], ["yes", "yes", "no", None])
    small = explained([[1.0, 1.0, 1.0], [1.0, 7.0, 2.0], [5.0], []], ["yes", "no", "no", None])
    compared = compare({"large": large, "small": small})
    jaccard = rows_of(compared, "large", "small", "jaccard").set_index("k")
    assert jaccard["n"].tolist() == [2, 1, 0]
    low, high = (
        rows_of(compared, "large", "small", f"jaccard_{end}").set_index("k") for end in ("low", "high")
    )
    assert low.loc[1, "value"] == 0.5
    assert high.loc[1, "value"] == 1
    assert rows_of(compared, "large", "small", "spearman")["n"].tolist() == [1]
    assert rows_of(compared, "large", "small", "sign_agreement")["n"].tolist() == [2]


def test_other_words_are_refused():
    with pytest.raises(StudyError, match="other words: example e0 has 3 and 2"):
        compare({"large": explained([[1.0, 2.0, 3.0]]), "small": explained([[1.0, 2.0]])})


def test_examples_least_alike_first():
    texts = pd.DataFrame({"id": ["e0", "e1"], "text": ["a b <", "c d e"]})
    large = explained([[3.0, 2.0, 1.0], [1.0, -2.0, 0.5]])
    small = explained([[3.0, 2.0, 1.0], [1.0, 2.0, 0.0]])
    (section,) = attribution_sections(
        texts, {"large": large, "small": small}, reference="large", models=["small"], parts=["text"]
    )
    assert [example["id"] for example in section["examples"]] == ["e1", "e0"]
    words = section["examples"][0]["sides"][0]["words"]
    assert words == [("c", "for", "0.50"), ("d", "against", "1.00"), ("e", "for", "0.25")]
