"""Numerical threads: a property of the study, because the order of additions changes the last bits."""

import os
import sys

from miniature.messages import StudyError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def set_threads(threads: int) -> None:
    """Set the number of numerical threads of this process, regardless of what the scheduler exported.

    Parameters
    ----------
    threads : int
        ``compute.threads`` of the study. Applies to libraries imported before or after the call.
    """
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    # Rust tokenizers size their own thread pool; parallel tokenization never changes a result but
    # oversubscribes.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(limits=threads)


def check_device(device: str) -> None:
    """Check that there is a GPU if the study asks for one.

    Parameters
    ----------
    device : str
        ``cpu`` or ``cuda``: ``compute.device`` of the study.

    Raises
    ------
    StudyError
        There is none.
    """
    if device != "cuda":
        return
    import torch

    if not torch.cuda.is_available():
        raise StudyError(
            "The study asks for a GPU, but torch finds none.", where="compute: device", fix="device: cpu"
        )
