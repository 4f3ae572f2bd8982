"""Labels that do not fit: the line that is offered is pasted, and the file can be read."""

import json

import pytest
import yaml

from miniature.data.build import build_split
from miniature.data.labels import correct_labels
from miniature.messages import StudyError

NAMES, NUMBERS = {"negative": "negative", "positive": "positive"}, {"negative": 0, "positive": 1}
CASES = {
    "case": (NAMES, ["Negative", "positive"], "{negative: Negative, positive: positive}"),
    "capitals of an abbreviation": (NAMES, ["NEG", "POS"], "{negative: NEG, positive: POS}"),
    "names for numbers": (NUMBERS, ["pos", "neg"], "{negative: neg, positive: pos}"),
    "only one of them in the file": (NUMBERS, ["neg"], "{negative: neg, positive: 1}"),
    "numbers for names": (NAMES, ["0", "1"], "{negative: 0, positive: 1}   # or the other way round"),
    "other names": (NUMBERS, ["good", "bad"], "{negative: bad, positive: good}   # or the other way round"),
    "numbers with a point": (NUMBERS, ["1.0", "0.0"], '{negative: "0.0", positive: "1.0"}'),
    "counted from one": ({"a": 0, "b": 1, "c": 2}, ["1", "2", "3"], "{a: 1, b: 2, c: 3}"),
    "words that YAML takes for true and false": (NAMES, ["yes", "no"], '{negative: "no", positive: "yes"}'),
    "a class too few": ({"a": 0, "b": 1}, ["0", "1", "so so"], "{a: 0, b: 1, so-so: so so}"),
    "stars": (NAMES, ["1", "2", "3"], '{negative: negative, positive: positive, "1": 1, "2": 2, "3": 3}'),
    "blanks and a colon": (NUMBERS, [" neg", "pos: x"], '{negative: " neg", positive: "pos: x"}'),
}  # fmt: skip


def read(labels, found, tmp_path):
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps({"text": "a", "label": label}) + "\n" for label in found))
    dataset = {
        "task": "classification", "format": "jsonl", "labels": labels,
        "splits": {"test": {"path": str(path), "examples": "all"}},
    }  # fmt: skip
    return build_split(dataset, "test", name="mine", seed=0)["label"].tolist()


@pytest.mark.parametrize("case", CASES)
def test_the_offered_labels_fit(case, tmp_path):
    labels, found, expected = CASES[case]
    with pytest.raises(StudyError) as caught:
        read(labels, found, tmp_path)
    assert caught.value.fix.startswith(f"labels: {expected}")
    corrected = yaml.safe_load(caught.value.fix)["labels"]
    assert all(isinstance(name, str) for name in corrected)
    assert [str(corrected[name]) for name in read(corrected, found, tmp_path)] == found


def test_a_label_that_differs_in_case_only_is_told_so(tmp_path):
    with pytest.raises(
        StudyError, match=r"'Negative' is not one of .*: it differs from 'negative' in case only"
    ):
        read(NAMES, ["Negative", "positive"], tmp_path)


def test_two_spellings_in_one_file_are_mended_there():
    fix = correct_labels(NAMES, ["negative", "Negative", "positive"])
    assert fix == "in the file, write 'Negative' as 'negative', as in its other rows"


def test_a_column_of_texts_is_no_column_of_classes():
    assert correct_labels(NAMES, map(str, range(100))) == "columns: {label: <the column of the classes>}"
    assert correct_labels(NAMES, ["negative"]) is None


def test_a_label_that_is_null_is_told_so(tmp_path):
    with pytest.raises(StudyError, match="The 'label' is null"):
        read(NAMES, ["negative", None], tmp_path)
