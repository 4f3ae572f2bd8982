"""The cost estimate: counted as by hand, complete for the paper's study, and honest about what it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from transformers import BertConfig, BertModel

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from estimate_cost import Job, Study, as_markdown, cost_table  # noqa: E402
from measure_throughput import encoder_flops  # noqa: E402

PAPER = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
SIZES = yaml.safe_load((ROOT / "benchmarks" / "paper-sizes.yaml").read_text())
SPEED = {
    "training_flops_per_second": 1e9, "inference_flops_per_second": 2e9, "matrix_flops_per_second": 4e9,
    "machine": "a machine", "device": "cpu", "threads": 1, "precision": "fp32", "load_average": 0.0,
    "measured_shape": {"layers": 2, "hidden": 128, "batch": 8, "length": 64},
}  # fmt: skip


def test_operations_of_an_encoder_are_those_that_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    config = BertConfig(num_hidden_layers=3, hidden_size=32, num_attention_heads=2, intermediate_size=64)
    # torch does not look into its fused attention.
    model = BertModel._from_config(config, add_pooling_layer=False, attn_implementation="eager").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(2, 16, dtype=torch.long))
    assert counter.get_total_flops() == 2 * 16 * encoder_flops(3, 32, 64, 16)


@pytest.mark.parametrize("hub", SIZES["shapes"])
def test_parameters_fit_the_shape(hub):
    """Vocabulary and positions as BERT's; distilled BERT has no segments and no pooler."""
    shape = SIZES["shapes"][hub]
    h, i = shape["hidden"], shape["intermediate"]
    layer = 4 * h * h + 4 * h + 2 * h * i + i + h + 4 * h
    total = (30522 + 512) * h + 2 * h + shape["layers"] * layer
    if "distilbert" not in hub:
        total += 2 * h + h * h + h
    assert shape["parameters"] == pytest.approx(total / 1e6, abs=0.1)


def test_the_papers_study_has_the_jobs_that_snakemake_plans():
    jobs = Study(PAPER, SIZES).jobs()
    counts = {row["rule"]: row["jobs"] for row in cost_table(jobs, SPEED, None)}
    assert counts == {
        "retrieve_model": 6, "retrieve_dataset": 3, "finetune_model": 18, "predict_split": 50,
        "find_neighbors": 10, "detect_ood": 10, "attack_model": 9, "total": 106,
    }  # fmt: skip
    training = max((job for job in jobs if job.rule == "finetune_model"), key=lambda job: job.training)
    data, shape = SIZES["datasets"]["squad"], SIZES["shapes"]["google-bert/bert-large-uncased"]
    tokens = 3 * 130319 * data["windows"] * data["tokens"] * data["padding"]
    by_weights = 6 * 12 * 24 * 1024 * 1024 * tokens
    assert shape["hidden"] == 1024
    # Attention adds to what the weights alone need, and less than a tenth of it.
    assert by_weights < training.training < 1.1 * by_weights


def test_hours_follow_from_the_speeds():
    job = Job("any", training=3.6e12, inference=7.2e12, matrix=1.44e13)
    assert job.hours(SPEED) == pytest.approx(3)
    rows = cost_table([job, job], SPEED, 1.0)
    assert rows[-1]["hours"] == pytest.approx(6)
    assert rows[-1]["GPU hours"] == pytest.approx(2 * 1.08e13 / 3.6e15)


def test_the_table_says_that_it_is_an_estimate_and_of_what_machine(tmp_path):
    speed = tmp_path / "speed.json"
    speed.write_text(json.dumps(SPEED))
    command = [
        sys.executable,
        "benchmarks/estimate_cost.py",
        "config/paper.yaml",
        "benchmarks/paper-sizes.yaml",
    ]
    done = subprocess.run([*command, str(speed)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "**An estimate, made before anything was run**" in done.stdout
    assert "a machine, cpu, 1 thread(s), fp32" in done.stdout
    assert "GPU hours" not in done.stdout
    text = as_markdown(cost_table(Study(PAPER, SIZES).jobs(), SPEED, 10.0), PAPER, SIZES, SPEED, 10.0)
    assert "assumed, not measured" in text


def test_an_unknown_model_is_told(tmp_path):
    sizes = tmp_path / "sizes.yaml"
    sizes.write_text(yaml.safe_dump({**SIZES, "shapes": {}}))
    speed = tmp_path / "speed.json"
    speed.write_text(json.dumps(SPEED))
    command = [sys.executable, "benchmarks/estimate_cost.py", "config/paper.yaml", str(sizes), str(speed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "no shape of google-bert/bert-large-uncased" in done.stderr
