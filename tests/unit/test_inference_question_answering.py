import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, PretrainedConfig, pipeline
from transformers.modeling_outputs import BaseModelOutput, QuestionAnsweringModelOutput

from miniature.files import read_parquet, write_parquet
from miniature.inference.question_answering import predict, predict_with
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint
from miniature.predictions.schemas import QA_PREDICTIONS_SCHEMA
from small_models import (
    ARCHITECTURE,
    QA_SETTINGS,
    qa_table,
    save_bert_tokenizer,
    save_byte_tokenizer,
    save_encoder,
    toy_questions,
)

OPTIONS = {"feature": "cls", "batch_tokens": 200, "device": "cpu"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    vocabulary = save_bert_tokenizer(folder / "vocabulary")
    model, tokenizer = build_model(
        # Weights large enough that answers differ.
        {"architecture": ARCHITECTURE | {"initializer_range": 0.5}},
        head="question-answering",
        vocabulary=vocabulary,
        seed=0,
    )
    model.save_pretrained(folder / "qa")
    tokenizer.save_pretrained(folder / "qa")
    return folder / "qa"


class FakeBase(torch.nn.Module):
    def forward(self, input_ids, attention_mask):
        hidden = torch.stack(
            [input_ids.float(), torch.arange(input_ids.shape[1]).expand_as(input_ids)], dim=2
        )
        return BaseModelOutput(last_hidden_state=hidden)


class FakeModel(torch.nn.Module):
    """Points at the tokens of `wanted` and prefers the empty answer where it does not see them."""

    def __init__(self, wanted):
        super().__init__()
        self.base_model = FakeBase()
        self.config = PretrainedConfig(hidden_size=2, type_vocab_size=0)
        self.name_or_path = "fake"
        self.wanted = torch.tensor(wanted)

    def forward(self, input_ids, attention_mask):
        self.base_model(input_ids, attention_mask)
        starts, ends = torch.zeros(input_ids.shape), torch.zeros(input_ids.shape)
        starts[input_ids == self.wanted[0]] = 5.0
        ends[input_ids == self.wanted[-1]] = 5.0
        # Surer to abstain where it does not see what it looks for.
        sees = (input_ids == self.wanted[0]).any(dim=1)
        starts[:, 0] = ends[:, 0] = torch.where(sees, 0.25, 1.0)
        return QuestionAnsweringModelOutput(start_logits=starts, end_logits=ends)


@pytest.mark.parametrize("before", [0, 3, 10, 40, 200])
def test_an_answer_in_a_late_window_is_found_with_its_exact_text(tmp_path, before):
    tokenizer = AutoTokenizer.from_pretrained(save_bert_tokenizer(tmp_path))
    context = "The  OLD river ,\n" * before + "is a  Blue\tCUP . " + "the red box " * 30
    table = qa_table(
        [("what is under the town ?", context, "Blue\tCUP"), ("who ?", "a red box", None), ("", "", None)]
    )
    wanted = tokenizer.convert_tokens_to_ids(["blue", "cup"])
    predictions, embeddings = predict_with(
        FakeModel(wanted), tokenizer, table, text_settings=QA_SETTINGS, **OPTIONS
    )
    assert predictions["prediction"].tolist() == ["Blue\tCUP", "", ""]
    assert predictions["exact"].tolist() == [1.0, 1.0, 1.0]
    assert predictions["score"][:2].tolist() == [10.0, 0.0]
    assert np.isnan(predictions["score"][2])  # there is nothing to score
    assert predictions["null_score"].tolist() == [0.5, 2.0, 2.0]  # the lowest of the windows
    tokens = 4 * before + 5 + 90  # no question word is cut: windows of 24 - 3 - 6 tokens, 6 further each time
    assert predictions["windows"][0] == 1 + -(-(tokens - 15) // 6)
    assert embeddings[:, 0].tolist() == [tokenizer.cls_token_id] * 3


def test_null_threshold(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(save_bert_tokenizer(tmp_path))
    table = qa_table([("who ?", "a red cup", None)])
    model = FakeModel([tokenizer.convert_tokens_to_ids("lamp")])  # best answer 0, empty answer 2

    def answer(threshold):
        chosen = QA_SETTINGS | {"null_threshold": threshold}
        return predict_with(model, tokenizer, table, text_settings=chosen, **OPTIONS)[0]["prediction"][0]

    assert answer(1.9) == ""
    assert answer(2.0) == "a"  # only a difference above the threshold abstains
    assert answer(None) == "a"


def test_mean_feature_leaves_special_tokens_and_padding_out(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(save_bert_tokenizer(tmp_path))
    table = qa_table(
        [("who ?", "a red cup", None), ("", "", None), ("what is the lamp ?", "a lamp " * 9, None)]
    )
    options = OPTIONS | {"feature": "mean"}
    _, embeddings = predict_with(FakeModel([5]), tokenizer, table, text_settings=QA_SETTINGS, **options)
    ids = tokenizer.convert_tokens_to_ids(["who", "?", "a", "red", "cup"])
    np.testing.assert_allclose(embeddings[0], [np.mean(ids), np.mean([1, 2, 4, 5, 6])], rtol=1e-6)
    specials = [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.sep_token_id]
    np.testing.assert_allclose(embeddings[1], [np.mean(specials), 1.0], rtol=1e-6)
    with pytest.raises(StudyError, match="no feature 'max'"):
        predict_with(
            FakeModel([5]), tokenizer, table, text_settings=QA_SETTINGS, **(OPTIONS | {"feature": "max"})
        )


def test_batches_and_the_order_of_the_table_change_nothing(checkpoint):
    table = toy_questions(40)
    reference, embeddings = predict(checkpoint, table, text_settings=QA_SETTINGS, **OPTIONS)
    assert reference["prediction"].nunique() > 3
    assert reference["windows"].nunique() > 1
    for budget in (1, 60, 100_000):
        other, also = predict(
            checkpoint, table, text_settings=QA_SETTINGS, **(OPTIONS | {"batch_tokens": budget})
        )
        assert other["prediction"].tolist() == reference["prediction"].tolist()
        np.testing.assert_allclose(other["score"], reference["score"], atol=1e-4)
        np.testing.assert_allclose(other["null_score"], reference["null_score"], atol=1e-4)
        np.testing.assert_allclose(also, embeddings, atol=1e-4)
    shuffled = np.random.default_rng(0).permutation(len(table))
    other, also = predict(
        checkpoint, table.iloc[shuffled].reset_index(drop=True), text_settings=QA_SETTINGS, **OPTIONS
    )
    assert other["id"].tolist() == reference["id"].iloc[shuffled].tolist()
    assert other["prediction"].tolist() == reference["prediction"].iloc[shuffled].tolist()
    np.testing.assert_allclose(also, embeddings[shuffled], atol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "electra"])
def test_embeddings_are_the_last_layers_of_the_first_window(tmp_path, kind):
    model, tokenizer = build_model(
        {"path": save_encoder(tmp_path / kind, kind)}, head="question-answering", seed=0
    )
    model.eval()
    table = qa_table([("who ?", "a red cup in the old town . a lamp .", None)])
    chosen = QA_SETTINGS | {"max_length": 60, "max_question_length": 10}
    _, embeddings = predict_with(model, tokenizer, table, text_settings=chosen, **OPTIONS)
    inputs = tokenizer("who ?", table["context"][0], return_tensors="pt")
    if kind == "distilbert":
        del inputs["token_type_ids"]
    with torch.no_grad():
        witness = model(**inputs, output_hidden_states=True).hidden_states[-1][0]
    np.testing.assert_allclose(embeddings[0], witness[0], atol=1e-5)
    _, means = predict_with(model, tokenizer, table, text_settings=chosen, **(OPTIONS | {"feature": "mean"}))
    sequences = tokenizer("who ?", table["context"][0]).sequence_ids(0)
    kept = [i for i, s in enumerate(sequences) if s is not None]
    np.testing.assert_allclose(means[0], witness[kept].mean(dim=0), atol=1e-5)
    assert not model.base_model._forward_hooks  # ours is gone


@pytest.mark.filterwarnings("ignore::DeprecationWarning:transformers.*")
def test_answers_are_those_of_transformers_pipeline(checkpoint):
    # Witness where the semantics agree: one window, no empty answer allowed.
    model, tokenizer = load_checkpoint(checkpoint, head="question-answering")
    table = toy_questions(12)
    chosen = QA_SETTINGS | {"max_length": 60, "null_threshold": None}
    ours, _ = predict_with(model, tokenizer, table, text_settings=chosen, **OPTIONS)
    witness = pipeline("question-answering", model=model, tokenizer=tokenizer, device="cpu")
    for row in range(len(table)):
        answer = witness(
            question=table["question"][row],
            context=table["context"][row],
            max_seq_len=60,
            max_answer_len=QA_SETTINGS["max_answer_length"],
            align_to_words=False,
        )
        assert ours["prediction"][row] == answer["answer"]


def test_withheld_answers_have_no_scores(checkpoint, tmp_path):
    table = toy_questions(3)
    table["answerable"] = table["answerable"].astype(object)
    for row in range(len(table)):
        table.at[row, "answers"], table.at[row, "answer_starts"], table.at[row, "answerable"] = [], [], None
    predictions, embeddings = predict(checkpoint, table, text_settings=QA_SETTINGS, **OPTIONS)
    assert predictions["exact"].isna().all()
    assert predictions["f1"].isna().all()
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (3, 16)
    write_parquet(predictions, tmp_path / "p.parquet", QA_PREDICTIONS_SCHEMA)
    assert read_parquet(tmp_path / "p.parquet")["windows"].dtype == np.int32


def test_byte_level_answers_are_substrings(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(save_byte_tokenizer(tmp_path))
    table = qa_table([("wer ?", "Zoë in Łódź", "Łódź")])
    chosen = QA_SETTINGS | {"max_length": 60, "max_answer_length": 10}
    tokens = tokenizer("Łódź", add_special_tokens=False)["input_ids"]
    predictions, _ = predict_with(
        FakeModel([tokens[0], tokens[-1]]), tokenizer, table, text_settings=chosen, **OPTIONS
    )
    assert predictions["prediction"][0] == "Łódź"


def test_a_checkpoint_with_too_short_windows(checkpoint):
    with pytest.raises(StudyError, match="longer than the 64"):
        predict(checkpoint, toy_questions(2), text_settings=QA_SETTINGS | {"max_length": 65}, **OPTIONS)
