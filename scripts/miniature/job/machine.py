"""What the machine refuses a job: room on the disk, memory, permission. Told in words, with what to do."""

import errno
import re

from miniature.messages import StudyError

AGAIN = "then run the same snakemake command again: finished work is kept"
# What has no error number.
_GPU_MEMORY, _GPU_FAULT = "memory of the GPU", "fault of the GPU"
_REFUSED = {
    errno.ENOSPC: ("The disk is full.", f"make room there, {AGAIN}"),
    errno.EDQUOT: ("The quota of the disk is used up.", f"make room there, {AGAIN}"),
    errno.EFBIG: ("The file would be larger than allowed.", f"ulimit -f unlimited, {AGAIN}"),
    errno.EROFS: ("The folder can only be read.", f"run where the results may be written, {AGAIN}"),
    errno.EACCES: ("Permission is denied.", f"give yourself the right (ls -ld shows whose it is), {AGAIN}"),
    errno.EPERM: ("Permission is denied.", f"give yourself the right (ls -ld shows whose it is), {AGAIN}"),
    errno.ENOMEM: ("There is not enough memory.", f"--set-resources <rule>:mem_mb=<more>, {AGAIN}"),
    errno.EMFILE: ("Too many files are open.", f"ulimit -n 4096, {AGAIN}"),
    errno.EIO: ("The disk does not answer as it should.", f"have it looked at, {AGAIN}"),
    errno.ESTALE: ("The shared file system has lost the file.", f"wait until it is mounted, {AGAIN}"),
    _GPU_MEMORY: (
        "The GPU has not enough memory.",
        "smaller batches in the study (training: {<task>: {batch_size: <fewer>}} or inference: "
        f"{{batch_tokens: <fewer>}}), or a larger GPU; {AGAIN}",
    ),
    _GPU_FAULT: ("The GPU or its driver reports a fault.", f"nvidia-smi says what state it is in; {AGAIN}"),
}
# Libraries that are not written in Python tell the same in their own words.
_NUMBERED = re.compile(r"\(os error (\d+)\)")
_WORDS = {
    "PytorchStreamWriter failed": errno.ENOSPC,
    "not enough memory": errno.ENOMEM,
    "can't allocate memory": errno.ENOMEM,
    "CUDA out of memory": _GPU_MEMORY,
    "CUDA error": _GPU_FAULT,
    "cannot allocate memory": errno.ENOMEM,
}


def explain(error: BaseException) -> StudyError | None:
    """Words for an error that is the machine's and not the study's; None where it is neither's.

    Parameters
    ----------
    error : exception
        Whatever ended a job.

    Returns
    -------
    StudyError or None

    Examples
    --------
    >>> print(explain(OSError(errno.ENOSPC, "No space left on device", "results/a.npy")))
    The disk is full.
      where: results/a.npy
      fix:   make room there, then run the same snakemake command again: finished work is kept
    >>> explain(ValueError("of the study")) is None
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
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported for this
        return _GPU_MEMORY
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    numbered = _NUMBERED.search(str(error))
    if numbered:
        return int(numbered[1])
    return next((number for words, number in _WORDS.items() if words in str(error)), None)
