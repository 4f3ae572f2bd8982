"""Fine-tuned checkpoints compared as they stand: from a folder each to the scorecard, without a training."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from changed_studies import untrained_study
from miniature.models.adapter import read_adapted
from miniature.models.checkpoints import load_checkpoint
from small_models import change_config, save_adapter, save_classifier, save_encoder, toy_reviews

pytestmark = pytest.mark.workflow

CONFIG = "ours.yaml"
OTHER_SEEDS = {"large-2": "seed-2", "large-3": "seed-3"}


def write_study(folder):
    """Four random classifiers, of which two are other trainings of the reference, and forty reviews."""
    for name in ("large", "small", *OTHER_SEEDS):
        torch.manual_seed(len(name) + sum(map(ord, name)))
        save_classifier(folder / name, ["Bad", "Good"], "distilbert" if name == "small" else "bert")
    toy_reviews(40).to_json(folder / "test.jsonl", orient="records", lines=True)
    models = {name: {"path": name, "as_is": True} for name in ("large", "small", *OTHER_SEEDS)}
    models["large"]["origin"] = "seed-1"
    for name, origin in OTHER_SEEDS.items():
        models[name] |= {"same_as_reference": True, "origin": origin}
    reviews = {
        "task": "classification",
        "format": "jsonl",
        "labels": {"bad": "bad", "good": "good"},
        "columns": {"id": "id", "cluster": "cluster"},
        "splits": {"test": {"path": "test.jsonl", "examples": "all"}},
    }
    study = untrained_study(
        "ours",
        models,
        {"reviews": reviews},
        {"errors": {"tasks": ["reviews"]}, "calibration": {"tasks": ["reviews"], "bins": 5}},
        verdict={
            "errors": {"task": "reviews", "measure": "jaccard", "keep": 0.8},
            "calibration": {"task": "reviews", "measure": "brier_difference", "margin": 0.02},
        },
        classification={"max_length": 32},
        inference={"batch_tokens": 512, "feature": "cls"},
    )
    (folder / CONFIG).write_text(yaml.safe_dump(study, sort_keys=False))
    return study


def probabilities(source, texts):
    model, tokenizer = load_checkpoint(source, head="classification")
    with torch.no_grad():
        batch = tokenizer(list(texts), padding=True, return_tensors="pt")
        batch = {key: batch[key] for key in ("input_ids", "attention_mask")}
        return torch.softmax(model(**batch).logits, dim=-1).numpy()


def test_checkpoints_as_they_stand_to_their_scorecard(fresh):
    study = write_study(fresh.folder)
    results = fresh.folder / "results" / "ours"
    targets = [f"results/ours/{name}" for name in ("scorecard.csv", "tables/table1_models.csv")]
    done = fresh.run("--cores", "2", *targets, configfile=CONFIG)
    assert "rule copy_model:" in done.stdout
    assert "rule finetune_model:" not in done.stdout
    assert not (results / "data/reviews/train.parquet").exists()
    # What is measured is what the folder computes.
    reviews = pd.read_json(fresh.folder / "test.jsonl", lines=True)
    for name in study["models"]:
        expected = probabilities(fresh.folder / name, reviews["text"])
        found = pd.read_parquet(results / f"predictions/reviews/reviews/test/{name}.parquet")
        np.testing.assert_allclose(np.stack(found["probabilities"]), expected, atol=1e-5)
    table = pd.read_csv(results / "tables/table1_models.csv").set_index("model")
    assert "trained again" not in table
    assert table.loc["large", ["layers", "hidden"]].tolist() == [3, 16]
    scorecard = pd.read_csv(results / "scorecard.csv")
    small = scorecard[scorecard["model"] == "small"].set_index("characteristic")
    assert set(small.index) >= {"errors", "calibration"}
    assert small.loc[["errors", "calibration"], "floor"].notna().all()
    # Nothing is left to do; a checkpoint that turns out to name its classes in two ways is refused.
    planned = fresh.run("-n", "--cores", "1", *targets, configfile=CONFIG)
    assert "Nothing to be done" in planned.stdout
    change_config(fresh.folder / "small", id2label={"0": "good", "1": "bad"})
    refused = fresh.run("-n", "--cores", "1", *targets, configfile=CONFIG, check=False)
    assert "id2label and label2id differ: good, bad and Bad, Good" in refused.stdout


def test_an_adapter_is_merged_and_measured(fresh):
    write_study(fresh.folder)
    save_adapter(fresh.folder / "adapter", save_encoder(fresh.folder / "base"))
    study = yaml.safe_load((fresh.folder / CONFIG).read_text())
    study["models"]["small"] = {"adapter": "adapter", "base": "base"}
    (fresh.folder / CONFIG).write_text(yaml.safe_dump(study, sort_keys=False))
    target = "results/ours/predictions/reviews/reviews/test/small.parquet"
    fresh.run("--cores", "1", target, configfile=CONFIG)
    entry = {key: str(fresh.folder / key) for key in ("adapter", "base")}
    expected = probabilities(read_adapted(entry), toy_reviews(40)["text"])
    found = pd.read_parquet(fresh.folder / target)
    np.testing.assert_allclose(np.stack(found["probabilities"]), expected, atol=1e-5)
    # Another adapter is another model.
    (fresh.folder / "adapter" / "adapter_model.safetensors").unlink()
    save_adapter(fresh.folder / "other", fresh.folder / "base", lora_alpha=1)
    for file in (fresh.folder / "other").iterdir():
        file.replace(fresh.folder / "adapter" / file.name)
    planned = fresh.run("-n", "--cores", "1", target, configfile=CONFIG)
    assert "rule copy_model:" in planned.stdout
