from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from miniature.messages import StudyError
from miniature.models.windows import encode_classified, encode_pieces, encode_questions
from miniature.training.targets import answer_positions
from small_models import QA_SETTINGS, WORDS, qa_table, save_bert_tokenizer, save_byte_tokenizer

TEXT = st.lists(st.sampled_from(WORDS), max_size=24).map(" ".join)


@pytest.fixture(scope="module", params=["wordpiece", "bytes"])
def tokenizer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    save = save_bert_tokenizer if request.param == "wordpiece" else save_byte_tokenizer
    return AutoTokenizer.from_pretrained(save(folder))


def window(windows, index):
    return windows.tokens[windows.borders[index] : windows.borders[index + 1]].tolist()


def test_windows_are_those_of_the_tokenizer_itself(tokenizer):
    # Witness: transformers' own windows, whose `stride` is the overlap.
    table = qa_table(
        [("where is the cup ?", "the red box in the old town . a lamp under the river", None)] * 2
    )
    chosen = QA_SETTINGS | {"max_length": 40, "max_question_length": 20, "stride": 5}
    windows = encode_questions(tokenizer, table, chosen)
    question = len(tokenizer(table["question"][0], add_special_tokens=False)["input_ids"])
    special = tokenizer.num_special_tokens_to_add(pair=True)
    witness = tokenizer(
        table["question"].tolist(),
        table["context"].tolist(),
        truncation="only_second",
        max_length=40,
        stride=40 - special - question - 5,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    assert [window(windows, i) for i in range(len(windows))] == witness["input_ids"]
    assert windows.example.tolist() == witness["overflow_to_sample_mapping"]
    for i in range(len(windows)):
        part = slice(windows.borders[i], windows.borders[i + 1])
        assert windows.types[part].tolist() == witness["token_type_ids"][i]
        sequences = witness.sequence_ids(i)
        assert windows.special[part].tolist() == [sequence is None for sequence in sequences]
        expected = [
            span if s == 1 else (-1, -1)
            for span, s in zip(witness["offset_mapping"][i], sequences, strict=True)
        ]
        assert windows.spans[part].tolist() == [list(span) for span in expected]


words = st.sampled_from([*WORDS, "lamps", "Ünïted", "zzz", "it's", "3.5%", "名前", "  "])
texts = st.lists(words, max_size=30).map(" ".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_answer_that_fits_is_found_exactly(tokenizer, data):
    contexts = data.draw(st.lists(texts, min_size=1, max_size=3))
    rows = []
    for context in contexts:
        pieces = [word for word in context.split() if word]
        answer = data.draw(st.sampled_from(pieces)) if pieces and data.draw(st.booleans()) else None
        rows.append((data.draw(texts), context, answer))
    table = qa_table(rows)
    stride = data.draw(st.integers(1, 30))
    windows = encode_questions(tokenizer, table, QA_SETTINGS | {"max_length": 40, "stride": stride})
    starts, ends, usable = answer_positions(windows, table)
    assert set(windows.example) == set(range(len(table)))
    assert windows.lengths.max() <= 40
    for i in range(len(windows)):
        answers = table["answers"][windows.example[i]]
        low = windows.borders[i]
        if not answers:
            assert (starts[i], ends[i], usable[i]) == (0, 0, True)
            continue
        begin = table["answer_starts"][windows.example[i]][0]
        end = begin + len(answers[0])
        own = table["context"][[windows.example[i]]].rename("text").to_frame()
        whole = encode_classified(tokenizer, own, max_length=10_000)
        needed = [tuple(s) for s in whole.spans.tolist() if s[1] > begin and s[0] < end and s[0] >= 0]
        shown = Counter(map(tuple, windows.spans[low : windows.borders[i + 1]].tolist()))
        # Counted, because the bytes of one character are tokens of one and the same span.
        fits = usable[i] and needed and Counter(needed) <= shown
        assert usable[i] == bool(needed)
        if starts[i] == 0:
            assert not fits
            continue
        assert fits
        span = (windows.spans[low + starts[i], 0], windows.spans[low + ends[i], 1])
        # Contains the answer, and no token more than touches it.
        assert span[0] <= begin
        assert span[1] >= end
        assert span == (needed[0][0], needed[-1][1])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(context=texts, stride=st.integers(1, 50), question=texts)
def test_windows_cover_every_token_of_the_context(tokenizer, context, stride, question):
    table = qa_table([(question, context, None)])
    windows = encode_questions(tokenizer, table, QA_SETTINGS | {"stride": stride})
    covered = set()
    for i in range(len(windows)):
        covered |= set(range(windows.text_offset[i], windows.text_offset[i] + windows.text_tokens[i]))
    count = len(tokenizer(context, add_special_tokens=False)["input_ids"])
    assert covered == set(range(count))
    if len(windows) > 1:
        assert set(np.diff(windows.text_offset)) == {min(stride, windows.text_tokens[0])}


def test_long_questions_are_cut_and_empty_texts_have_a_window(tokenizer):
    table = qa_table([("the red box " * 40, "a cup", None), ("", "", None), ("who ?", "   ", None)])
    windows = encode_questions(tokenizer, table, QA_SETTINGS | {"max_length": 30, "stride": 40})
    assert windows.example.tolist() == [0, 1, 2]
    special = tokenizer.num_special_tokens_to_add(pair=True)
    assert windows.text_start[0] == special - 1 + QA_SETTINGS["max_question_length"]
    assert windows.lengths[1] == special


def test_an_answer_that_the_tokenizer_drops(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(save_bert_tokenizer(tmp_path))
    table = qa_table([("who ?", "the \u200b\u200b cup", "\u200b\u200b"), ("who ?", "a cup", "cup")])
    windows = encode_questions(tokenizer, table, QA_SETTINGS)
    starts, _, usable = answer_positions(windows, table)
    assert usable.tolist() == [False, True]
    kept = windows.select(usable)
    assert kept.example.tolist() == [1]
    assert kept.tokens[kept.borders[0] + starts[1]] == tokenizer.convert_tokens_to_ids("cup")


def test_an_answer_that_is_not_there(tokenizer):
    table = qa_table([("who ?", "the red cup", "red")])
    table.at[0, "answer_starts"] = [5]
    windows = encode_questions(tokenizer, table, QA_SETTINGS)
    with pytest.raises(StudyError, match="question q0"):
        answer_positions(windows, table)


def test_no_room_for_the_context(tokenizer):
    with pytest.raises(StudyError, match="no room"):
        encode_questions(tokenizer, qa_table([("a", "b", None)]), QA_SETTINGS | {"max_length": 10})


def test_single_texts_are_cut_as_the_tokenizer_cuts(tokenizer):
    texts = ["the red box " * 30, "a cup", ""]
    windows = encode_classified(tokenizer, pd.DataFrame({"text": texts}), max_length=20)
    witness = tokenizer(texts, truncation=True, max_length=20)["input_ids"]
    assert [window(windows, i) for i in range(3)] == witness


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_pairs_are_put_together_and_cut_as_the_tokenizer_does(tokenizer, pairs):
    table = pd.DataFrame(pairs, columns=["text", "text_pair"])
    windows = encode_classified(tokenizer, table, max_length=21)
    witness = tokenizer(
        *map(list, zip(*pairs, strict=True)), truncation=True, max_length=21, return_token_type_ids=True,
        return_offsets_mapping=True,
    )  # fmt: skip
    for i in range(len(pairs)):
        inside = slice(windows.borders[i], windows.borders[i + 1])
        assert window(windows, i) == witness["input_ids"][i]
        assert windows.types[inside].tolist() == witness["token_type_ids"][i]
        assert windows.special[inside].tolist() == [s is None for s in witness.sequence_ids(i)]
        spans = zip(witness["offset_mapping"][i], witness.sequence_ids(i), strict=True)
        second = [span for span, sequence in spans if sequence == 1]
        assert [tuple(span) for span in windows.spans[inside] if span[0] >= 0] == second


def test_what_is_cut_is_counted_once_a_table(tokenizer, caplog):
    long = "the red box " * 30
    special = tokenizer.num_special_tokens_to_add(pair=False)
    fits = len(tokenizer(long, add_special_tokens=False)["input_ids"]) + special
    encode_classified(tokenizer, pd.DataFrame({"text": [long, "a cup", long]}), max_length=fits)
    encode_questions(tokenizer, qa_table([("who ?", long, None)]), QA_SETTINGS)
    assert caplog.messages == []
    encode_classified(tokenizer, pd.DataFrame({"text": [long, "a cup", long]}), max_length=fits - 1)
    encode_questions(tokenizer, qa_table([(long, "a cup", None), ("who ?", long, None)]), QA_SETTINGS)
    assert caplog.messages == [
        f"2 of 3 texts are longer than {fits - 1} tokens and cut",
        f"1 of 2 questions are longer than {QA_SETTINGS['max_question_length']} tokens and cut",
    ]


def test_a_limit_saved_with_the_tokenizer_cuts_nothing(tokenizer):
    tokenizer.backend_tokenizer.enable_truncation(5)
    tokenizer.backend_tokenizer.enable_padding(length=9)
    table = pd.DataFrame({"text": ["the red box " * 10]})
    assert encode_classified(tokenizer, table, max_length=30).lengths[0] == 30


def test_batch_pads_to_its_longest(tokenizer):
    table = pd.DataFrame({"text": ["the red box in the town", "cup", "a lamp"]})
    windows = encode_classified(tokenizer, table, max_length=30)
    batch = windows.batch(np.array([1, 2]), pad_token=99)
    longest = windows.lengths[1:].max()
    assert batch["input_ids"].shape == (2, longest)
    for row, index in enumerate((1, 2)):
        length = windows.lengths[index]
        assert batch["input_ids"][row, :length].tolist() == window(windows, index)
        assert set(batch["input_ids"][row, length:]) <= {99}
        assert batch["attention_mask"][row].tolist() == [1] * length + [0] * (longest - length)


def test_pieces_hold_every_token_once(tokenizer):
    texts = ["the red box " * 9, "", "a cup"]
    windows = encode_pieces(tokenizer, texts, max_length=12)
    joined = [t for i in range(len(windows)) for t in np.array(window(windows, i))[1:-1].tolist()]
    assert joined == [t for text in texts for t in tokenizer(text, add_special_tokens=False)["input_ids"]]
    assert windows.lengths.max() <= 12
