"""Out-of-distribution detection against scikit-learn and its definition; agreement of what is called so."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import jaccard_score, roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors

from miniature.agreement.comparison import Comparing, Resampling
from miniature.agreement.table import AGREEMENT_COLUMNS
from miniature.characteristics import embeddings as embeddings_module
from miniature.characteristics.distribution.compare import Examples, compare_distribution
from miniature.characteristics.distribution.detect import detect_ood, kth_distances
from miniature.messages import StudyError

KS = [1, 5, 20]


def make_embeddings(seed, shift=5, n=150, hidden=10):
    rng = np.random.default_rng(seed)
    centre = np.zeros(hidden)
    centre[0] = 4
    away = centre.copy()
    away[1] = shift
    bank, calibration, test = (rng.normal(size=(m, hidden)) + centre for m in (400, 200, n))
    return bank, calibration, test, rng.normal(size=(n - 30, hidden)) + away


def detect(embeddings, ks=KS, **options):
    return detection(embeddings, ks, **options).rows


def detection(embeddings, ks=KS, **options):
    bank, calibration, test, ood = embeddings
    return detect_ood(
        bank, calibration, test, ood,
        test_ids=[f"t{i}" for i in range(len(test))], ood_ids=[f"o{i}" for i in range(len(ood))],
        calibration_ids=[f"c{i}" for i in range(len(calibration))],
        dataset="squad", ood_dataset="news", ks=ks, **options,
    )  # fmt: skip


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_distances_are_those_of_scikit_learn(monkeypatch):
    bank, _, test, _ = make_embeddings(0)
    search = NearestNeighbors(n_neighbors=400, algorithm="brute").fit(unit(bank))
    expected = search.kneighbors(unit(test))[0][:, [0, 4, 399]]
    np.testing.assert_allclose(kth_distances(test, bank, [1, 5, 400], what="test"), expected, atol=1e-9)
    whole = kth_distances(test, bank, [5, 1, 1], what="test")
    np.testing.assert_allclose(whole, expected[:, [1, 0, 0]], atol=1e-9)  # in the order asked for
    monkeypatch.setattr(embeddings_module, "BLOCK_BYTES", 8 * 400 * 7)
    np.testing.assert_array_equal(kth_distances(test, bank, [5, 1, 1], what="test"), whole)


def test_a_copy_in_the_bank_is_at_zero_and_zero_vectors_are_at_one():
    rng = np.random.default_rng(1)
    bank = rng.normal(size=(50, 7)).astype(np.float32)
    found = kth_distances(np.concatenate([3 * bank[:10], np.zeros((1, 7))]), bank, [1], what="test")
    np.testing.assert_array_equal(found[:, 0], [0] * 10 + [1])
    assert kth_distances(np.zeros((1, 2)), np.zeros((1, 2)), [1], what="test").item() == 0


def test_table_is_by_k_then_test_rows_then_out_of_distribution_rows():
    embeddings = make_embeddings(2)
    table = detect(embeddings)
    n, m = len(embeddings[2]), len(embeddings[3])
    assert table.columns.tolist() == ["id", "dataset", "k", "distance", "threshold", "is_ood"]
    assert table["k"].tolist() == [k for k in KS for _ in range(n + m)]
    assert table["dataset"].tolist() == (["squad"] * n + ["news"] * m) * 3
    assert table["id"].tolist()[: n + m] == [f"t{i}" for i in range(n)] + [f"o{i}" for i in range(m)]
    for k, rows in table.groupby("k"):
        expected = [kth_distances(e, embeddings[0], [k], what="x")[:, 0] for e in embeddings[2:]]
        np.testing.assert_array_equal(rows["distance"], np.concatenate(expected))
        assert rows["threshold"].nunique() == 1
        np.testing.assert_array_equal(rows["is_ood"], rows["distance"] > rows["threshold"])


@pytest.mark.parametrize("percentile", [50, 90, 95])
def test_threshold_is_the_smallest_calibration_distance_that_keeps_enough(percentile):
    embeddings = make_embeddings(3)
    table = detect(embeddings, ks=[7], percentile=percentile)
    distances = np.sort(kth_distances(embeddings[1], embeddings[0], [7], what="x")[:, 0])
    threshold = table["threshold"].iloc[0]
    assert threshold in distances
    assert np.mean(distances <= threshold) >= percentile / 100
    assert np.mean(distances < threshold) < percentile / 100


def test_rotation_and_scale_of_the_features_do_not_matter():
    embeddings = make_embeddings(4)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))
    turned = detect([7 * e @ rotation for e in embeddings])
    table = detect(embeddings)
    np.testing.assert_allclose(turned["distance"], table["distance"], atol=2e-10)
    np.testing.assert_array_equal(turned["is_ood"], table["is_ood"])


def test_calibration_distances_are_kept():
    embeddings = make_embeddings(2)
    found = detection(embeddings)
    behind = found.calibration
    assert behind.columns.tolist() == ["id", "k", "distance"]
    assert behind["k"].tolist() == [k for k in KS for _ in range(200)]
    assert behind["id"].tolist() == [f"c{i}" for i in range(200)] * 3
    for k, rows in behind.groupby("k"):
        threshold = found.rows.loc[found.rows["k"] == k, "threshold"].iloc[0]
        assert threshold == np.percentile(rows["distance"], 95, method="inverted_cdf")


def test_quality_is_that_of_scikit_learn():
    found = detection(make_embeddings(5), ks=[5])
    table = found.rows
    outside = (table["dataset"] == "news").to_numpy()
    distance, called = table["distance"].to_numpy(), table["is_ood"].to_numpy()
    rows, _ = compare({"large": found})
    quality = dict(zip(rows["measure"], rows["value"], strict=True))
    assert quality["auroc"] == pytest.approx(roc_auc_score(outside, distance))
    assert quality["auroc"] > 0.75
    # scikit-learn's curve with in-distribution as the positive class and nearness as its score.
    fpr, tpr, _ = roc_curve(~outside, -distance, drop_intermediate=False)
    assert quality["fpr95"] == pytest.approx(fpr[np.argmax(tpr >= 0.95)])
    assert quality["flagged_id"] == pytest.approx(called[~outside].mean())
    assert quality["flagged_ood"] == pytest.approx(called[outside].mean())


def compare(detections, n=150, m=120):
    rng = np.random.default_rng(0)
    examples = Examples(
        [f"p{i // 3}" for i in range(n)], ["n"] * m, [f"c{i // 2}" for i in range(200)],
        rng.integers(50, 100, n), rng.integers(80, 200, m),
    )  # fmt: skip
    comparing = Comparing(
        "squad", "squad", "test", "large", Resampling(resamples=100), ood_dataset="news", feature="cls"
    )
    return compare_distribution(detections, comparing, examples, percentile=95).rows, examples


def test_pairs_are_compared_over_each_set_and_both():
    detections = {m: detection(make_embeddings(s)) for m, s in (("tiny", 6), ("large", 7), ("base", 8))}
    table, examples = compare(detections)
    assert tuple(table.columns) == AGREEMENT_COLUMNS
    pairs = table[table["model_a"] != table["model_b"]]
    assert len(pairs) == 3 * 3 * 8
    order = list(dict.fromkeys(zip(pairs["model_a"], pairs["model_b"], strict=True)))
    assert order == [("large", "tiny"), ("large", "base"), ("tiny", "base")]
    sets = pairs[pairs["measure"].isin(["jaccard_ood", "jaccard_id", "jaccard_all"])]
    for (a, b, k, measure), row in sets.set_index(["model_a", "model_b", "k", "measure"]).iterrows():
        called = [detections[m].rows[detections[m].rows["k"] == k] for m in (a, b)]
        name = {"jaccard_ood": ["news"], "jaccard_id": ["squad"], "jaccard_all": ["squad", "news"]}[measure]
        sides = [c[c["dataset"].isin(name)] for c in called]
        x, y = (s["is_ood"].to_numpy() for s in sides)
        assert row["value"] == pytest.approx(jaccard_score(x, y))
        top = bottom = least = most = 0
        for dataset in name:
            inside = (sides[0]["dataset"] == dataset).to_numpy()
            p, q = x[inside].mean(), y[inside].mean()
            top, bottom = top + inside.sum() * p * q, bottom + inside.sum() * (p + q - p * q)
            least += min(x[inside].sum(), y[inside].sum())
            most += max(x[inside].sum(), y[inside].sum())
        assert row["chance"] == pytest.approx(top / bottom)
        assert row["ceiling"] == pytest.approx(least / most)
        assert row["value"] <= row["ceiling"] + 1e-12
        assert row["n"] == len(x)
        corrected = pairs.set_index(["model_a", "model_b", "k", "measure"])
        corrected = corrected.loc[(a, b, k, f"{measure}_corrected"), "value"]
        assert corrected == pytest.approx((row["value"] - top / bottom) / (least / most - top / bottom))
        assert row["n_clusters"] == {"jaccard_ood": 1, "jaccard_id": 50, "jaccard_all": 51}[measure]
    own = table[table["model_a"] == table["model_b"]]
    assert set(own["measure"]) == {"auroc", "fpr95", "flagged_id", "flagged_ood", "length_auroc"}
    length = own[own["measure"] == "length_auroc"]
    truth = [0] * 150 + [1] * 120
    expected = roc_auc_score(truth, np.concatenate([examples.test_lengths, examples.ood_lengths]))
    assert length["value"].tolist() == pytest.approx([expected] * 3)
    assert length["k"].isna().all()
    assert own[own["measure"] != "length_auroc"]["k"].notna().all()


def test_all_flagged_is_agreement_by_chance_and_none_flagged_is_no_number():
    far = make_embeddings(9, shift=500)
    table, _ = compare({"large": detection(far), "tiny": detection(make_embeddings(10, shift=500))})
    rows = table.set_index("measure")
    assert (rows.loc["jaccard_ood", ["value", "chance", "ceiling"]] == 1).all(axis=None)
    none = detection(make_embeddings(1), ks=[1])
    none = none._replace(rows=none.rows.assign(is_ood=False))
    rows = compare({"large": none, "tiny": none})[0].set_index("measure")
    empty = rows.loc[["jaccard_ood", "jaccard_id", "jaccard_all"], ["value", "chance", "ceiling"]]
    assert empty.isna().all(axis=None)


def test_a_model_agrees_with_itself():
    found = detection(make_embeddings(11))
    table, _ = compare({"large": found, "copy": found})
    pairs = table[table["model_a"] != table["model_b"]]
    assert (pairs["value"].round(12) == 1).all()
    assert (pairs["ceiling"] == 1).all()
    # What was not seen to differ once cannot be resampled.
    assert pairs[["ci_low", "ci_high"]].isna().all(axis=None)


def test_more_neighbors_than_the_bank_holds_say_the_line_to_paste():
    with pytest.raises(StudyError, match="the bank has 400") as error:
        detect(make_embeddings(0), ks=[1, 50, 401])
    assert error.value.fix.startswith("k: [1, 50]")
    with pytest.raises(StudyError) as error:
        detect(make_embeddings(0), ks=[500])
    assert error.value.fix == "bank_examples: 500"


def test_an_empty_calibration_split_and_nan_are_refused():
    bank, calibration, test, ood = make_embeddings(0)
    with pytest.raises(StudyError, match="calibration split of squad is empty"):
        detect((bank, calibration[:0], test, ood))
    ood[3, 2] = np.nan
    with pytest.raises(StudyError, match="embeddings of news hold NaN or infinity in 1 rows, first in row 3"):
        detect((bank, calibration, test, ood))


def test_results_for_other_k_or_other_examples_name_the_model():
    embeddings = make_embeddings(0)
    with pytest.raises(StudyError, match="results of tiny are for K"):
        compare({"large": detection(embeddings), "tiny": detection(embeddings, ks=[1, 5])})
    swapped = detection(embeddings)
    swapped.rows.loc[1, "id"], swapped.rows.loc[0, "id"] = "t0", "t1"
    with pytest.raises(StudyError, match="row 1 is t0 and t1"):
        compare({"large": detection(embeddings), "tiny": swapped})


def test_no_model_gives_an_empty_table():
    table, _ = compare({})
    pd.testing.assert_index_equal(table.columns, pd.Index(AGREEMENT_COLUMNS))
    assert len(table) == 0


def test_a_row_exactly_at_the_threshold_is_in_distribution():
    bank, calibration, _, ood = make_embeddings(12)
    table = detect((bank, calibration, calibration, ood), percentile=100)
    own = table[table["dataset"] == "squad"]
    assert (own["distance"] == own["threshold"]).any()
    assert not own["is_ood"].any()


def test_a_damaged_calibration_table_is_set_aside(tmp_path):
    """As Snakemake hands it over: a list of one file, or of none."""
    from types import SimpleNamespace

    from snakemake.iocontainers import InputFiles

    from detect_ood import main
    from miniature.files import write_npy, write_parquet

    rng = np.random.default_rng(0)
    named = {"calibration_table": [str(tmp_path / "calibration.parquet")]}
    for name, rows in {"bank": 9, "calibration": 6, "test": 5, "ood": 4}.items():
        named[name] = str(tmp_path / f"{name}.npy")
        write_npy(rng.normal(size=(rows, 3)).astype(np.float32), named[name])
        write_parquet(pd.DataFrame({"id": [f"{name}{i}" for i in range(rows)]}), tmp_path / f"{name}.parquet")
    named |= {f"{name}_table": str(tmp_path / f"{name}.parquet") for name in ("test", "ood")}
    output = SimpleNamespace(rows=tmp_path / "rows.parquet", calibration=tmp_path / "kept.parquet")

    def run(files):
        main(
            SimpleNamespace(
                input=InputFiles(fromdict=files),
                wildcards=SimpleNamespace(task="qa", ood_dataset="news"),
                params=SimpleNamespace(k=[1, 2], percentile=95),
                output=output,
            )
        )
        return list(pd.read_parquet(output.calibration)["id"].unique())

    assert run(named) == [f"calibration{i}" for i in range(6)]
    assert run({**named, "calibration_table": []}) == [str(i) for i in range(6)]
    table = tmp_path / "calibration.parquet"
    table.write_bytes(table.read_bytes()[:50])
    with pytest.raises(StudyError, match="damaged"):
        run(named)
    assert (tmp_path / "calibration.parquet.damaged").is_file()
