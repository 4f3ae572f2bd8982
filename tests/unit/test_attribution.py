"""Attributions beside captum run on one example alone, and decisions whose reasons are known."""

import shlex
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from miniature.attribution.explain import explain_table
from miniature.attribution.methods import METHODS
from miniature.attribution.words import find_words, word_of_tokens
from miniature.inference.classification import predict
from miniature.inference.question_answering import predict as answer
from miniature.messages import StudyError
from miniature.models.checkpoints import load_result, takes_segments
from miniature.models.graphs import export_line
from miniature.training.as_is import copy_checkpoint
from small_models import QA_SETTINGS, build_model, save_classifier, save_encoder, toy_questions

LABELS = ["no", "yes"]
TEXTS = ["the red box is in the old town .", "a blue cup", "new lamps under the river, not old ones", "box"]
TEXT = {"max_length": 16}
SETTINGS = {
    "integrated-gradients": {"method": "integrated-gradients", "steps": 16},
    "gradient-x-input": {"method": "gradient-x-input"},
    "occlusion": {"method": "occlusion"},
    "lime": {"method": "lime", "samples": 60},
    "kernel-shap": {"method": "kernel-shap", "samples": 60},
}


@pytest.fixture(scope="module", params=["bert", "distilbert", "roberta"])
def classifier(request, tmp_path_factory):
    return decided_classifier(tmp_path_factory.mktemp("models") / request.param, request.param)


def decided_classifier(folder, kind="bert"):
    """A random classifier whose weights are large enough for its words to matter."""
    save_classifier(folder, LABELS, kind=kind)
    model, _ = load_result(folder, head="classification")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.mul_(10.0 if "classifier" in name or "pooler" in name else 2.0)
    model.save_pretrained(folder)
    return folder


def reviews(texts=TEXTS):
    return pd.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts, "label": "no"})


def explain(folder, table, settings, journal, **changes):
    options = {
        "task": "classification", "labels": LABELS, "text_settings": TEXT, "settings": settings,
        "batch_tokens": 64, "journal": journal, "device": "cpu", "seed": 5,
    }  # fmt: skip
    return explain_table(folder, table, **(options | changes))


def captum_gradients(folder, text, steps):
    """Integrated gradients of the predicted class by captum, summed to tokens, with the offsets of tokens."""
    from captum.attr import LayerIntegratedGradients

    model, tokenizer = load_result(folder, head="classification")
    encoded = tokenizer(text, truncation=True, max_length=TEXT["max_length"], return_offsets_mapping=True)
    ids = torch.tensor([encoded["input_ids"]])
    special = torch.tensor(
        [tokenizer.get_special_tokens_mask(encoded["input_ids"], already_has_special_tokens=True)]
    )
    base = torch.where(special.bool(), ids, tokenizer.mask_token_id)
    target = int(model(input_ids=ids).logits.argmax())
    method = LayerIntegratedGradients(lambda x: model(input_ids=x).logits, model.get_input_embeddings())
    found = method.attribute(ids, baselines=base, target=target, n_steps=steps, method="gausslegendre")
    return found.sum(-1)[0].detach().numpy(), np.array(encoded["offset_mapping"]), LABELS[target]


def test_integrated_gradients_are_captums(classifier, tmp_path):
    found, record = explain(classifier, reviews(), SETTINGS["integrated-gradients"], tmp_path / "j.jsonl")
    assert record["replaced_by"] == "mask_token"
    for row, text in enumerate(TEXTS):
        tokens, spans, target = captum_gradients(classifier, text, 16)
        assert found["target"][row] == target
        words = find_words([text])
        of_token = word_of_tokens(words, 0, spans)
        of_token[0] = of_token[-1] = -1  # special tokens
        for word, score in enumerate(found["score"][row]):
            own = tokens[of_token == word]
            if not len(own):
                assert np.isnan(score)
            else:
                assert score == pytest.approx(own.sum(), rel=1e-5, abs=1e-5 * float(np.abs(tokens).max()))


def test_both_texts_of_a_pair_are_explained(classifier, tmp_path):
    """Gradient times input of a pair read by transformers itself, summed to the words of each text."""
    pair = ("the red box is in the old town .", "new lamps under the river")
    table = pd.DataFrame({"id": ["r0"], "text": [pair[0]], "text_pair": [pair[1]], "label": ["no"]})
    whole = {"max_length": 64}
    settings = SETTINGS["gradient-x-input"]
    found, _ = explain(classifier, table, settings, tmp_path / "j.jsonl", text_settings=whole)
    model, tokenizer = load_result(classifier, head="classification")
    encoded = tokenizer(*pair, return_tensors="pt", return_offsets_mapping=True)
    spans = encoded.pop("offset_mapping")[0].numpy()
    inputs = model.get_input_embeddings()(encoded.pop("input_ids")).detach().requires_grad_()
    takes = {
        name: value for name, value in encoded.items() if takes_segments(model) or name != "token_type_ids"
    }
    model(inputs_embeds=inputs, **takes).logits[0].max().backward()
    scores = (inputs.grad * inputs).sum(-1)[0].detach().numpy()
    sequence = np.array([-1 if s is None else s for s in tokenizer(*pair).sequence_ids(0)])
    words = find_words(pair)
    assert list(found["part"][0]) == [0] * 9 + [1] * 5
    of_token = np.full(len(spans), -1)
    for part in (0, 1):
        of_token[sequence == part] = word_of_tokens(words, part, spans[sequence == part])
    expected = [scores[of_token == word].sum() for word in range(14)]
    np.testing.assert_allclose(found["score"][0], expected, rtol=1e-4, atol=1e-5 * np.abs(scores).max())


def test_scores_add_up_to_the_decision(classifier, tmp_path):
    settings = {"method": "integrated-gradients", "steps": 64}
    found, record = explain(classifier, reviews(), settings, tmp_path / "j.jsonl")
    assert record["completeness_gap"]["1"] < 0.01
    sums = [np.nansum(scores) for scores in found["score"]]
    assert np.allclose(sums, found["decision"] - found["baseline"], rtol=0.01)


def test_the_decision_is_the_one_that_is_predicted(classifier, tmp_path):
    found, _ = explain(classifier, reviews(), SETTINGS["gradient-x-input"], tmp_path / "j.jsonl")
    predictions, _ = predict(
        classifier, reviews(), labels=LABELS, text_settings=TEXT, feature="cls", batch_tokens=64, device="cpu"
    )
    assert found["target"].tolist() == predictions["prediction"].tolist()


def test_occlusion_is_the_loss_without_the_word(classifier, tmp_path):
    found, _ = explain(classifier, reviews(), SETTINGS["occlusion"], tmp_path / "j.jsonl")
    model, tokenizer = load_result(classifier, head="classification")
    text = TEXTS[1]
    encoded = tokenizer(text, return_offsets_mapping=True)
    ids = torch.tensor([encoded["input_ids"]])
    of_token = word_of_tokens(find_words([text]), 0, np.array(encoded["offset_mapping"]))
    of_token[0] = of_token[-1] = -1  # special tokens
    with torch.no_grad():
        whole = model(input_ids=ids).logits[0]
        for word, score in enumerate(found["score"][1]):
            without = ids.clone()
            without[0, torch.from_numpy(of_token == word)] = tokenizer.mask_token_id
            lost = whole - model(input_ids=without).logits[0]
            assert score == pytest.approx(float(lost[int(whole.argmax())]), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_batches_and_interruptions_change_nothing(tmp_path, tmp_path_factory, method):
    folder = decided_classifier(tmp_path / "model")
    table = reviews()
    whole, _ = explain(folder, table, SETTINGS[method], tmp_path / "whole.jsonl")
    journal = tmp_path / "cut.jsonl"
    explain(folder, table, SETTINGS[method], journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:2]) + lines[2][:7])
    again, _ = explain(folder, table, SETTINGS[method], journal)
    for one, other in zip(whole["score"], again["score"], strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True)
    small, _ = explain(folder, table, SETTINGS[method], tmp_path / "small.jsonl", batch_tokens=1)
    if method in ("lime", "kernel-shap"):
        other_seed, _ = explain(folder, table, SETTINGS[method], tmp_path / "seed.jsonl", seed=6)
        assert any(not np.allclose(a, b) for a, b in zip(whole["score"], other_seed["score"], strict=True))
    else:
        for one, other in zip(whole["score"], small["score"], strict=True):
            assert np.allclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("method", ["integrated-gradients", "gradient-x-input"])
def test_what_a_killed_run_explained_does_not_move_the_rest(tmp_path, method):
    """To the last bit: the texts that are left are read beside the same others."""
    folder = decided_classifier(tmp_path / "model")
    table = reviews(
        [f"the {word} box is in the old town ." for word in ("red", "blue", "green", "new", "old")]
    )
    journal, options = tmp_path / "j.jsonl", {"batch_tokens": 2048}
    whole, _ = explain(folder, table, SETTINGS[method], journal, **options)
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 6
    journal.write_bytes(b"".join(lines[:3]))
    again, _ = explain(folder, table, SETTINGS[method], journal, **options)
    assert whole.equals(again)


@pytest.mark.parametrize("method", ["integrated-gradients", "gradient-x-input"])
def test_padded_batches_give_the_same(classifier, tmp_path, method):
    """As a GPU reads them: any device but plain ``cpu`` has texts of different lengths in a batch."""
    options = {"batch_tokens": 2048}
    equal, _ = explain(classifier, reviews(), SETTINGS[method], tmp_path / "equal.jsonl", **options)
    padded, _ = explain(
        classifier, reviews(), SETTINGS[method], tmp_path / "padded.jsonl", device="cpu:0", **options
    )
    for one, other in zip(equal["score"], padded["score"], strict=True):
        assert len(one) == len(other)
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5 * np.nanmax(np.abs(one)))
    for column in ("decision", "baseline"):
        np.testing.assert_allclose(padded[column].astype(float), equal[column].astype(float), rtol=1e-5)


def test_one_planted_word(tmp_path):
    """A model whose logits read one word only: every method names that word."""
    folder = save_classifier(tmp_path / "model", LABELS)
    model, tokenizer = load_result(folder, head="classification")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        # Attention is uniform, so that the classification token carries the mean of all values; one dimension
        # of the embedding of one word reaches the logit of "yes" through it.
        model.bert.embeddings.word_embeddings.weight[tokenizer.convert_tokens_to_ids("red"), 0] = 1.0
        for norm in (m for m in model.modules() if isinstance(m, torch.nn.LayerNorm)):
            norm.weight.fill_(1.0)
        for layer in model.bert.encoder.layer:
            layer.attention.self.value.weight[0, 0] = 1.0
            layer.attention.output.dense.weight[0, 0] = 1.0
        model.bert.pooler.dense.weight[0, 0] = 1.0
        model.classifier.weight[1, 0] = 1.0
    model.save_pretrained(folder)
    table = reviews(["the red box in town", "a cup of the red", "red old lamp"])
    for method, settings in SETTINGS.items():
        found, _ = explain(folder, table, settings, tmp_path / f"{method}.jsonl")
        top = [
            text.split()[int(np.argmax(np.abs(scores)))]
            for text, scores in zip(table["text"], found["score"], strict=True)
        ]
        if method != "gradient-x-input":  # the gradient at the text itself is flattened by layer norm
            assert top == ["red"] * 3, method


def test_texts_without_words_and_words_out_of_sight(tmp_path):
    folder = save_classifier(tmp_path / "model", LABELS)
    table = reviews(["", "   ", "red", "box " * 30])
    found, _ = explain(folder, table, SETTINGS["integrated-gradients"], tmp_path / "j.jsonl")
    assert found["message"].tolist()[:2] == ["the text has no words"] * 2
    assert found["message"].isna().tolist() == [False, False, True, True]
    assert [len(scores) for scores in found["score"]] == [0, 0, 1, 30]
    assert np.isnan(found["score"][3]).sum() == 30 - (TEXT["max_length"] - 2)


def test_answers(tmp_path):
    encoder = save_encoder(tmp_path / "encoder")
    model, tokenizer = build_model({"path": encoder}, head="question-answering", seed=1)
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    table = toy_questions(6)
    for threshold in (None, -100.0):
        settings = {**QA_SETTINGS, "null_threshold": threshold}
        found, record = explain(
            folder, table, {"method": "integrated-gradients", "steps": 64}, tmp_path / f"{threshold}.jsonl",
            task="question-answering", labels=None, text_settings=settings,
        )  # fmt: skip
        predictions, _ = answer(
            folder, table, text_settings=settings, feature="cls", batch_tokens=64, device="cpu"
        )
        assert found["target"].tolist() == predictions["prediction"].tolist()
        assert record["completeness_gap"]["1"] < 0.01
        if threshold is None:
            assert np.allclose(found["decision"], predictions["score"], atol=1e-5)
        words = [find_words([row.question, row.context]) for row in table.itertuples()]
        assert [len(w.start) for w in words] == [len(scores) for scores in found["score"]]
        assert all(np.isfinite(scores[: (w.part == 0).sum()]).all()
                   for w, scores in zip(words, found["score"], strict=True))  # fmt: skip


def test_a_graph_is_explained_without_gradients(tmp_path):
    folder = decided_classifier(tmp_path / "model")
    graph = tmp_path / "graph"
    graph.mkdir()
    for file in folder.iterdir():
        if file.suffix in (".json", ".txt"):
            shutil.copy(file, graph)
    _, _, code = shlex.split(export_line("classification", graph / "model.onnx", str(folder)))
    exec(code, {})
    result = tmp_path / "result"
    copy_checkpoint(
        {"path": str(graph / "model.onnx")}, result, task="classification", labels=LABELS, text_settings=TEXT
    )
    of_graph, _ = explain(result, reviews(), SETTINGS["occlusion"], tmp_path / "graph.jsonl")
    of_torch, _ = explain(folder, reviews(), SETTINGS["occlusion"], tmp_path / "torch.jsonl")
    for one, other in zip(of_graph["score"], of_torch["score"], strict=True):
        assert np.allclose(one, other, atol=1e-4, equal_nan=True)
    # In a study on GPUs too it runs on the CPU, which is all that it needs.
    on_gpu, _ = explain(result, reviews(), SETTINGS["occlusion"], tmp_path / "gpu.jsonl", device="cuda")
    assert on_gpu.equals(of_graph)
    with pytest.raises(StudyError, match="no gradients") as caught:
        explain(result, reviews(), SETTINGS["integrated-gradients"], tmp_path / "none.jsonl")
    assert caught.value.fix == "method: occlusion"
