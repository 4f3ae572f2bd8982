"""Atomic writes, and readers that detect damaged files.

A reader never assumes that a results file is complete. A damaged file is renamed to ``<name>.damaged`` with a
message, so that the next run of the workflow finds it missing and rebuilds it.
"""

import contextlib
import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from miniature.messages import StudyError

# Ten significant digits: more than any number here needs, and few enough to hide differences between
# platforms.
CSV_FLOAT_FORMAT = "%.10g"


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Temporary sibling of `path` to write to; it is renamed to `path` only if the block succeeds.

    Parameters
    ----------
    path : path
        The file to write.

    Yields
    ------
    Path
        A path in the same folder (so that the rename is atomic) with the same suffix.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:80]}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Temporary sibling folder that becomes `path` if the block succeeds.

    An existing `path` is replaced. The old folder is moved away first, so that no reader ever sees a mixture.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:80]}."))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:80]}.old."))
            os.replace(path, old / path.name)
            os.replace(temporary, path)
            shutil.rmtree(old)
        else:
            os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_parquet(table: pd.DataFrame, path: str | os.PathLike, schema: pa.Schema | None = None) -> None:
    """Write a table to parquet, atomically and without the index.

    Parameters
    ----------
    table : DataFrame
        Rows in their final order.
    path : path
        Destination.
    schema : pyarrow.Schema, optional
        Column types; inferred from the table if absent.
    """
    arrow = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
    # The pandas metadata block contains library versions; the types above are all a reader needs.
    arrow = arrow.replace_schema_metadata(None)
    with atomic_path(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd")


def read_parquet(path: str | os.PathLike, *, categories: Sequence[str] = ()) -> pd.DataFrame:
    """Read a parquet table; a damaged file is quarantined.

    Parameters
    ----------
    path : path
    categories : sequence of str
        Columns of text with few different values, read as sorted categories: a fraction of the memory.

    Raises
    ------
    StudyError
        The file is damaged; it has been renamed ``<path>.damaged``.
    """
    try:
        table = pq.read_table(path, partitioning=None, read_dictionary=list(categories) or None)
    except FileNotFoundError as error:
        raise _gone(path, error) from None
    except (OSError, pa.ArrowException) as error:
        if _of_machine(error):
            raise
        raise quarantine(path, str(error)) from error
    if not categories:
        return table.to_pandas()
    # The file's own note of its pandas types would turn categories back into text. Numbers are not copied.
    frame = table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    del table
    for name in categories:
        if name in frame:
            frame[name] = frame[name].cat.reorder_categories(sorted(frame[name].cat.categories))
    return frame


def write_npy(array: np.ndarray, path: str | os.PathLike) -> None:
    """Write an array to a ``.npy`` file, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)


def read_npy(path: str | os.PathLike) -> np.ndarray:
    """Read a ``.npy`` array, never a pickle; a damaged file is quarantined.

    Raises
    ------
    StudyError
        The file is damaged; it has been renamed ``<path>.damaged``.
    """
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise _gone(path, error) from None
    except (OSError, ValueError, EOFError) as error:
        if _of_machine(error):
            raise
        raise quarantine(path, str(error)) from error


def write_csv(table: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a table to CSV, atomically, with ten significant digits and empty cells for missing values."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format=CSV_FLOAT_FORMAT, lineterminator="\n")


def write_json(value: object, path: str | os.PathLike) -> None:
    """Write a value as indented JSON with a final newline, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_csv(path: str | os.PathLike, **options: object) -> pd.DataFrame:
    r"""Read a CSV file that the workflow wrote; a damaged file is quarantined.

    Parameters
    ----------
    path : path
        The file.
    **options
        For `pandas.read_csv`. Only an empty cell is a missing value: a model may be called "NA".

    Raises
    ------
    StudyError
        A line is truncated or has a different number of cells than the header; the file has been renamed
        ``<path>.damaged``.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
        # A truncated number is still a number, so an incomplete last line is detected by its missing line
        # break.
        if not text.endswith("\n"):
            raise ValueError("its last line is truncated" if text else "it is empty")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        if any(len(row) != len(rows[0]) for row in rows):
            raise ValueError("its lines have different numbers of cells")
        return pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""], **options)
    except FileNotFoundError as error:
        raise _gone(path, error) from None
    except (ValueError, csv.Error) as error:  # includes those of pandas and of Unicode
        raise quarantine(path, str(error)) from error


def _of_machine(error: Exception) -> bool:
    """Whether an error is not about the file itself: a failing disk, no memory, too many open files."""
    return isinstance(error, MemoryError) or getattr(error, "errno", None) is not None


def _gone(path: str | os.PathLike, error: FileNotFoundError) -> Exception:
    """The error for a missing file: another job may just have found it damaged."""
    damaged = Path(f"{path}.damaged")
    if not damaged.exists():
        return error
    return StudyError(
        "The file was damaged, and another job that reads it has renamed it.",
        where=f"{path} (renamed {damaged.name})",
        fix="run the same snakemake command again: the file is rebuilt, and nothing else is lost",
    )


def quarantine(path: str | os.PathLike, reason: str) -> StudyError:
    """Rename a damaged file or folder and return the error to raise.

    Parameters
    ----------
    path : path
        The damaged file; it becomes ``<path>.damaged`` (replacing an earlier one).
    reason : str
        The problem, as reported by the reader.

    Returns
    -------
    StudyError
        For the caller to raise.
    """
    damaged = Path(f"{path}.damaged")
    if damaged.is_dir() and not damaged.is_symlink():
        shutil.rmtree(damaged)
    try:
        os.replace(path, damaged)
    except FileNotFoundError as error:
        # Two jobs may detect the same damage at the same time.
        found = _gone(path, error)
        if not isinstance(found, StudyError):
            raise
        return found
    why = reason.splitlines()[0].rstrip(".") if reason else "it cannot be read"
    return StudyError(
        f"The file is damaged: {why}.",
        where=f"{path} (renamed {damaged.name})",
        fix="run the same snakemake command again: the file is rebuilt, and nothing else is lost",
    )
