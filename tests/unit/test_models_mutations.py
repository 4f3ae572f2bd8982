"""Whatever stands in a checkpoint's small files: the right number or a message, never a traceback."""

import json
import shutil

import numpy as np
import pytest
import torch

from miniature.inference import classification
from miniature.messages import StudyError
from miniature.models.checkpoints import load_checkpoint
from miniature.training.as_is import copy_checkpoint
from small_models import save_classifier, toy_reviews

LABELS = {"bad": 0, "good": 1}
TEXT = {"max_length": 32}
FILES = ("config.json", "tokenizer_config.json", "special_tokens_map.json")
DROPPED = object()
# Nothing in the weights tells how many heads they were trained with.
UNSEEN = {"num_attention_heads", "n_heads"}
SHARE = 4


def values(value):
    """Other values of a key: other types, sizes and spellings."""
    yield from (None, "x", "", [], {}, -1, 0, 1, 2, 10**9, 1.5, True, False, DROPPED)
    if isinstance(value, int) and not isinstance(value, bool):
        yield from (value + 1, value - 1, value * 2, str(value))
    if isinstance(value, str):
        yield from (value.upper(), value[:-1], [value])
    if isinstance(value, dict):
        yield from (list(value.values()), {key: str(item) for key, item in value.items()})


def classify(folder):
    out = folder.with_name("out")
    copy_checkpoint({"path": str(folder)}, out, task="classification", labels=LABELS, text_settings=TEXT)
    predictions, vectors = classification.predict(
        out, toy_reviews(6), labels=list(LABELS), text_settings=TEXT, feature="cls", batch_tokens=64,
        device="cpu",
    )  # fmt: skip
    return np.stack(predictions["probabilities"]), vectors


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_every_change_is_harmless_or_told(tmp_path, kind):
    base = save_classifier(tmp_path / "base", list(LABELS), kind)
    model, _ = load_checkpoint(base, head="classification")
    with torch.no_grad():  # outputs that any change of the model moves
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    model.save_pretrained(base)
    expected = classify(base)
    told = same = 0
    changes = [
        (name, key, value)
        for name in FILES
        if (base / name).is_file()
        for key, old in json.loads((base / name).read_text()).items()
        for value in values(old)
        if key not in UNSEEN and (value is DROPPED or (value != old or type(value) is not type(old)))
    ]
    # Another part of them for each kind.
    for name, key, value in changes[len(kind) % SHARE :: SHARE]:
        folder = tmp_path / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder)
        content = json.loads((folder / name).read_text())
        content.pop(key)
        (folder / name).write_text(json.dumps(content if value is DROPPED else content | {key: value}))
        try:
            found = classify(folder)
        except StudyError:
            told += 1
        else:
            same += 1
            for ours, right in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, right, atol=1e-5, err_msg=f"{name}: {key}: {value!r}")
    assert told > 20
    assert same > 20
