"""Retrieval against a small hub on loopback: what is fetched, what is refused, what a break leaves behind."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loopback_hub import LoopbackHub, serve_hub
from miniature.messages import StudyError
from miniature.retrieval.datasets import retrieve_dataset
from miniature.retrieval.models import retrieve_model
from miniature.retrieval.registry import build_registry, check_retrieved

COMMIT = "a" * 40
WEIGHTS = bytes(range(256)) * 400
MODEL = {
    "config.json": '{"model_type": "bert"}',
    "vocab.txt": "[PAD]\n[UNK]\n",
    "tokenizer_config.json": "{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"pickle",
    "modeling_mine.py": "raise SystemExit('code was run')",
    "onnx/model.safetensors": b"another",
    "README.md": "# Mine",
}
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def hub(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with serve_hub(LoopbackHub()) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        served.add("model", "me/mine", MODEL)
        yield served


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_model_is_its_configuration_tokenizer_and_safetensors_with_a_record(hub, tmp_path):
    folder = tmp_path / "deep" / "model"
    retrieve_model("me/mine", COMMIT, folder)
    fetched = ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"]
    assert files_in(folder) == sorted([*fetched, "RETRIEVED.json"])
    assert os.listdir(folder.parent) == ["model"]
    record = json.loads((folder / "RETRIEVED.json").read_text())
    assert (record["hub_id"], record["revision"]) == ("me/mine", COMMIT)
    assert [file["path"] for file in record["files"]] == fetched
    weights = record["files"][1]
    assert weights["size"] == len(WEIGHTS)
    assert weights["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    # Nothing else was so much as asked for.
    assert not [path for _, path in hub.requests if path.endswith((".py", ".bin", ".md")) or "onnx" in path]


def test_what_is_there_whole_is_not_fetched_again_and_what_is_damaged_is(hub, tmp_path):
    retrieve_model("me/mine", COMMIT, tmp_path / "model")
    hub.requests.clear()
    retrieve_model("me/mine", "main", tmp_path / "model")
    assert [path for _, path in hub.requests if "resolve" in path] == []
    (tmp_path / "model" / "model.safetensors").write_bytes(b"cut")
    retrieve_model("me/mine", "main", tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS
    assert os.listdir(tmp_path) == ["model"]


def test_a_branch_is_resolved_with_the_line_that_pins_it(hub, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        retrieve_model("me/mine", "main", tmp_path / "model")
    assert f"revision: {COMMIT}" in caplog.text
    assert json.loads((tmp_path / "model" / "RETRIEVED.json").read_text())["revision"] == COMMIT


def test_a_broken_download_leaves_no_folder_and_is_taken_up_again(hub, tmp_path):
    hub.failing = {"model.safetensors"}
    with pytest.raises(StudyError, match="the connection broke"):
        retrieve_model("me/mine", COMMIT, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    hub.failing = set()
    hub.requests.clear()
    retrieve_model("me/mine", COMMIT, tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS
    # What had arrived before the break was kept.
    assert ("GET", f"me/mine/resolve/{COMMIT}/vocab.txt") not in hub.requests
    assert os.listdir(tmp_path) == ["model"]


def test_a_failed_replacement_keeps_the_old_folder(hub, tmp_path):
    retrieve_model("me/mine", COMMIT, tmp_path / "model")
    hub.add("model", "me/mine", {**MODEL, "model.safetensors": b"new"}, sha="c" * 40)
    hub.failing = {"model.safetensors"}
    with pytest.raises(StudyError):
        retrieve_model("me/mine", "main", tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS
    hub.failing = set()
    retrieve_model("me/mine", "main", tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == b"new"


def test_bytes_that_are_not_what_the_hub_states_are_refused(hub, tmp_path):
    hub.repositories["model", "me/mine"].stated_sha256["model.safetensors"] = "0" * 64
    with pytest.raises(StudyError, match="download is damaged"):
        retrieve_model("me/mine", COMMIT, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def without(*names):
    return {name: data for name, data in MODEL.items() if name not in names}


@pytest.mark.parametrize(
    ("hub_id", "revision", "words", "fix"),
    [
        ("me/absent", "main", "no such model, or it is private", "hub: owner/name"),
        ("me/mine", "b" * 40, "no such revision", "revision: <a commit"),
        ("me/moved", "d" * 40, f"resolves to another commit, {COMMIT}", f"revision: {COMMIT}"),
        ("me/gated", "main", "requires agreeing to terms", "hf auth login"),
        ("me/pickled", "main", "only pytorch_model.bin", "safe_serialization=True"),
        ("me/empty", "main", "no model weights", "hub: <a model>"),
        ("me/bare", "main", "no config.json", "hub:"),
        ("me/mute", "main", "no tokenizer", "vocab.txt"),
        ("a/b/c", "main", "not a valid name of a model on the Hub", "hub: owner/name"),
    ],
)
def test_what_cannot_be_had_is_told_in_full(hub, tmp_path, hub_id, revision, words, fix):
    hub.add("model", "me/moved", MODEL, revisions={"d" * 40: COMMIT})
    hub.add("model", "me/gated", MODEL, gated=True)
    hub.add("model", "me/pickled", without("model.safetensors"))
    hub.add("model", "me/empty", {"README.md": "x"})
    hub.add("model", "me/bare", without("config.json"))
    hub.add("model", "me/mute", without("vocab.txt"))
    with pytest.raises(StudyError, match=words) as caught:
        retrieve_model(hub_id, revision, tmp_path / "model")
    assert fix in caught.value.fix
    assert hub_id in caught.value.where
    assert not (tmp_path / "model").exists()


def test_no_network_and_a_hub_in_trouble(hub, tmp_path, monkeypatch):
    hub.broken = True
    with pytest.raises(StudyError, match=r"answered with an error \(500\)"):
        retrieve_model("me/mine", COMMIT, tmp_path / "model")
    with serve_hub(LoopbackHub()) as gone:
        pass
    monkeypatch.setenv("HF_ENDPOINT", gone.endpoint)
    with pytest.raises(StudyError, match="cannot be reached at http://127"):
        retrieve_model("me/mine", COMMIT, tmp_path / "model")


def test_a_name_that_leaves_the_folder_is_not_fetched(hub, tmp_path):
    outside = {"../outside.parquet": b"x", "/etc/outside.parquet": b"x", "train.parquet": b"y"}
    hub.add("dataset", "me/texts", outside)
    retrieve_dataset("me/texts", None, "main", tmp_path / "in" / "texts")
    assert files_in(tmp_path) == ["in/texts/RETRIEVED.json", "in/texts/train.parquet"]


def test_a_dataset_is_the_data_files_of_its_configuration(hub, tmp_path):
    files = {
        "plain/train-00000-of-00001.parquet": b"1",
        "plain/test.jsonl": "{}",
        "other/train.parquet": b"2",
        "dataset_infos.json": "{}",
        "mine.py": "raise SystemExit",
        "README.md": "#",
    }
    hub.add("dataset", "me/texts", files, lfs=False)
    retrieve_dataset("me/texts", "plain", "main", tmp_path / "plain")
    assert files_in(tmp_path / "plain") == [
        "RETRIEVED.json",
        "plain/test.jsonl",
        "plain/train-00000-of-00001.parquet",
    ]
    retrieve_dataset("me/texts", None, COMMIT, tmp_path / "all")
    assert "other/train.parquet" in files_in(tmp_path / "all")
    with pytest.raises(StudyError, match="no folder 'plane', only other, plain") as caught:
        retrieve_dataset("me/texts", "plane", "main", tmp_path / "no")
    assert caught.value.fix == "config_name: other"
    hub.add("dataset", "me/scripted", {"mine.py": "raise SystemExit"})
    with pytest.raises(StudyError, match="is a script") as caught:
        retrieve_dataset("me/scripted", None, "main", tmp_path / "no")
    assert caught.value.fix == "revision: refs/convert/parquet"


def test_offline_is_told_as_offline_and_the_endpoint_comes_from_the_environment(hub, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from miniature.messages import StudyError\n"
        "from miniature.retrieval.models import retrieve_model\n"
        "try: retrieve_model('me/mine', 'main', sys.argv[2])\n"
        "except StudyError as error: print(error)\n"
    )
    for offline, expected in (("1", "HF_HUB_OFFLINE is set"), ("0", "")):
        run = subprocess.run(
            [sys.executable, "-c", code, str(SCRIPTS), str(tmp_path / "model")],
            env={**os.environ, "HF_HUB_OFFLINE": offline},
            capture_output=True,
            text=True,
            check=True,
        )
        assert expected in run.stdout
        assert (tmp_path / "model").exists() == (offline == "0"), run.stdout + run.stderr


def test_a_branch_is_resolved_once_and_kept_to(hub, tmp_path):
    pins = tmp_path / "pins"
    retrieve_model("me/mine", "main", tmp_path / "first", pins=pins)
    # The branch moves on; the commit of the first time is still there.
    hub.add("model", "me/mine", MODEL, sha="c" * 40, revisions={COMMIT: COMMIT})
    retrieve_model("me/mine", "main", tmp_path / "second", pins=pins)
    record = json.loads((tmp_path / "second" / "RETRIEVED.json").read_text())
    assert (record["revision_asked"], record["revision"]) == ("main", COMMIT)
    assert json.loads((pins / "models" / "me--mine" / "main.json").read_text())["revision"] == COMMIT
    # Without the record, or with another name for the newest, the newest is taken.
    retrieve_model("me/mine", "c" * 40, tmp_path / "third", pins=pins)
    assert json.loads((tmp_path / "third" / "RETRIEVED.json").read_text())["revision"] == "c" * 40
    assert files_in(pins) == ["models/me--mine/main.json"]


def test_a_recorded_commit_that_is_gone_and_a_damaged_record_are_told(hub, tmp_path):
    pins = tmp_path / "pins"
    retrieve_model("me/mine", "main", tmp_path / "first", pins=pins)
    hub.add("model", "me/mine", MODEL, sha="c" * 40)
    with pytest.raises(StudyError, match="no longer on the Hub") as caught:
        retrieve_model("me/mine", "main", tmp_path / "second", pins=pins)
    file = pins / "models" / "me--mine" / "main.json"
    assert f"rm '{file}'" in caught.value.fix
    file.write_text("{")
    with pytest.raises(StudyError, match="damaged") as caught:
        retrieve_model("me/mine", "main", tmp_path / "second", pins=pins)
    assert caught.value.where == str(file)
    # What was there before is untouched.
    assert (tmp_path / "first" / "model.safetensors").read_bytes() == WEIGHTS


def test_nothing_is_recorded_of_what_could_not_be_fetched(hub, tmp_path):
    hub.failing = {"model.safetensors"}
    with pytest.raises(StudyError):
        retrieve_model("me/mine", "main", tmp_path / "model", pins=tmp_path / "pins")
    assert not (tmp_path / "pins").exists()


def test_registry_lists_revision_licence_and_checksums(hub, tmp_path):
    hub.repositories["model", "me/mine"].card = {"license": "apache-2.0"}
    hub.add("dataset", "me/texts", {"train.parquet": b"y"}, card={"license": ["cc-by-sa-4.0", "mit"]})
    hub.add("dataset", "me/bare", {"train.parquet": b"z"}, lfs=False)
    retrieve_model("me/mine", "main", tmp_path / "models/me--mine/main")
    retrieve_dataset("me/texts", None, COMMIT, tmp_path / "datasets/me--texts/default/pinned")
    retrieve_dataset("me/bare", None, "main", tmp_path / "datasets/me--bare/default/main")
    bare, texts, model = build_registry(tmp_path)
    assert [entry["licence"] for entry in (bare, texts, model)] == [
        "not stated", "cc-by-sa-4.0, mit", "apache-2.0",
    ]  # fmt: skip
    assert (model["hub_id"], model["revision_asked"], model["revision"]) == ("me/mine", "main", COMMIT)
    assert model["path"] == "models/me--mine/main"
    digests = {file["path"]: file["sha256"] for file in model["files"]}
    assert digests["model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert texts["bytes"] == 1


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (
            lambda folder: (folder / "model.safetensors").write_bytes(WEIGHTS[:-1]),
            "model.safetensors has 102399",
        ),
        (lambda folder: (folder / "vocab.txt").unlink(), "vocab.txt is missing"),
        (
            lambda folder: (folder / "config.json").write_text('{"model_type": "bart"}'),
            "config.json has sha256",
        ),
        (lambda folder: (folder / "RETRIEVED.json").write_text("{"), "RETRIEVED.json cannot be read"),
    ],
)
def test_what_was_retrieved_is_checked_where_it_is_used(hub, tmp_path, damage, told):
    folder = tmp_path / "model"
    retrieve_model("me/mine", COMMIT, folder)
    check_retrieved([folder, tmp_path / "no-record"])
    damage(folder)
    with pytest.raises(StudyError, match=told) as caught:
        check_retrieved([folder])
    assert "snakemake retrieve" in caught.value.fix
    assert not folder.exists()
    assert (tmp_path / "model.damaged").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "offline"), [("predict_split", True), ("retrieve_model", False), ("", False)]
)
def test_only_rules_that_retrieve_reach_the_hub(rule, offline):
    """As Snakemake runs a script: its object is in the globals before anything is imported."""
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from types import SimpleNamespace\n"
        f"snakemake = SimpleNamespace(rule={rule!r})\n"
        "from _job import run_job\n"
        "import huggingface_hub.constants, transformers.utils\n"
        "print(huggingface_hub.constants.HF_HUB_OFFLINE, transformers.utils.is_offline_mode())\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [str(offline)] * 2
