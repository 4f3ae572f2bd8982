"""What a model costs: operations counted, seconds that really pass, and the front that no model beats."""

import json
import math
import time

import numpy as np
import pandas as pd
import pytest
import torch

from miniature.figures.costs import plot_costs
from miniature.figures.files import figure_bytes
from miniature.inference import costs as measuring
from miniature.inference.costs import count_flops, measure_costs
from miniature.messages import StudyError
from miniature.models.checkpoints import load_checkpoint
from miniature.tables.costs import CHANGED, COLUMNS, cost_points, pareto_front, printed_costs, read_costs
from miniature.training.derive import derive_model
from miniature.training.finetune import FineTuning
from small_models import QA_SETTINGS, save_classifier, toy_questions, toy_reviews

LABELS = ["bad", "good"]
OPTIONS = {"text_settings": {"max_length": 32}, "batch_size": 4, "repeats": 2, "device": "cpu"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_classifier(tmp_path_factory.mktemp("costs") / "model", LABELS)


def measure(folder, examples=6):
    return measure_costs(folder, toy_reviews(30), task="classification", examples=examples, **OPTIONS)


def test_operations_are_those_of_the_matrix_products(model):
    """Two for each multiplication and addition of six matrices a layer, and of attention."""
    config = load_checkpoint(model, head="classification")[0].config
    tokens, width, wide, layers = 11, config.hidden_size, config.intermediate_size, config.num_hidden_layers
    layer = 2 * tokens * (4 * width**2 + 2 * width * wide) + 2 * 2 * tokens**2 * width
    head = 2 * width**2 + 2 * width * len(LABELS)
    state = torch.random.get_rng_state()
    assert count_flops(config, head="classification", tokens=tokens) == layers * layer + head
    assert torch.equal(state, torch.random.get_rng_state())


def test_parameters_are_counted_and_zeros_are_not(model, tmp_path):
    loaded, tokenizer = load_checkpoint(model, head="classification")
    with torch.no_grad():
        loaded.classifier.weight.zero_()
    loaded.save_pretrained(tmp_path / "zeros")
    tokenizer.save_pretrained(tmp_path / "zeros")
    before, after = measure(model), measure(tmp_path / "zeros")
    assert before["parameters"] == after["parameters"] == sum(w.numel() for w in loaded.parameters())
    assert before["nonzero"] - after["nonzero"] == loaded.classifier.weight.numel()
    assert (before["engine"], before["computed_in"]) == ("PyTorch", "fp32")


def test_seconds_are_those_that_pass(model, monkeypatch):
    """A model that sleeps 20 ms takes 20 ms alone, and four texts of a batch take 20 ms together."""
    real = measuring.load_result

    def sleeping(folder, *, head):
        loaded, tokenizer = real(folder, head=head)
        loaded.register_forward_pre_hook(lambda *_: time.sleep(0.02))
        return loaded, tokenizer

    monkeypatch.setattr(measuring, "load_result", sleeping)
    found = measure(model, examples=8)
    assert found["examples"] == 8
    assert 20 <= found["latency_low"] <= found["latency_ms"] <= found["latency_high"] < 60
    assert 4 / 0.06 < found["throughput"] <= 4 / 0.02
    assert found["latency_spread"] < 0.1
    # It was not for others that it slept: here all that counts is that such time is seen.
    assert found["waited"] > 0.5


def test_halves_that_differ_are_a_spread_and_a_model_that_computes_waits_for_nobody(monkeypatch):
    """Twenty passes at a clock that the test moves: two thirds longer in the later half."""
    clock = {"wall": 0.0, "own": 0.0}
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: clock["wall"])
    monkeypatch.setattr(measuring.time, "thread_time", lambda: clock["own"])
    monkeypatch.setattr(measuring, "LEAST_SECONDS", 6.0)
    calls = []

    def run(indices):
        calls.append(indices)
        seconds = 0.15 if len(calls) <= 2 + 20 else 0.25
        clock["wall"] += seconds
        clock["own"] += 0.8 * seconds
        return seconds

    seconds, waited = measuring.timed_passes(run, [np.array([0]), np.array([1])], repeats=5)
    assert seconds.shape == (20, 2)
    assert len(calls) == 2 + 40
    assert waited == pytest.approx(0.2)
    assert measuring._spread(seconds) == pytest.approx(0.1 / 0.2)


def test_a_graph_is_not_said_to_have_run_on_the_gpu(model, tmp_path, monkeypatch):
    training = FineTuning(
        task="classification", labels=LABELS, settings=None, text_settings=OPTIONS["text_settings"], seed=5,
        device="cpu", checkpoint_folder=tmp_path / "partial",
    )  # fmt: skip
    derive_model({"from": "origin", "quantize": "int8"}, model, tmp_path / "int8", training)
    monkeypatch.setattr(measuring, "prepare_device", lambda device: None)
    found = measure_costs(
        tmp_path / "int8", toy_reviews(9), task="classification", examples=3, **OPTIONS | {"device": "cuda"}
    )
    assert found["machine"] == measuring.machine("cpu")
    assert found["engine"].startswith("ONNX Runtime")


def test_texts_are_taken_evenly_and_of_questions_the_first_window(tmp_path):
    from miniature.models.build import build_model

    save_classifier(tmp_path / "x", LABELS)
    reader, tokenizer = build_model({"path": tmp_path / "x-encoder"}, head="question-answering", seed=1)
    reader.save_pretrained(tmp_path / "reader")
    tokenizer.save_pretrained(tmp_path / "reader")
    table = toy_questions(20)
    found = measure_costs(
        tmp_path / "reader", table, task="question-answering", examples=7,
        **OPTIONS | {"text_settings": QA_SETTINGS},
    )  # fmt: skip
    assert found["examples"] == 7
    assert found["tokens"] <= QA_SETTINGS["max_length"]


def test_front_is_what_no_other_model_beats():
    generator = np.random.default_rng(1)
    for _ in range(50):
        cost, kept = generator.integers(0, 6, 12), generator.integers(0, 6, 12)
        expected = [
            not any(
                c <= cost[i] and k >= kept[i] and (c, k) != (cost[i], kept[i])
                for c, k in zip(cost, kept, strict=True)
            )
            for i in range(12)
        ]
        assert pareto_front(cost, kept).tolist() == expected
    assert pareto_front([1, 2], [math.nan, 0.5]).tolist() == [False, True]
    with pytest.raises(ValueError, match="one length"):
        pareto_front([1], [1, 2])


@pytest.fixture
def table(tmp_path):
    """Costs of four models, of which `slow` costs more than the reference and keeps less."""
    sizes = {"large": (4e6, 8.0), "small": (1e6, 2.0), "slow": (5e6, 9.0), "int8": (1e6, 3.0)}
    files = {}
    for name, (size, latency) in sizes.items():
        row = dict.fromkeys(COLUMNS[2:], 1.0) | {"bytes": int(size), "latency_ms": latency}
        row |= {"parameters": 100, "nonzero": 50 if name == "small" else None, "latency_spread": 0.3}
        row |= {"throughput_spread": 0.04, "waited": None if name == "small" else 0.5}
        row |= dict.fromkeys(("flops", "threads", "examples", "batch_size"), 4)
        row |= dict.fromkeys(("computed_in", "engine", "machine"), "x")
        row |= {"touched": {"matrices": 3} if name == "small" else None}
        files[name, "reviews"] = tmp_path / f"{name}.json"
        files[name, "reviews"].write_text(json.dumps(row))
    return read_costs(files)


def points(table):
    changed = {"small": 0.3, "slow": 0.2, "int8": 0.1}
    tolerance = pd.DataFrame(
        [
            {"model": m, "task": "reviews", "measure": "decisions_changed", "value": v, "low": v - 0.02,
             "high": v + 0.02, "verdict": "beyond", "original": "large", "retraining": 0.04}
            for m, v in changed.items()
        ]
    )  # fmt: skip
    card = pd.DataFrame(
        [
            {"model": m, "characteristic": "errors", "task": "reviews", "kept": 1 - v, "kept_low": 0.9 - v,
             "kept_high": 1.1 - v, "verdict": "undecided"}
            for m, v in changed.items()
        ]
    )  # fmt: skip
    return cost_points(table, tolerance, card, reference="large")


def test_the_reference_changes_nothing_and_the_front_has_what_is_beaten_by_none(table):
    found = points(table)
    assert found["panel"].unique().tolist() == [CHANGED, "errors"]
    assert found[found["model"] == "large"]["value"].tolist() == [0.0]
    assert found.groupby("panel")["retrained"].unique().map(list).to_dict() == {
        CHANGED: [0.04],
        "errors": [1.0],
    }
    for panel, own in found.groupby("panel"):
        # int8 is as small as `small` and keeps more; by latency `small` is the fastest.
        first = ["large"] if panel == CHANGED else []
        assert own[own["front_bytes"]]["model"].tolist() == [*first, "int8"]
        assert own[own["front_latency"]]["model"].tolist() == [*first, "small", "int8"]


def test_the_table_says_what_is_noisy_and_what_is_zero(table):
    printed = printed_costs(table).set_index("model")
    assert printed.loc["small", "not zero %"] == "50.0"
    assert printed.loc["large", "not zero %"] == ""
    assert printed.loc["small", "touched"] == "3 matrices"
    assert set(printed["spread %"]) == {"30 (noisy)"}
    assert set(printed["its spread %"]) == {"4"}
    assert printed["waited %"].tolist() == ["50 (noisy)", "", "50 (noisy)", "50 (noisy)"]
    assert printed.loc["large", "MB"] == "4.000"


def test_the_figure_is_the_same_bytes_twice(table):
    drawn = [
        figure_bytes(
            plot_costs(points(table), models=list(table["model"]), reference="large", note=""), "png", dpi=50
        )
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("count", [2, 30, 60])
def test_every_name_stands_on_the_sheet(table, count):
    found = points(table)
    one = found[found["model"] == found["model"].iloc[-1]]
    models = ["large", *(f"a-model-with-a-rather-long-name-{i}" for i in range(1, count))]
    many = pd.concat([found[found["model"] == "large"], *(one.assign(model=name) for name in models[1:])])
    figure = plot_costs(many, models=models, reference="large", note="")
    names = figure.legends[0].get_window_extent()
    assert len(figure.legends[0].get_texts()) == count
    assert names.y0 >= 0
    assert names.x1 <= figure.bbox.x1


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "a.json").write_text('{"bytes": 1')
    with pytest.raises(StudyError, match="cannot be read"):
        read_costs({("a", "reviews"): tmp_path / "a.json"})
