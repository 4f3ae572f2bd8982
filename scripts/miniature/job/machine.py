"""Errors of the machine (disk space, memory, permissions), described in words with a fix."""

import errno
import os
import re

from miniature.messages import StudyError

AGAIN = "then run the same snakemake command again: finished work is kept"
# Errors without an error number.
_GPU_MEMORY, _GPU_FAULT = "memory of the GPU", "fault of the GPU"
_REFUSED = {
    errno.ENOSPC: ("The disk is full.", f"make room there, {AGAIN}"),
    errno.EDQUOT: ("The disk quota is exhausted.", f"make room there, {AGAIN}"),
    errno.EFBIG: ("The file would exceed the allowed size.", f"ulimit -f unlimited, {AGAIN}"),
    errno.EROFS: ("The file system is read-only.", f"run where the results can be written, {AGAIN}"),
    errno.EACCES: ("Permission is denied.", f"get write permission (ls -ld shows the owner), {AGAIN}"),
    errno.EPERM: ("Permission is denied.", f"get write permission (ls -ld shows the owner), {AGAIN}"),
    errno.ENOMEM: ("There is not enough memory.", f"--set-resources <rule>:mem_mb=<more>, {AGAIN}"),
    errno.EMFILE: ("Too many files are open.", f"ulimit -n 4096, {AGAIN}"),
    errno.EIO: ("The disk reports an input/output error.", f"have it checked, {AGAIN}"),
    errno.ESTALE: ("The shared file system has lost the file.", f"wait until it is mounted, {AGAIN}"),
    _GPU_MEMORY: (
        "The GPU does not have enough memory.",
        "smaller batches in the study (training: {<task>: {batch_size: <fewer>}} or inference: "
        f"{{batch_tokens: <fewer>}}), or a larger GPU; {AGAIN}",
    ),
    _GPU_FAULT: ("The GPU or its driver reports an error.", f"check it with nvidia-smi, {AGAIN}"),
}
# Libraries not written in Python report the same errors in their own words.
_NUMBERED = re.compile(r"\(os error (\d+)\)")
_WORDS = {
    "PytorchStreamWriter failed": errno.ENOSPC,
    "not enough memory": errno.ENOMEM,
    "can't allocate memory": errno.ENOMEM,
    "CUDA out of memory": _GPU_MEMORY,
    "CUBLAS_STATUS_ALLOC_FAILED": _GPU_MEMORY,
    "CUDA error": _GPU_FAULT,
    "cannot allocate memory": errno.ENOMEM,
}


def describe_machine_error(error: BaseException) -> StudyError | None:
    """Describe an error of the machine; None if it is not one.

    Parameters
    ----------
    error : exception
        The exception that ended a job.

    Returns
    -------
    StudyError or None

    Examples
    --------
    >>> print(describe_machine_error(OSError(errno.ENOSPC, "No space left on device", "results/a.npy")))
    The disk is full.
      where: results/a.npy
      fix:   make room there, then run the same snakemake command again: finished work is kept
    >>> describe_machine_error(ValueError("of the study")) is None
    True
    """
    number = _number(error)
    if number not in _REFUSED:
        return None
    what, fix = _REFUSED[number]
    return StudyError(what, where=str(getattr(error, "filename", None) or error).split("\n")[0], fix=fix)


def _number(error: BaseException) -> int | str | None:
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if type(error).__name__ == "OutOfMemoryError":  # torch's class, without importing torch
        return _GPU_MEMORY
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    numbered = _NUMBERED.search(str(error))
    if numbered:
        return int(numbered[1])
    return next((number for words, number in _WORDS.items() if words in str(error)), None)


def python_without_blanks(executable: str, folder: str) -> str:
    """Path of Python that Snakemake can write into its jobs' commands, where it puts it in no quotes.

    Jobs start in the folder of the run, so that a path from there serves as well as a whole one.

    Raises
    ------
    StudyError
        Python itself lies, seen from the folder of the run, under a name with a blank.

    Examples
    --------
    >>> python_without_blanks("/my clone/.venv/bin/python", "/my clone")
    '.venv/bin/python'
    """
    if not any(c.isspace() for c in executable):
        return executable
    relative = os.path.relpath(executable, folder)
    if any(c.isspace() for c in relative):
        raise StudyError(
            f"Python lies in a folder whose name has a blank, so that no job can start it: {executable}.",
            where=folder,
            fix="make an environment in a folder without a blank: python3 -m venv ~/miniature-env",
        )
    return relative if os.sep in relative else os.path.join(".", relative)


def put_first_on_path(folder: str | os.PathLike) -> None:
    """Let jobs import from a folder before any installed copy of the library: they inherit the environment.

    Parameters
    ----------
    folder : path
    """
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [path for path in others if path and path != str(folder)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *kept])
