"""A whole run: the files that others rely on, the same bytes under any number of cores, the report."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from miniature.cli.deposit import deposited_files
from projects import OF_ONE_MODEL, copy_project, digests, model_of, take_back, target_of, unfinished

pytestmark = pytest.mark.workflow

MODELS = ["large", "large.seed1", "large.seed2", "small", "pupil"]
AGREEMENT_COLUMNS = (
    "characteristic,task,dataset,split,ood_dataset,recipe,feature,model_a,model_b,k,measure,value,"
    "ci_low,ci_high,ci_method,chance,ceiling,n,n_clusters,examples_of"
).split(",")
SCORECARD_COLUMNS = (
    "model,characteristic,task,dataset,measure,k,margin,agreement,ci_low,ci_high,chance,ceiling,"
    "floor,floor_low,floor_high,difference,difference_low,difference_high,score,n,verdict,"
    "accuracy_difference,accuracy_p_value,replicates,p_value,p_adjusted,score_low,score_high,reason,"
    "keep,kept,kept_low,kept_high,kept_as_measured_low,kept_as_measured_high,as_measured,floor_kind,"
    "floor_above_chance,p_informative,spread,n_clusters"
).split(",")


def test_file_contract(finished):
    results = finished.results
    test = pd.read_parquet(results / "data/encyclopedia/test.parquet")
    assert list(test.columns)[:2] == ["id", "cluster"]
    for model in MODELS:
        predictions = pd.read_parquet(results / f"predictions/encyclopedia/encyclopedia/test/{model}.parquet")
        assert list(predictions.columns) == [
            "id",
            "prediction",
            "score",
            "null_score",
            "exact",
            "f1",
            "windows",
        ]
        assert list(predictions["id"]) == list(test["id"])
        reviews = pd.read_parquet(results / f"predictions/reviews/reviews/test/{model}.parquet")
        assert list(reviews.columns) == ["id", "label", "prediction", "probabilities"]
        confidences = pd.read_parquet(results / f"calibration/reviews/reviews/test/{model}.parquet")
        assert list(confidences.columns) == ["id", "confidence", "correct", "squared_error"]
        assert list(confidences["correct"]) == list(reviews["prediction"] == reviews["label"])
        embeddings = np.load(results / f"embeddings/encyclopedia/encyclopedia/test/{model}.npy")
        assert embeddings.dtype == np.float32
        assert len(embeddings) == len(test)
        errors = pd.read_parquet(results / f"errors/encyclopedia/encyclopedia/test/{model}.parquet")
        assert list(errors.columns) == ["id", "error"]
        assert list(errors["error"]) == list(predictions["exact"] == 0)
        neighbors = np.load(results / f"neighbors/encyclopedia/encyclopedia/test/{model}.npy")
        assert neighbors.dtype == np.int32
        assert neighbors.shape == (len(test), 20)
        assert not (neighbors == np.arange(len(test))[:, None]).any()
        ood = pd.read_parquet(results / f"ood/encyclopedia/news/{model}.parquet")
        assert list(ood.columns) == ["id", "dataset", "k", "distance", "threshold", "is_ood"]
        attacks = pd.read_parquet(results / f"attacks/reviews/bert-attack/{model}.parquet")
        assert list(attacks.columns) == [
            "id", "label", "prediction_before", "prediction_after", "outcome", "original_text",
            "perturbed_text", "words", "words_changed", "queries", "message",
        ]  # fmt: skip
        assert len(attacks) == 10
        ran = json.loads((results / f"attacks/reviews/bert-attack/{model}.settings.json").read_text())
        assert (ran["recipe"]["kind"], ran["recipe"]["max_candidates"], ran["examples"]) == (
            "bert-attack",
            8,
            10,
        )
        assert ran["packages"]["textattack"]
        assert ran["deterministic"]
        assert "10/10 examples, broken" in finished.log_of(f"attack_model/reviews/bert-attack/{model}")
        assert (results / f"models/encyclopedia/{model}/model.safetensors").is_file()
    transfer = pd.read_csv(results / "attacks/reviews/bert-attack/transfer.csv")
    assert list(transfer.columns) == ["source", "target", "n", "broken", "rate"]
    assert list(transfer["source"] + ">" + transfer["target"]) == [
        f"{a}>{b}" for a in MODELS for b in MODELS if a != b
    ]
    drawn = pd.read_csv(results / "figures/transfer.csv")
    assert drawn[list(transfer.columns)].equals(transfer)
    for name in ("errors", "representation", "distribution", "vulnerability", "calibration"):
        table = pd.read_csv(results / f"agreement/{name}.csv")
        assert list(table.columns) == AGREEMENT_COLUMNS
        assert set(table["characteristic"]) == {name}
        pairs = table.loc[table["model_a"] != table["model_b"], ["model_a", "model_b"]].drop_duplicates()
        # Every pair of five trainings, and the reference with its control, which is not attacked.
        assert len(pairs) == 10 + (name != "vulnerability")
    for name in ("errors", "vulnerability", "calibration"):
        resamples = pd.read_parquet(results / f"agreement/{name}.resamples.parquet")
        assert list(resamples.columns) == [
            "task", "model_a", "model_b", "examples_of", "method", "resample", "value", "chance",
        ]  # fmt: skip
        assert len(resamples[["model_a", "model_b"]].drop_duplicates()) == 10 + (name != "vulnerability")
    scorecard = pd.read_csv(results / "scorecard.csv")
    assert list(scorecard.columns) == SCORECARD_COLUMNS
    assert (scorecard["verdict"].isin(["undecided", "uninformative"]) == scorecard["reason"].notna()).all()
    answer = (results / "answer.md").read_text(encoding="utf-8")
    assert "- **small**: " in answer
    assert set(pd.read_csv(results / "tolerance.csv")["model"]) == {"small", "pupil"}
    assert set(scorecard["replicates"]) == {2}
    assert len(scorecard) == 2 * 5
    for suffix in ("png", "svg", "pdf"):
        assert (results / f"figures/figure1.{suffix}").stat().st_size > 1000
    for panel in "abc":
        assert (results / f"figures/figure1{panel}.csv").is_file()
    for table in ("table1_models", "table2_errors", "table3_attacks"):
        for suffix in ("csv", "md", "tex"):
            assert (results / f"tables/{table}.{suffix}").stat().st_size > 0
    provenance = json.loads((results / "provenance.json").read_text())
    assert provenance["config"]["study"] == "tiny"
    assert provenance["packages"]["torch"]
    assert any(job["job"].startswith("finetune_model/") for job in provenance["jobs"])


def test_errors_agree_with_a_hand_count(finished):
    sets = {}
    for model in [*MODELS, "large.control"]:
        table = pd.read_parquet(finished.results / f"errors/reviews/reviews/test/{model}.parquet")
        sets[model] = set(table.loc[table["error"].astype(bool), "id"])
    table = pd.read_csv(finished.results / "agreement/errors.csv")
    table = table[(table["task"] == "reviews") & (table["measure"] == "jaccard")]
    for row in table.itertuples():
        a, b = sets[row.model_a], sets[row.model_b]
        if a | b:
            assert row.value == pytest.approx(len(a & b) / len(a | b), abs=1e-9)


def test_the_control_says_what_its_model_says(finished):
    table = pd.read_csv(finished.results / "agreement/errors.csv").set_index("measure")
    own = table[(table["task"] == "reviews") & (table["model_b"] == "large.control")]["value"]
    assert own["label_loyalty"] == 1
    assert own["js_divergence"] == pytest.approx(0, abs=1e-9)


def test_nothing_unfinished_is_left(finished):
    assert unfinished(finished.results) == []


def test_same_bytes_under_two_cores_and_eight(finished, project, tmp_path):
    first = digests(finished.results)
    # From nothing: a model distilled for both kinds of task, and its teacher. What is made of one model: for
    # one task of the distilled one, for the other of the control, which computes in two threads.
    again = copy_project(tmp_path / "again")
    remade = {("pupil", "reviews"), ("large.control", "encyclopedia")}
    wanted = {
        name
        for name in first
        if (model_of(name), *name.split("/")[1:2]) in remade or name.startswith("models/encyclopedia/pupil/")
    }
    assert {name.split("/")[0] for name in wanted} == OF_ONE_MODEL
    again.run("--cores", "8", *{f"results/tiny/{target_of(name)}" for name in wanted}, timeout=2400)
    second = digests(again.results)
    assert wanted <= second.keys() <= first.keys()
    assert [name for name in second if first[name] != second[name]] == []
    # From every model's files: all that compares models.
    take_back(project.results)
    assert not (project.results / "scorecard.csv").exists()
    project.run("--cores", "8")
    assert digests(project.results) == first


def test_figures_come_from_deposited_files_alone(finished, tmp_path):
    reviewer = copy_project(tmp_path / "reviewer")
    for path in deposited_files(finished.results, texts=False):
        target = reviewer.results / path.relative_to(finished.results)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    shutil.rmtree(reviewer.results / "figures")
    assert all(rule.startswith("plot_") or rule == "figures" for rule, _ in reviewer.planned("figures"))
    reviewer.run("--cores", "1", "figures")
    for path in (finished.results / "figures").iterdir():
        assert (reviewer.results / "figures" / path.name).read_bytes() == path.read_bytes(), path.name


def test_report_builds_offline_with_captions(project):
    project.run("--report", "report.html", HTTP_PROXY="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9")
    page = (project.folder / "report.html").read_text()
    assert "figure1.png" in page
    for name in ("figures/figure1", "tables/table1_models", "tables/table2_errors", "tables/scorecard"):
        # The longest run of plain words of a caption stands in the page, whatever became of its markup.
        text = " ".join((project.folder / "report" / f"{name}.rst").read_text().split())
        words = max(re.findall(r"[A-Za-z0-9 ,]+", text), key=len).strip()
        assert len(words) > 30, name
        assert words in " ".join(page.replace("\\n", " ").split()), name
