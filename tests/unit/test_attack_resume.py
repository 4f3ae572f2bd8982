"""An attack killed, continued, and begun anew."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attacks import LABELS, attack, recipe
from miniature.attack import run
from miniature.attack.recipe import spell_recipe
from miniature.messages import StudyError

KILLED = """
import os, signal, socket, sys, json
sys.path[:0] = [sys.argv[1]]
def refuse(*_):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
before = dict(os.environ)
from miniature.attack import library, run
import huggingface_hub.constants, datasets.config
for name in "TA_CACHE_DIR TA_DEVICE HF_HOME XDG_CACHE_HOME TFHUB_CACHE_DIR TOKENIZERS_PARALLELISM".split():
    assert os.environ.get(name) == before.get(name), name
assert str(datasets.config.HF_CACHE_HOME).startswith("/nonexistent")
assert huggingface_hub.constants.HF_HOME.startswith("/nonexistent")
from miniature.job.journal import Journal
append = Journal.append
def append_and_die(self, row):
    append(self, row)
    if len(self.rows) == 7:
        with open(self.path, "ab") as file:
            file.write(b'{"id": "r7", "label": "neg')
        os.kill(os.getpid(), signal.SIGKILL)
Journal.append = append_and_die
arguments = json.loads(sys.argv[2])
import pandas as pd
table = pd.DataFrame(arguments.pop("rows"), columns=["id", "text", "label"])
run.attack_table(table=table, **arguments)
"""


@pytest.mark.slow
def test_killed_attack_continues_offline_and_without_home(
    attack_models, attack_examples, whole_attack, tmp_path
):
    journal = tmp_path / "journal"
    arguments = {
        "victim_folder": str(attack_models / "victim"), "masked_lm_folder": str(attack_models / "lm"),
        "rows": attack_examples, "recipe": recipe(), "labels": LABELS,
        "text_settings": {"max_length": 64}, "journal": str(journal),
    }  # fmt: skip
    scripts = Path(run.__file__).parents[2]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(scripts), json.dumps(arguments)],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    found = journal.read_bytes()
    finished = found[: found.rindex(b"\n") + 1]
    assert len(finished.splitlines()) == 8  # the key and seven attack_examples
    assert len(finished) < len(found)

    table = attack(attack_models, attack_examples, journal)

    expected, expected_journal = whole_attack
    assert table.equals(expected)
    # What was there is still there, and nothing was attacked twice. Examples go on side by side, so which
    # ends first depends on which were left.
    assert journal.read_bytes().startswith(finished)
    assert sorted(journal.read_bytes().splitlines()) == sorted(expected_journal.splitlines())


def test_finished_journal_needs_no_models(
    attack_models, attack_examples, whole_attack, tmp_path, monkeypatch
):
    from miniature.attack.search import load as loading

    journal = tmp_path / "journal"
    journal.write_bytes(whole_attack[1])
    monkeypatch.setattr(loading, "load_engine", lambda *a, **k: pytest.fail("the attack_models were loaded"))
    assert attack(attack_models, attack_examples, journal).equals(whole_attack[0])


def test_more_examples_cost_the_new_ones_only(
    attack_models, attack_examples, whole_attack, tmp_path, monkeypatch
):
    from miniature.attack.search.engine import Engine

    attacked = []
    attack_them = Engine.attack_examples

    def counted(self, examples, **options):
        attacked.extend(id for id, _, _ in examples)
        return attack_them(self, examples, **options)

    monkeypatch.setattr(Engine, "attack_examples", counted)
    journal = tmp_path / "journal"
    # Every third, one with another text than it will have: a sample's rows keep the order of the source.
    earlier = attack_examples[::3]
    earlier[2] = (earlier[2][0], "A dull film .", earlier[2][2])
    attack(attack_models, earlier, journal)
    attacked.clear()

    assert attack(attack_models, attack_examples, journal).equals(whole_attack[0])
    known = {id for id, _, _ in earlier} - {earlier[2][0]}
    assert attacked == [id for id, _, _ in attack_examples if id not in known]
    attacked.clear()
    assert attack(attack_models, attack_examples[:5], journal).equals(whole_attack[0][:5])
    assert attacked == []


def test_other_settings_begin_anew(attack_models, attack_examples, whole_attack, tmp_path):
    journal = tmp_path / "journal"
    journal.write_bytes(whole_attack[1])
    table = attack(attack_models, attack_examples[:3], journal, max_candidates=2)
    assert len(journal.read_bytes().splitlines()) == 4
    assert list(table["id"]) == ["r0", "r1", "r2"]


def test_another_number_of_threads_begins_anew(
    attack_models, attack_examples, whole_attack, tmp_path, monkeypatch
):
    import torch

    journal = tmp_path / "journal"
    attack(attack_models, attack_examples[:1], journal)
    before = journal.read_bytes().splitlines()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    attack(attack_models, attack_examples[:1], journal)
    after = journal.read_bytes().splitlines()
    assert after[0] != before[0]
    assert len(after) == len(before) == 2


@pytest.mark.parametrize("name", ["victim", "lm"])
def test_a_damaged_model_is_set_aside_and_the_journal_kept(
    attack_models, attack_examples, whole_attack, tmp_path, name
):
    from miniature.attack.search.load import load_engine

    copy = tmp_path / "models"
    journal = tmp_path / "journal"
    checked = spell_recipe(recipe())
    for read in (
        lambda: attack(copy, attack_examples, journal),
        lambda: load_engine(copy / "victim", copy / "lm", checked, labels=LABELS, max_length=64),
    ):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(attack_models, copy)
        file = copy / name / "model.safetensors"
        os.truncate(file, file.stat().st_size - 1)
        journal.write_bytes(whole_attack[1])
        with pytest.raises(StudyError, match="is damaged"):
            read()
        assert not (copy / name).exists()
        assert (copy / f"{name}.damaged").is_dir()
        assert journal.read_bytes() == whole_attack[1]
