"""A result checkpoint that is not whole is renamed, whoever reads it, so that it is built again."""

import os
import shutil
import subprocess
import sys

import pytest

from miniature.inference import classification, question_answering
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint, load_result
from miniature.models.results import check_result_folder
from miniature.tables.sizes import model_size
from miniature.training.finetune import load_teacher
from small_models import (
    ARCHITECTURE,
    QA_SETTINGS,
    change_config,
    save_bert_tokenizer,
    toy_questions,
    toy_reviews,
)

OPTIONS = {"feature": "cls", "batch_tokens": 64, "device": "cpu"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    vocabulary = save_bert_tokenizer(root / "vocabulary")
    for head, labels in (("question-answering", None), ("classification", ["bad", "good"])):
        model, tokenizer = build_model(
            {"architecture": ARCHITECTURE}, head=head, labels=labels, vocabulary=vocabulary, seed=0
        )
        model.save_pretrained(root / head)
        tokenizer.save_pretrained(root / head)
    return root


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole / "classification", tmp_path / "tiny")


def cut_weights(folder):
    file = folder / "model.safetensors"
    os.truncate(file, file.stat().st_size - 1)


def no_tokenizer(folder):
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)


DAMAGES = {
    "weights cut off": cut_weights,
    "weights of zeros": lambda folder: (folder / "model.safetensors").write_bytes(bytes(999)),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no config": lambda folder: (folder / "config.json").unlink(),
    "config cut off": lambda folder: (folder / "config.json").write_text('{"model_type'),
    "config no mapping": lambda folder: (folder / "config.json").write_text("[]"),
    "config no text": lambda folder: (folder / "config.json").write_bytes(b"\xff\xff"),
    "no tokenizer": no_tokenizer,
    "tokenizer cut off": lambda folder: (folder / "tokenizer.json").write_text("{"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_folder_is_set_aside(folder, damage):
    check_result_folder(folder)
    damage(folder)
    with pytest.raises(StudyError, match="is damaged") as caught:
        load_result(folder, head="classification")
    assert "run the same snakemake command again" in caught.value.fix
    assert not folder.exists()
    assert folder.with_name("tiny.damaged").is_dir()


READERS = {
    "answers": lambda folder: question_answering.predict(
        folder, toy_questions(3), text_settings=QA_SETTINGS, **OPTIONS
    ),
    "classes": lambda folder: classification.predict(
        folder, toy_reviews(3), labels=["bad", "good"], text_settings={"max_length": 12}, **OPTIONS
    ),
    "teacher": lambda folder: load_teacher(folder, "classification", None),
    "size": model_size,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_every_reader_sets_it_aside(folder, read):
    cut_weights(folder)
    with pytest.raises(StudyError, match="is damaged"):
        read(folder)
    assert not folder.exists()
    assert folder.with_name("tiny.damaged").is_dir()


def test_what_is_whole_or_of_another_task_or_a_users_own_stays(folder, tmp_path):
    load_result(folder, head="classification")
    with pytest.raises(StudyError, match="another task"):
        load_result(folder, head="question-answering")
    change_config(folder, model_type="gpt2")
    with pytest.raises(StudyError, match="not supported"):
        load_result(folder, head="classification")
    with pytest.raises(StudyError, match="no model folder"):
        load_result(tmp_path / "nowhere", head="classification")
    change_config(folder, model_type="bert")
    cut_weights(folder)
    # A masked LM that a user names is read by this, and is not ours to rename.
    with pytest.raises(StudyError, match="damaged"):
        load_checkpoint(folder, head="classification")
    assert os.listdir(tmp_path) == ["tiny"]


def test_weights_that_cannot_be_opened_are_not_damaged(folder, monkeypatch):
    def refuse(file):
        try:
            raise PermissionError("no access")
        except OSError as error:
            raise StudyError(f"The file of weights is damaged: {error}.") from None

    monkeypatch.setattr("miniature.models.results.tensor_shapes", refuse)
    with pytest.raises(StudyError, match="no access"):
        check_result_folder(folder)
    assert folder.exists()


def test_checking_needs_no_torch():
    program = "import sys, miniature.models.results; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0
