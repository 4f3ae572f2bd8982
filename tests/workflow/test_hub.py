"""Models and data from a Hub, served on loopback by the test: retrieved, used, and used again without it."""

import io
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from loopback_hub import LoopbackHub, serve_hub
from projects import copy_project, digests
from small_models import save_encoder, toy_questions, toy_reviews

pytestmark = pytest.mark.workflow

STUDY = "tests/config/hub.yaml"
COMMIT = "a" * 40
NOWHERE = "http://127.0.0.1:9"
ABSENT_COMMIT = "5ba93c9db0cff93f52b521d7420e43f6eda2784f"


def parquet(rows):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


def squad_rows(count, prefix):
    """Rows as in the Hub's copy of SQuAD 2.0; one answer each, none where unanswerable."""
    return [
        {
            "id": f"{prefix}{row.Index}",
            "title": "",
            "question": row.question,
            "context": f"{row.context} new {prefix} {row.Index} .",
            "answers": {"text": list(row.answers), "answer_start": list(row.answer_starts)},
        }
        for row in toy_questions(count).itertuples()
    ]


def fill(hub, folder):
    """Two encoders and three datasets, with what must not be fetched beside them."""
    for name, layers in (("large", 3), ("small", 1)):
        save_encoder(folder / name, layers=layers)
        files = {path.name: path.read_bytes() for path in (folder / name).iterdir()}
        hub.add(
            "model", f"me/{name}", {**files, "mine.py": "raise SystemExit"}, card={"license": "apache-2.0"}
        )
    hub.add(
        "dataset",
        "me/questions",
        {
            "squad_v2/train-00000-of-00001.parquet": parquet(squad_rows(120, "t")),
            "squad_v2/validation-00000-of-00001.parquet": parquet(squad_rows(30, "v")),
        },
        card={"license": "cc-by-sa-4.0"},
    )
    news = [
        {
            "key": row["id"],
            "question": row["question"],
            "context": row["context"],
            "answers": row["answers"]["text"],
        }
        for row in squad_rows(25, "n")
    ]
    hub.add("dataset", "me/news", {"data/validation-00000-of-00001.parquet": parquet(news)})
    reviews = [{"text": r.text, "label": int(r.label == "good")} for r in toy_reviews(60).itertuples()]
    hub.add(
        "dataset",
        "me/reviews",
        {
            "plain_text/train-0.parquet": parquet(reviews[:40]),
            "plain_text/test-0.parquet": parquet(reviews[40:]),
        },
        card={"license": "other"},
    )
    return hub


def surroundings(endpoint):
    """Environment in which a Hub is reached at `endpoint`, and nothing else at all."""
    return {
        "HF_ENDPOINT": endpoint, "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "http_proxy": NOWHERE,
        "https_proxy": NOWHERE, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip


def test_a_study_from_the_hub_online_then_offline(tmp_path):
    project = copy_project(tmp_path / "project")
    retrieved = project.folder / "resources" / "retrieved"
    results = project.folder / "results" / "hub"
    with serve_hub(fill(LoopbackHub(), tmp_path / "models")) as hub:
        online = surroundings(hub.endpoint)
        project.run("--cores", "2", "retrieve", configfile=STUDY, **online)
        asked = list(hub.requests)
        assert not [path for _, path in asked if path.endswith(".py")]
        # With the Hub within reach no other rule asks it for anything.
        small = [f"results/hub/errors/{task}/{task}/test/small.parquet" for task in ("questions", "reviews")]
        project.run("--cores", "2", *small, configfile=STUDY, **online)
        assert hub.requests == asked

    registry = {entry["hub_id"]: entry for entry in json.loads((retrieved / "registry.json").read_text())}
    assert {name: entry["licence"] for name, entry in registry.items()} == {
        "me/large": "apache-2.0", "me/small": "apache-2.0", "me/questions": "cc-by-sa-4.0",
        "me/news": "not stated", "me/reviews": "other",
    }  # fmt: skip
    assert {entry["revision"] for entry in registry.values()} == {COMMIT}
    assert "model.safetensors" in [file["path"] for file in registry["me/large"]["files"]]
    with_hub = digests(results)
    assert {name.split("/")[0] for name in with_hub} >= {"data", "models", "predictions", "errors"}

    # The Hub is gone: the same study, whole, from what was retrieved, to the same bytes.
    offline = surroundings(NOWHERE)
    assert "Nothing to be done" in project.run("-n", *small, configfile=STUDY, **offline).stdout
    shutil.rmtree(results)
    project.run("--cores", "2", configfile=STUDY, **offline)
    without = digests(results)
    assert {name: without.get(name) for name in with_hub} == with_hub
    assert (results / "agreement" / "distribution.csv").is_file()
    assert (results / "report.html").is_file()

    # Half of a file is noticed where it is used, and nothing else is lost.
    weights = retrieved / "models" / "me--small" / "main" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    trained = results / "models" / "reviews" / "small"
    gone = {name: sha for name, sha in without.items() if name.startswith("models/reviews/small/")}
    shutil.rmtree(trained)
    again = f"results/hub/{trained.relative_to(results).as_posix()}"
    done = project.run("--cores", "1", again, configfile=STUDY, check=False, **offline)
    assert done.returncode != 0
    assert "The retrieved files are damaged: model.safetensors has" in done.stdout
    assert "snakemake retrieve" in done.stdout
    assert {**digests(results), **gone} == without
    assert (results / "models" / "reviews" / "large" / "model.safetensors").is_file()


def test_what_cannot_be_retrieved_is_told_together_and_the_rest_is_kept(tmp_path):
    project = copy_project(tmp_path / "project")
    retrieved = project.folder / "resources" / "retrieved"

    def change(config):
        config["models"]["small"]["revision"] = ABSENT_COMMIT
        config["datasets"]["reviews"]["hub"] = "me/absent"

    project.edit_config(change, name=STUDY)
    with serve_hub(fill(LoopbackHub(), tmp_path / "models")) as hub:
        hub.repositories["dataset", "me/news"].gated = True
        file = "squad_v2/train-00000-of-00001.parquet"
        hub.repositories["dataset", "me/questions"].stated_sha256[file] = "0" * 64
        done = project.run(
            "--cores", "1", "retrieve", configfile=STUDY, check=False, **surroundings(hub.endpoint)
        )
        assert done.returncode != 0
        for told in (
            "This model has no such revision", f"me/small at {ABSENT_COMMIT}",
            "The Hub has no such dataset, or it is private", "me/absent at main",
            "requires agreeing to terms before download", "me/news at",
            "The download is damaged: its sha256 is not the one the Hub states", file,
        ):  # fmt: skip
            assert told in done.stdout, told
        assert "Traceback" not in done.stdout
        # The one that could be had is there, the others are not, nor any half of them.
        assert [path.parent.parent.name for path in retrieved.rglob("RETRIEVED.json")] == ["me--large"]
    kept = (retrieved / "models" / "me--large" / "main" / "RETRIEVED.json").read_bytes()

    # No network at all: told for each, and what is there stays.
    config = yaml.safe_load((project.folder / STUDY).read_text())
    done = project.run("--cores", "1", "retrieve", configfile=STUDY, check=False, **surroundings(NOWHERE))
    assert done.returncode != 0
    assert f"The Hub cannot be reached at {NOWHERE}" in done.stdout
    assert config["datasets"]["news"]["hub"] in done.stdout
    assert "me/large" not in done.stdout
    assert (retrieved / "models" / "me--large" / "main" / "RETRIEVED.json").read_bytes() == kept
