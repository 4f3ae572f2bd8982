"""Threads and device: properties of the study, because the order of additions changes the last bits."""

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


def prepare_device(device: str) -> None:
    """Check that there is a GPU if the study asks for one, and have it compute alike every time.

    A GPU has kernels that add in an order that varies from run to run, and others that round factors of
    float32 to 10 bits (TF32). Torch is told to use neither, as by transformers' `enable_full_determinism`.

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
    # Read by cuBLAS when it is first used: a workspace for each stream, or sums may vary.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    if not torch.cuda.is_available():
        raise StudyError(
            "The study asks for a GPU, but torch finds none.", where="compute: device", fix="device: cpu"
        )
    torch.use_deterministic_algorithms(True)
    # Memory that is written before it is read need not be filled.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_float32_matmul_precision("highest")
