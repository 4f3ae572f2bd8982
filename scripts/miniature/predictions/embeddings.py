"""Embeddings of models that were run elsewhere: numbers that are what they say, one row an example."""

import os

import numpy as np

from miniature.messages import StudyError, python_line
from miniature.predictions.read import unreadable

# Spread of log2 of the size of a normal variate; which reading of sixteen bits is the right one shows by it.
USUAL_SPREAD = 1.6
# Rows whose directions differ by less than float32 resolves are one row.
SAME_DIRECTION = 1e-6
LOAD = "import numpy as np; a = np.load(%(path)s); "
BITS = "bits of floating-point numbers, stored as whole numbers"
CONVERSIONS = {
    "bfloat16": "np.save(%(path)s, (a.view(np.uint16).astype(np.uint32) << 16).view(np.float32))",
    "float16": "np.save(%(path)s, a.view(np.float16).astype(np.float32))",
    "float32": "np.save(%(path)s, a.view(np.float32))",
    "float64": "np.save(%(path)s, a.view(np.float64))",
    "signs": "np.save(%(path)s, np.unpackbits(a, axis=1).astype(np.float32))",
    "signs from -128": "np.save(%(path)s, "
    "np.unpackbits((a.astype(np.int16) + 128).astype(np.uint8), axis=1).astype(np.float32))",
    "numbers": "np.save(%(path)s, a.astype(np.float32))",
}


def read_embeddings(
    path: str | os.PathLike, rows: int | None, *, model: str, table: str | None
) -> np.ndarray:
    """Read embeddings of a model that was run elsewhere.

    Parameters
    ----------
    path : path
        A ``.npy`` file, never a pickle.
    rows : int or None
        Rows of the data table; None where no table says (a bank that is given as embeddings only).
    model : str
        Whose they are, for messages.
    table : str or None
        File of the data table, for messages.

    Returns
    -------
    ndarray of float32, shape [examples, hidden]

    Raises
    ------
    StudyError
        The file is no array of floating-point numbers of two dimensions, has the wrong number of rows, holds
        NaN or infinity, or the same vector in every row.
    """
    where = f"{path}, embeddings of model {model}"
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(error, where) from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or not array.size:
        shape = f"{array.dtype} of shape {list(array.shape)}" if isinstance(array, np.ndarray) else "no array"
        raise StudyError(
            f"The embeddings are {shape}.",
            where=where,
            fix="np.save(path, numbers)   # of shape [examples, hidden], hidden at least 1",
        )
    if array.dtype.kind != "f":
        raise _other_numbers(array, path, where)
    if rows is not None and len(array) != rows:
        raise StudyError(
            f"There are {len(array)} rows of embeddings for {rows} examples.",
            where=where,
            fix=f"give one row for each row of {table}, in its order",
        )
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise StudyError(
            f"{int((~finite).sum())} rows of embeddings hold NaN or infinity (as float32), "
            f"the first is row {row} (counted from 0).",
            where=where,
            fix="export them again",
        )
    _check_alike(array, where)
    return array


def _check_alike(array: np.ndarray, where: str) -> None:
    """Refuse rows that all point the same way: whichever is nearest is an accident."""
    lengths = np.linalg.norm(array.astype(np.float64), axis=1)
    if len(array) < 2:
        return
    if lengths.any():
        with np.errstate(invalid="ignore"):
            unit = array / lengths[:, None]
        alike = bool((lengths > 0).all() and np.abs(unit - unit[0]).max() <= SAME_DIRECTION)
    else:
        alike = True
    if alike:
        raise StudyError(
            f"All {len(array)} rows of embeddings are {'the same vector' if lengths.any() else 'zero'}"
            + (", up to their length." if lengths.any() and lengths.std() > 0 else "."),
            where=where,
            fix="export the last layer's vector of each example: one row an example, "
            "hidden[:, 0] (of [CLS]) or the mean over its tokens",
        )


def _other_numbers(array: np.ndarray, path: str | os.PathLike, where: str) -> StudyError:
    """What numbers that are not floating-point may stand for, with the line that makes them so."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    readings: list[tuple[str, str]] = []
    if kind in "iuV" and size == 2:
        likely, other = _sixteen_bits(array)
        readings = [(f"{likely}: {BITS}", likely), (f"{other}: {BITS}", other)]
    elif kind in "iu" and size == 1:
        signs = "signs" if kind == "u" else "signs from -128"
        readings = [
            ("eight signs packed in each", signs),
            ("whole numbers, as quantization gives", "numbers"),
        ]
    elif kind in "iu":
        viewed = array.view(f"<f{size}") if array.dtype.isnative else array
        large = np.abs(array.astype(np.float64)).min() > 2**20
        bits = kind == "u" or (large and np.isfinite(viewed).all())
        readings = [(f"float{8 * size}: {BITS}", f"float{8 * size}"), ("whole numbers", "numbers")]
        readings = readings if bits else readings[::-1]
    elif kind == "b":
        readings = [("signs", "numbers")]
    if kind in "iu" and size == 2:
        readings.append(("whole numbers", "numbers"))
    if not readings:
        return StudyError(
            f"The embeddings are {array.dtype} of shape {list(array.shape)}.",
            where=where,
            fix="np.save(path, vectors.float().numpy())   # float32, of shape [examples, hidden]",
        )
    lines = [
        python_line(LOAD + CONVERSIONS[conversion], path=str(path))
        + ("" if len(readings) == 1 else f"   # if they are {meaning}")
        for meaning, conversion in readings
    ]
    return StudyError(
        f"The embeddings are stored as {array.dtype}, which is no floating-point number; they seem to be "
        f"{readings[0][0]}.",
        where=where,
        fix="\nor: ".join(lines),
    )


def _sixteen_bits(array: np.ndarray) -> tuple[str, str]:
    """The likelier reading of sixteen bits, and the other: sizes spread as a normal variate's do."""
    bits = np.ascontiguousarray(array).view(np.uint16).ravel()[:100_000]
    with np.errstate(invalid="ignore"):
        readings = {
            "bfloat16": (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64),
            "float16": bits.view(np.float16).astype(np.float64),
        }

    def distance(name: str) -> float:
        values = np.abs(readings[name])
        if not np.isfinite(values).all() or not values.any():
            return np.inf
        return abs(float(np.log2(values[values > 0]).std()) - USUAL_SPREAD)

    first, second = sorted(readings, key=distance)
    return first, second
