"""Embeddings from elsewhere: numbers that stand for others are refused, with the line that converts."""

import shlex

import numpy as np
import pytest

from miniature.messages import StudyError
from miniature.predictions.embeddings import read_embeddings

RANDOM = np.random.default_rng(4)
VECTORS = RANDOM.normal(size=(40, 16)).astype(np.float32)
BFLOAT16 = (VECTORS.view(np.uint32) >> 16).astype(np.uint16)
AS_BFLOAT16 = (BFLOAT16.astype(np.uint32) << 16).view(np.float32)
SIGNS = (VECTORS > 0).astype(np.float32)
UNIT = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
UNIT_16 = (UNIT.view(np.uint32) >> 16).astype(np.uint16)


def read(path):
    return read_embeddings(path, 40, model="m", table="t.parquet")


def lines(error):
    return error.value.fix.split("\nor: ")


@pytest.mark.parametrize(
    ("stored", "words", "place", "meant"),
    [
        (BFLOAT16, "bfloat16", 0, AS_BFLOAT16),
        (BFLOAT16.view(np.int16), "bfloat16", 0, AS_BFLOAT16),
        (BFLOAT16.view("V2"), "bfloat16", 0, AS_BFLOAT16),
        (UNIT_16, "bfloat16", 0, (UNIT_16.astype(np.uint32) << 16).view(np.float32)),
        (VECTORS.astype(np.float16).view(np.uint16), "float16", 0, VECTORS.astype(np.float16)),
        (UNIT.astype(np.float16).view(np.int16), "float16", 0, UNIT.astype(np.float16)),
        (VECTORS.view(np.uint32), "float32", 0, VECTORS),
        (VECTORS.view(np.int32), "float32", 0, VECTORS),
        (VECTORS.astype(np.float64).view(np.int64), "float64", 0, VECTORS),
        (np.packbits(SIGNS.astype(bool), axis=1), "signs", 0, SIGNS),
        ((np.packbits(SIGNS.astype(bool), axis=1).astype(np.int16) - 128).astype(np.int8), "signs", 0, SIGNS),
        (SIGNS.astype(bool), "signs", 0, SIGNS),
        ((20 * VECTORS).astype(np.int8), "int8", 1, (20 * VECTORS).astype(np.int8)),
        ((20 * VECTORS).astype(np.int32), "whole numbers", 0, (20 * VECTORS).astype(np.int32)),
        ((2000 * VECTORS).astype(np.int16), "int16", 2, (2000 * VECTORS).astype(np.int16)),
    ],
)  # fmt: skip
def test_numbers_that_stand_for_others(tmp_path, stored, words, place, meant):
    path = tmp_path / "it's here.npy"
    np.save(path, stored)
    with pytest.raises(StudyError, match="no floating-point") as caught:
        read(path)
    assert words in caught.value.what
    _, _, code = shlex.split(lines(caught)[place], comments=True)
    exec(code, {})
    np.testing.assert_array_equal(read(path), np.asarray(meant, dtype=np.float32))


@pytest.mark.parametrize("stored", [VECTORS.astype(np.complex64), VECTORS.astype(np.float32).view("V1")])
def test_numbers_that_nothing_converts(tmp_path, stored):
    np.save(tmp_path / "e.npy", stored)
    with pytest.raises(StudyError, match="of shape"):
        read(tmp_path / "e.npy")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", ">f8"])
def test_floating_point_of_every_size_is_read(tmp_path, dtype):
    np.save(tmp_path / "e.npy", VECTORS.astype(dtype))
    np.testing.assert_array_equal(read(tmp_path / "e.npy"), VECTORS.astype(dtype).astype(np.float32))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.zeros((40, 16)), "are zero"),
        (np.ones((40, 16)), "the same vector."),
        (np.tile(VECTORS[:1], (40, 1)), "the same vector."),
        (np.arange(1, 41)[:, None] * VECTORS[:1], "up to their length"),
        (np.tile(VECTORS[:1], (40, 1)) * (1 + 1e-8 * RANDOM.normal(size=(40, 16))), "the same vector"),
    ],
)
def test_rows_that_are_all_alike(tmp_path, rows, words):
    np.save(tmp_path / "e.npy", rows.astype(np.float32))
    with pytest.raises(StudyError, match=words):
        read(tmp_path / "e.npy")


def test_rows_that_are_nearly_alike_are_still_rows(tmp_path):
    rows = VECTORS[:1] + 1e-4 * VECTORS
    np.save(tmp_path / "e.npy", rows)
    assert read(tmp_path / "e.npy").shape == (40, 16)
