"""An adapter over its base computes what the matrices say, or is refused."""

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file, save_file

from changed_studies import SCHEMA
from miniature.config import plan
from miniature.config.validate import StudyErrors, validate_study
from miniature.messages import StudyError
from miniature.models.adapter import read_adapted
from miniature.models.checkpoints import check_checkpoint, load_checkpoint
from miniature.models.entry import SOURCES, model_spec, source_files
from miniature.training.as_is import copy_checkpoint
from small_models import (
    ADAPTED_LAYERS,
    WRAPPED,
    change_config,
    save_adapter,
    save_classifier,
    save_encoder,
    toy_reviews,
)

LABELS = {"bad": 0, "good": 1}
TOKENS = {"input_ids": torch.tensor([[2, 6, 7, 8, 3]]), "attention_mask": torch.ones(1, 5, dtype=torch.long)}


def merge_by_hand(folder, base, tensors, factors):
    """The same model as a checkpoint of its own: each matrix changed in float64, with NumPy."""
    weights = {
        name.removeprefix("bert."): value for name, value in load_file(base / "model.safetensors").items()
    }
    for layer, factor in zip(ADAPTED_LAYERS, factors, strict=True):
        low, high = (tensors[f"{WRAPPED}bert.{layer}.lora_{end}.weight"].astype(float) for end in "AB")
        weights[f"{layer}.weight"] = (weights[f"{layer}.weight"] + factor * high @ low).astype("float32")
    named = {name if name.startswith("classifier") else f"bert.{name}": w for name, w in weights.items()}
    named |= {name.removeprefix(WRAPPED): w for name, w in tensors.items() if "classifier" in name}
    folder.mkdir()
    for file in base.iterdir():
        if file.suffix in (".json", ".txt"):
            (folder / file.name).write_bytes(file.read_bytes())
    change_config(folder, architectures=["BertForSequenceClassification"])
    save_file(named, folder / "model.safetensors", {"format": "pt"})
    return folder


def logits(source):
    model, _ = load_checkpoint(source, head="classification")
    with torch.no_grad():
        return model(**TOKENS).logits.numpy()


@pytest.fixture(autouse=True)
def same_models_every_time():
    torch.manual_seed(0)


@pytest.fixture
def base(tmp_path):
    return save_encoder(tmp_path / "base")


@pytest.fixture
def entry(tmp_path, base):
    return {"adapter": str(tmp_path / "adapter"), "base": str(base)}


@pytest.mark.parametrize(
    ("settings", "ranks", "factors"),
    [
        ({}, (3, 3), (2.0, 2.0)),
        ({"lora_alpha": 1}, (3, 3), (1 / 3, 1 / 3)),
        ({"use_rslora": True}, (3, 3), (6 / 3**0.5, 6 / 3**0.5)),
        ({"rank_pattern": {"output.dense": 2}}, (3, 2), (2.0, 3.0)),
    ],
)
def test_a_matrix_is_changed_by_the_product(entry, base, tmp_path, settings, ranks, factors):
    tensors = save_adapter(tmp_path / "adapter", base, ranks=ranks, **settings)
    by_hand = merge_by_hand(tmp_path / "by-hand", base, tensors, factors)
    found = logits(read_adapted(entry))
    np.testing.assert_allclose(found, logits(by_hand), atol=2e-6)
    others = merge_by_hand(tmp_path / "others", base, tensors, [factor * 1.01 for factor in factors])
    assert np.abs(found - logits(others)).max() > 1e-4


def test_a_base_with_a_head_of_other_classes_gets_the_adapters(entry, base, tmp_path):
    trained = save_classifier(tmp_path / "trained", ["a", "b", "c"])
    tensors = save_adapter(tmp_path / "adapter", trained)
    by_hand = merge_by_hand(tmp_path / "by-hand", trained, tensors, (2.0, 2.0))
    change_config(by_hand, id2label=None, label2id=None)
    source = read_adapted(entry | {"base": str(trained)})
    np.testing.assert_allclose(logits(source), logits(by_hand), atol=2e-6)
    assert load_checkpoint(source, head="classification")[0].config.id2label == {0: "LABEL_0", 1: "LABEL_1"}


def test_a_base_with_its_own_head_keeps_it(entry, base, tmp_path):
    trained = save_classifier(tmp_path / "trained", list(LABELS))
    tensors = save_adapter(tmp_path / "adapter", trained, classes=0)
    by_hand = merge_by_hand(tmp_path / "by-hand", trained, tensors, (2.0, 2.0))
    np.testing.assert_allclose(
        logits(read_adapted(entry | {"base": str(trained)})), logits(by_hand), atol=2e-6
    )


def test_a_base_without_a_head_needs_that_of_the_adapter(entry, base, tmp_path):
    save_adapter(tmp_path / "adapter", base, classes=0)
    with pytest.raises(StudyError, match="another task"):
        check_checkpoint(read_adapted(entry), head="classification")


def test_names_of_layers_and_heads_that_were_wrapped(entry, base, tmp_path):
    tensors = save_adapter(tmp_path / "adapter", base)
    plain = logits(read_adapted(entry))
    name = f"{WRAPPED}classifier"
    wrapped = {n.replace("classifier", "classifier.modules_to_save"): w for n, w in tensors.items()}
    wrapped[f"{name}.original_module.bias"] = np.zeros(7, "float32")
    save_file(wrapped, tmp_path / "adapter" / "adapter_model.safetensors")
    assert np.array_equal(logits(read_adapted(entry)), plain)


def test_the_merged_model_is_written_and_is_the_same_each_time(entry, base, tmp_path):
    save_adapter(tmp_path / "adapter", base)
    written = []
    for name in ("once", "twice"):
        copy_checkpoint(
            model_spec(entry), tmp_path / name, task="classification", labels=LABELS,
            text_settings={"max_length": 32},
        )  # fmt: skip
        written.append({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()})
        assert not any(file.is_symlink() for file in (tmp_path / name).iterdir())
    assert written[0] == written[1]
    assert str(tmp_path) not in "".join(f.read_text() for f in (tmp_path / "once").glob("*.json"))
    assert np.array_equal(logits(tmp_path / "once"), logits(read_adapted(entry)))


def refused(study, tmp_path):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    with pytest.raises(StudyErrors) as caught:
        validate_study(study, [tmp_path / "study.yaml"], SCHEMA)
    return caught.value.errors


@pytest.fixture
def study(entry, base, tmp_path):
    save_adapter(tmp_path / "adapter", base)
    save_classifier(tmp_path / "large", list(LABELS))
    toy_reviews(8).to_json(tmp_path / "test.jsonl", orient="records", lines=True)
    return {
        "reference": "large",
        "models": {"large": str(tmp_path / "large"), "adapted": entry},
        "datasets": {"reviews": str(tmp_path / "test.jsonl")},
    }


def test_a_small_study_takes_it_as_it_stands(study, entry, tmp_path):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    checked = validate_study(study, [tmp_path / "study.yaml"], SCHEMA)
    assert plan.as_is_models(checked) == ["large", "adapted"]
    assert plan.graph_models(checked) == []
    assert SOURCES["adapter"].heads(entry) == ["classification"]
    assert SOURCES["adapter"].longest_input(entry) == 64
    assert {"adapter_config.json", "adapter_model.safetensors", "model.safetensors", "config.json"} <= {
        file.rsplit("/", 1)[-1] for file in source_files(entry)
    }


def test_what_makes_another_model_has_no_place_beside_it(study, tmp_path):
    study["models"]["adapted"] |= {"layers": 1}
    (error,) = refused(study, tmp_path)
    assert "'layers' beside 'adapter'" in error.what


def test_a_base_goes_with_an_adapter(study, base, tmp_path):
    study["models"]["large"] = {"path": study["models"]["large"], "base": str(base)}
    (error,) = refused(study, tmp_path)
    assert error.what == "'base' goes with 'adapter' only."


def test_a_quantized_model_may_be_made_from_it(study, tmp_path):
    study["models"]["small"] = {"derive": {"from": "adapted", "quantize": "int8"}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    assert plan.derived_models(validate_study(study, [tmp_path / "study.yaml"], SCHEMA)) == ["small"]
