import os
import subprocess
import sys

import pytest
import torch

from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint
from miniature.models.entry import check_entry
from miniature.models.folders import check_head, read_folder
from miniature.models.weights import tensor_shapes
from small_models import ARCHITECTURE, change_config, save_bert_tokenizer, save_encoder


@pytest.fixture
def checkpoint(tmp_path):
    vocabulary = save_bert_tokenizer(tmp_path / "vocabulary")
    model, tokenizer = build_model(
        {"architecture": ARCHITECTURE}, head="question-answering", vocabulary=vocabulary, seed=0
    )
    model.save_pretrained(tmp_path / "qa")
    tokenizer.save_pretrained(tmp_path / "qa")
    return tmp_path / "qa"


def test_loads_what_was_saved_for_inference(checkpoint):
    model, tokenizer = load_checkpoint(checkpoint, head="question-answering")
    assert not model.training
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert tokenizer.is_fast


def test_half_precision_weights_are_run_in_float32(checkpoint):
    model, _ = load_checkpoint(checkpoint, head="question-answering")
    model.to(torch.bfloat16).save_pretrained(checkpoint)
    model, _ = load_checkpoint(checkpoint, head="question-answering")
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize("head", ["classification", "masked-lm"])
def test_another_task(checkpoint, head):
    with pytest.raises(StudyError, match="another task: BertForQuestionAnswering"):
        load_checkpoint(checkpoint, head=head)
    with pytest.raises(StudyError, match="another task"):
        check_head(read_folder(checkpoint), head, fix="")
    check_entry({"path": checkpoint})  # to be fine-tuned, it will do


def test_cut_off_weights(checkpoint):
    file = checkpoint / "model.safetensors"
    os.truncate(file, file.stat().st_size - 10)
    for check in (
        lambda: load_checkpoint(checkpoint, head="question-answering"),
        lambda: check_entry({"path": checkpoint}),
    ):
        with pytest.raises(StudyError, match="damaged"):
            check()
    file.write_bytes(b"\xff" * 6)
    with pytest.raises(StudyError, match="damaged"):
        tensor_shapes(file)
    file.write_bytes(b"\xff" * 600)
    with pytest.raises(StudyError, match="damaged"):
        tensor_shapes(file)


def test_pickles_are_not_loaded(checkpoint):
    model, _ = load_checkpoint(checkpoint, head="question-answering")
    torch.save(model.state_dict(), checkpoint / "pytorch_model.bin")
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(StudyError, match=r"pytorch_model\.bin"):
        load_checkpoint(checkpoint, head="question-answering")
    with pytest.raises(StudyError, match=r"pytorch_model\.bin"):
        check_entry({"path": checkpoint})


def test_a_models_own_code_is_refused(checkpoint):
    change_config(checkpoint, auto_map={"AutoModel": "modeling.Evil"})
    (checkpoint / "modeling.py").write_text("raise SystemExit('ran')")
    with pytest.raises(StudyError, match="its own code"):
        load_checkpoint(checkpoint, head="question-answering")
    with pytest.raises(StudyError, match="its own code"):
        build_model({"path": checkpoint}, head="question-answering", seed=0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"architecture": ARCHITECTURE | {"hidden": 15}}, "not a multiple of heads"),
        ({"architecture": ARCHITECTURE | {"layers": 0}}, "`layers`"),
        ({"architecture": {"layers": 1}}, "`hidden`"),
        ({"path": "/nowhere/at/all"}, "no model folder"),
    ],
)
def test_specs_that_cannot_be_built(spec, message):
    with pytest.raises(StudyError, match=message):
        check_entry(spec, where="models: x")


def test_folders_that_cannot_be_used(tmp_path):
    folder = save_encoder(tmp_path / "bert", layers=3)
    check_entry({"path": folder, "layers": 3})
    for layers in (0, 4):
        with pytest.raises(StudyError, match="has 3 layers"):
            check_entry({"path": folder, "layers": layers})
    change_config(folder, model_type="gpt2")
    with pytest.raises(StudyError, match="'gpt2' are not supported"):
        check_entry({"path": folder})
    (folder / "config.json").write_text("{")
    with pytest.raises(StudyError, match="cannot be read"):
        check_entry({"path": folder})
    (folder / "config.json").unlink()
    with pytest.raises(StudyError, match=r"no config\.json"):
        check_entry({"path": folder})
    roberta = save_encoder(tmp_path / "roberta", "roberta")
    with pytest.raises(StudyError, match="cannot be cut"):
        check_entry({"path": roberta, "layers": 1})
    for file in ("tokenizer.json", "vocab.json"):
        (roberta / file).unlink(missing_ok=True)
    with pytest.raises(StudyError, match="no tokenizer"):
        check_entry({"path": roberta})


def test_sharded_weights(tmp_path):
    from transformers import BertModel

    folder = save_encoder(tmp_path / "e")
    model = BertModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="8KB")
    assert (folder / "model.safetensors.index.json").is_file()
    check_entry({"path": folder})
    build_model({"path": folder}, head="question-answering", seed=0)
    next(folder.glob("model-00002*")).unlink()
    with pytest.raises(StudyError, match="is missing"):
        check_entry({"path": folder})


def test_checking_a_source_needs_no_torch():
    program = "import sys, miniature.models.folders; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0
