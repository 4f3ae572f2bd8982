"""Models known by what they put out: a small study, and the published one where its files are at hand."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from changed_studies import question_dataset, untrained_study
from miniature.retrieval import references as sources
from projects import ROOT, Project, copy_project, jobs_in

pytestmark = pytest.mark.workflow

CONFIG = "served.yaml"
RUN = ("--cores", "2")


# What steers a terminal, and what a browser runs.
HOSTILE = "\x1b]0;owned\x07\x1b[31m<script>alert('owned')</script><img src=x onerror=alert('owned')>"


def write_study(folder, end=""):
    """Thirty questions, and four models known by files alone; every text and id has this end."""
    random = np.random.default_rng(0)
    ids = [f"q{i}{end}" for i in range(30)]
    questions = [
        {"id": key, "question": f"who is {i}?{end}", "is_impossible": False,
         "answers": [{"text": f"name{i}{end}", "answer_start": 0}]}
        for i, key in enumerate(ids)
    ]  # fmt: skip
    for name, chosen in {"dev": questions, "news": questions[:10]}.items():
        data = [
            {"title": f"t{end}",
             "paragraphs": [{"context": q["answers"][0]["text"] + f" did it. {end}", "qas": [q]}]}
            for q in chosen
        ]  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps({"version": "v2.0", "data": data}))
    wrong = {name: random.random(30) < 0.4 for name in ("large", "theirs", "copy", "listed")}
    answers = {
        m: {key: ("no" if w[i] else f"name{i}") + end for i, key in enumerate(ids)} for m, w in wrong.items()
    }
    (folder / "large.json").write_text(json.dumps(answers["large"]))
    (folder / "theirs.jsonl").write_text(
        "\n".join(json.dumps({"id": k, "prediction": v}) for k, v in reversed(answers["theirs"].items()))
    )
    pd.DataFrame({"id": ids, "prediction": answers["copy"].values()}).to_csv(folder / "copy.csv", index=False)
    (folder / "listed.json").write_text(json.dumps([k for i, k in enumerate(ids) if wrong["listed"][i]]))
    sizes = {"test": 30, "bank": 40, "calibration": 20, "news": 10}
    for model in ("large", "copy"):
        for name, rows in sizes.items():
            np.save(folder / f"{model}-{name}.npy", random.normal(size=(rows, 6)))

    def embeddings(model):
        own = {split: {"path": f"{model}-{split}.npy"} for split in ("test", "bank", "calibration")}
        return {"wiki": own, "news": {"test": {"path": f"{model}-news.npy"}}}

    study = untrained_study(
        "served",
        {
            "large": {"predictions": {"wiki": {"path": "large.json"}}, "embeddings": embeddings("large"),
                      "origin": "us"},
            "theirs": {"predictions": {"wiki": {"path": "theirs.jsonl"}}, "origin": "them",
                       "same_as_reference": True},
            "copy": {"predictions": {"wiki": {"path": "copy.csv"}}, "embeddings": embeddings("copy")},
            "listed": {"errors": {"wiki": {"path": "listed.json"}}},
        },
        {"wiki": question_dataset("dev.json"), "news": question_dataset("news.json")},
        {
            "errors": {"tasks": ["wiki"]},
            "representation": {"tasks": ["wiki"], "k_max": 5},
            "distribution": {"tasks": {"wiki": ["news"]}, "bank_examples": 40, "k": [1, 5], "percentile": 95},
        },
        verdict={
            "errors": {"task": "wiki", "measure": "jaccard", "keep": 0.8},
            "representation": {"task": "wiki", "measure": "jaccard", "k": 5, "keep": 0.8},
            "distribution": {"task": "wiki", "ood_dataset": "news", "measure": "jaccard_ood", "k": 5,
                             "keep": 0.8},
        },
        figure1={
            "width": 7.0, "height": 3.5, "y_max": "auto",
            "panels": {"a": {"characteristic": "representation", "measure": "jaccard", "pairs": "reference"}},
        },
    )  # fmt: skip
    (folder / CONFIG).write_text(yaml.safe_dump(study, sort_keys=False))
    return wrong


def test_snakemakes_report_of_an_unfinished_study_says_how_to_go_on(fresh):
    write_study(fresh.folder)
    refused = fresh.run("--report", "report.html", configfile=CONFIG, check=False)
    assert refused.returncode == 1
    assert "The study is not finished." in refused.stdout
    assert "Traceback" not in refused.stdout
    whole = shlex.split(re.search(r"^ *fix: +(.+?)   #", refused.stdout, flags=re.M).group(1))
    part = shlex.split(re.search(r"^ *or: +(.+?)   #", refused.stdout, flags=re.M).group(1))
    assert (whole[0], whole[-2:]) == ("snakemake", ["--configfile", CONFIG])
    # What is finished of it can be had before the rest.
    assert part[-2:] == ["--", "errors"]
    fresh.run(*RUN, part[-1], configfile=CONFIG)
    fresh.run(*part[1:], configfile=None)
    assert "errors" in (fresh.folder / "part.html").read_text()


def lengthen(path):
    """Make a file of questions larger than Snakemake looks into by itself, which is 1 MB."""
    content = json.loads(path.read_text())
    for article in content["data"]:
        article["paragraphs"][0]["context"] += " So it is said." * 3000
    path.write_text(json.dumps(content))
    assert path.stat().st_size > 1_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The whole study, every text of it hostile: its project, who is wrong where, and what the run said."""
    project = copy_project(tmp_path_factory.mktemp("served"))
    wrong = write_study(project.folder, HOSTILE)
    lengthen(project.folder / "dev.json")
    return project, wrong, project.run(*RUN, configfile=CONFIG).stdout


def test_hostile_text_reaches_no_page_and_no_terminal(served):
    project, _, told = served
    report = project.run("--report", "report.html", configfile=CONFIG)
    results = project.folder / "results" / "served"
    errors = pd.read_parquet(results / "errors/wiki/wiki/test/copy.parquet")
    assert errors["id"].str.endswith(HOSTILE).all()
    told = [told, report.stdout, *(path.read_text() for path in (results / "logs").rglob("*.log"))]
    assert all(character in "\n\t" or character.isprintable() for text in told for character in text)
    pages = [project.folder / "report.html", *results.glob("*.html"), *results.rglob("*.md")]
    assert len(pages) > 5
    for page in pages:
        text = page.read_text()
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page
        # Only the page of changed decisions shows texts of the data, as characters.
        assert page.name.startswith("changed_") or "alert('owned')" not in text, page
        assert "\x1b" not in text, page


def test_a_study_of_files_alone(served):
    project, wrong, told = served
    rules = {rule for rule, _ in jobs_in(told)}
    training = {"finetune_model", "predict_split", "train_masked_lm", "build_vocabulary", "attack_model"}
    assert "score_models" in rules
    assert not rules & training
    results = project.folder / "results" / "served"

    card = pd.read_csv(results / "scorecard.csv").set_index(["characteristic", "model"])["verdict"]
    assert card.to_dict() == {
        ("errors", "copy"): "undecided", ("errors", "listed"): "undecided",
        ("representation", "copy"): "undecided", ("representation", "listed"): "not-measured",
        ("distribution", "copy"): "undecided", ("distribution", "listed"): "not-measured",
    }  # fmt: skip
    errors = pd.read_csv(results / "agreement/errors.csv")
    jaccard = errors[errors["measure"] == "jaccard"].set_index(["model_a", "model_b"])["value"]
    assert len(jaccard) == 6
    for (a, b), value in jaccard.items():
        assert value == pytest.approx((wrong[a] & wrong[b]).sum() / (wrong[a] | wrong[b]).sum())
    table = pd.read_csv(results / "tables/table1_models.csv").set_index("model")
    assert table.loc["listed", "wiki EM %"] == pytest.approx(100 * (1 - wrong["listed"].mean()))
    assert np.isnan(table.loc["listed", "wiki F1 %"])
    assert table.loc["copy", ["layers", "size (MB)"]].isna().all()
    floor = pd.read_csv(results / "tables/floor.csv").set_index("model")
    assert floor.loc["copy", "floor"] == pytest.approx(jaccard["large", "theirs"])
    for name in ("figures/figure1.png", "figures/floor.png", "findings.md"):
        assert (results / name).stat().st_size > 100


@pytest.fixture
def copied(served, tmp_path):
    """An editable copy of the finished project."""
    shutil.copytree(served[0].folder, tmp_path / "copied", symlinks=True)
    return Project(tmp_path / "copied")


def test_the_same_bytes_with_a_new_time_rerun_nothing(copied):
    for path in copied.folder.glob("*.*"):
        path.touch()
    assert copied.planned(configfile=CONFIG) == set()


def test_a_mistake_in_one_file_is_told_with_its_name_and_costs_no_table(copied):
    results = copied.folder / "results" / "served"
    tables = {path: path.read_bytes() for path in results.rglob("*.csv")}
    content = json.loads((copied.folder / "large.json").read_text())
    del content["q7" + HOSTILE]
    (copied.folder / "large.json").write_text(json.dumps(content))
    np.save(copied.folder / "copy-test.npy", np.zeros((29, 6)))
    done = copied.run(*RUN, "--keep-going", configfile=CONFIG, check=False)
    assert done.returncode != 0
    assert "have no prediction, the first is q7" in done.stdout
    assert "large.json, predictions of model large" in done.stdout
    assert "29 rows of embeddings for 30 examples" in done.stdout
    assert "copy-test.npy, embeddings of model copy" in done.stdout
    assert {path: path.read_bytes() for path in tables} == tables
    for log in ("import_predictions/wiki/wiki/test/large.log", "import_embeddings/wiki/wiki/test/copy.log"):
        assert "Traceback" not in (results / "logs" / log).read_text()


# The authors' fifteen, recomputed by others from the same lists to three decimals.
AUTHORS = ["bert-large", "bert-base", "distil-bert", "bert-medium", "bert-mini", "tiny-bert"]
FIFTEEN = [
    0.528, 0.410, 0.421, 0.317, 0.220,
    0.487, 0.502, 0.370, 0.244,
    0.566, 0.477, 0.297,
    0.470, 0.292,
    0.487,
]  # fmt: skip
WRONG = [2701, 3236, 4294, 4026, 5423, 6206]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    if not os.environ.get("MINIATURE_REAL_DATA"):
        pytest.skip("MINIATURE_REAL_DATA names no folder with the published files")
    project = copy_project(tmp_path_factory.mktemp("published"))
    project.run(*RUN, configfile="config/published.yaml")
    return project.folder / "results" / "published"


@pytest.mark.real
def test_what_was_retrieved_serves_without_a_network(fresh, monkeypatch):
    """The files where retrieval puts them, and no folder of copies: nothing is left to fetch."""
    folder = os.environ.get("MINIATURE_REAL_DATA")
    if not folder:
        pytest.skip("MINIATURE_REAL_DATA names no folder with the published files")
    path = fresh.folder / "config" / "published.yaml"
    config = yaml.safe_load(path.read_text())
    # The copy of the questions has other bytes than the original: here it stands for itself.
    test = config["datasets"]["squad"]["splits"]["test"]["source"]
    test["sha256"] = test.pop("local_sha256")
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    for source in sources.all_sources(config):
        target = fresh.folder / sources.retrieved_file(source)
        target.parent.mkdir(parents=True)
        shutil.copy(source["local"].replace("${MINIATURE_REAL_DATA}", folder), target)
        (target.parent / "RETRIEVED.json").write_text("{}")
    monkeypatch.delenv("MINIATURE_REAL_DATA")
    rules = {rule for rule, _ in fresh.planned(configfile="config/published.yaml")}
    assert "retrieve_artifact" not in rules
    wanted = "results/published/errors/squad/squad/test/google-bert-large.parquet"
    fresh.run(*RUN, wanted, configfile="config/published.yaml")
    assert pd.read_parquet(fresh.folder / wanted)["error"].sum() == 2524
    # One of them cut off: set aside with a message, and the plan is to fetch it again.
    source = config["models"]["bert-mini"]["errors"]["squad"]
    damaged = fresh.folder / sources.retrieved_file(source)
    damaged.write_bytes(damaged.read_bytes()[:1000])
    wanted = "results/published/errors/squad/squad/test/bert-mini.parquet"
    done = fresh.run(*RUN, wanted, configfile="config/published.yaml", check=False)
    assert "The file is damaged" in done.stdout
    assert not damaged.exists()
    assert ("retrieve_artifact",) in {
        job[:1] for job in fresh.planned(wanted, configfile="config/published.yaml")
    }


@pytest.mark.real
def test_published_study_reproduces_the_authors_fifteen(published):
    errors = pd.read_csv(published / "agreement/errors.csv")
    jaccard = errors[errors["measure"] == "jaccard"].set_index(["model_a", "model_b"])["value"]
    pairs = [(a, b) for i, a in enumerate(AUTHORS) for b in AUTHORS[i + 1 :]]
    assert [round(jaccard[pair], 3) for pair in pairs] == FIFTEEN
    floor = pd.read_csv(published / "tables/floor.csv").set_index("model")
    assert floor.loc[AUTHORS, "errors"].tolist() == WRONG
    beside = pd.read_csv(published / "tables/reproduction.csv")
    assert set(beside["status"]) == {"within tolerance"}
    assert len(beside) == 6 + 15
    # What others made is not among the compressed models that the claims are about.
    claims = pd.read_csv(published / "tables/claims.csv")
    assert claims.loc[0, "evidence"] == (
        "differs: bert-mini, tiny-bert; open: bert-base, distil-bert, bert-medium"
    )


@pytest.mark.real
def test_published_predictions_score_as_the_official_evaluator_says(published):
    table = pd.read_csv(published / "tables/table1_models.csv").set_index("model")
    official = {
        "google-bert-large": (78.742, 81.775), "nlnet": (75.828, 78.778), "bidaf-elmo": (65.704, 67.876),
    }  # fmt: skip
    for model, (exact, f1) in official.items():
        assert table.loc[model, "squad EM %"] == pytest.approx(exact, abs=5e-4)
        assert table.loc[model, "squad F1 %"] == pytest.approx(f1, abs=5e-4)


@pytest.mark.real
def test_published_floor_counts_each_origin_once_and_decides_on_two(published):
    card = pd.read_csv(published / "scorecard.csv").set_index("model")
    floor = pd.read_csv(published / "tables/floor.csv").set_index("model")
    expected = (
        floor.loc["google-bert-large", "Jaccard"]
        + floor.loc[["berkeley-bert-large-4", "berkeley-bert-large-5"], "Jaccard"].mean()
    ) / 2
    assert card.loc["bert-base", "floor"] == pytest.approx(expected)
    assert card.loc["bert-base", "difference"] == pytest.approx(card.loc["bert-base", "agreement"] - expected)
    # BERT-large by two other groups is floor enough for the two smallest of the paper's models.
    assert card["verdict"].to_dict() == {
        "bert-base": "undecided", "distil-bert": "undecided", "bert-medium": "undecided",
        "bert-mini": "not-miniature", "tiny-bert": "not-miniature",
    }  # fmt: skip
    assert card["kept"].round(2).to_dict() == pytest.approx(
        {"bert-base": 0.92, "distil-bert": 0.59, "bert-medium": 0.62, "bert-mini": 0.33, "tiny-bert": 0.07}
    )
    assert card.loc[["bert-mini", "tiny-bert"], "p_value"].tolist() == pytest.approx(
        [0.0247, 0.0135], abs=1e-4
    )


@pytest.mark.real
def test_readme_and_docs_say_what_the_published_study_found(published):
    short, _, full = (published / "findings.md").read_text(encoding="utf-8").partition("\n## In full\n")
    for page, text in (("README.md", short), ("docs/published.md", full)):
        content = Path(ROOT / page).read_text(encoding="utf-8")
        found = re.search(r"<!-- findings: [^>]*-->\n(.*?)<!-- end of findings -->", content, flags=re.DOTALL)
        assert found.group(1).strip() == text.strip(), page
