"""What it costs to run a model on this machine: operations, seconds and memory."""

import gc
import json
import math
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import PretrainedConfig

from miniature.job.compute import prepare_device
from miniature.models.checkpoints import COMPUTED_IN, HEAD_CLASSES, check_length, load_result, takes_segments
from miniature.models.folders import DERIVED
from miniature.models.windows import Windows, encode_classified, encode_questions

# A median of less than a second's work says more of the moment than of the model.
LEAST_SECONDS = 1.0


def measure_costs(
    folder: str | os.PathLike,
    table: pd.DataFrame,
    *,
    task: str,
    text_settings: Mapping,
    examples: int,
    batch_size: int,
    repeats: int,
    device: str,
) -> dict[str, object]:
    """Time a fine-tuned checkpoint on some texts, one by one and in batches.

    Parameters
    ----------
    folder : path
        Checkpoint made by the workflow.
    table : DataFrame
        A data table; texts are taken evenly over it.
    task : str
        ``question-answering`` or ``classification``.
    text_settings : mapping
        The ``question_answering:`` or ``classification:`` block. Of a question its first window counts.
    examples : int
        Texts, at most.
    batch_size : int
        Texts of a batch for the throughput; in order of length, so that little is padding.
    repeats : int
        Passes over all texts, at least, of which medians are taken; more where they take less than a second.
    device : str
        ``cpu`` or ``cuda``.

    Returns
    -------
    dict
        ``parameters`` and ``nonzero`` (of a graph before it was quantized; None where it was not made here),
        ``flops`` (of a text of median length, two for each multiplication and addition, zeros counted; by the
        configuration), ``latency_ms`` (median over all texts and passes) with its quartiles
        ``latency_low`` and ``latency_high``, ``throughput`` (texts in a second, median of the passes),
        ``latency_spread`` and ``throughput_spread`` (how far the medians of the earlier and of the later half
        of the passes lie apart, over the median), ``waited`` (share of the time in which the process had no
        processor, because others had it; None on a GPU), ``memory_mb`` (most that the process took beyond its
        libraries; on a GPU, of the GPU's memory), ``engine``, ``computed_in``, ``machine``, ``threads``,
        ``examples``, ``tokens`` (median),
        ``batch_size`` and ``touched``.

    Raises
    ------
    StudyError
        As `miniature.models.checkpoints.load_result`.
    """
    prepare_device(device)
    before = _resident_mb()
    model, tokenizer = load_result(folder, head=task)
    check_length(model, text_settings)
    rows = table.iloc[np.unique(np.linspace(0, len(table) - 1, examples).round().astype(int))]
    windows = encode(tokenizer, rows, task, text_settings)
    # A graph runs on the CPU, whatever the study says of models with weights.
    is_graph = hasattr(model, "graph")
    device = "cpu" if is_graph else device
    model.to(device).eval()
    run = _runner(model, windows, tokenizer.pad_token_id, device)
    singles = [np.array([index]) for index in range(len(windows))]
    order = np.argsort(windows.lengths, kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    with torch.inference_mode():
        alone, waited_alone = timed_passes(run, singles, repeats)  # [passes, texts]
        together, waited_together = timed_passes(run, batches, repeats)  # [passes, batches]
    rates = len(windows) / together.sum(axis=1)
    taken = _taken_mb(device, before)
    counted = derived_record(folder)
    if not is_graph:
        weights = list(model.parameters())
        counted |= {"parameters": sum(w.numel() for w in weights)}
        counted |= {"nonzero": sum(int(torch.count_nonzero(w)) for w in weights)}
    low, middle, high = 1000 * np.percentile(alone, [25, 50, 75])
    return {
        "parameters": counted.get("parameters"),
        "nonzero": counted.get("nonzero"),
        "flops": count_flops(model.config, head=task, tokens=int(np.median(windows.lengths))),
        "latency_ms": middle,
        "latency_low": low,
        "latency_high": high,
        "latency_spread": _spread(alone),
        "throughput": float(np.median(rates)),
        "throughput_spread": _spread(rates),
        # Who waits for a GPU has no processor either.
        "waited": max(waited_alone, waited_together) if device == "cpu" else None,
        "memory_mb": taken,
        "engine": "ONNX Runtime, each text alone" if is_graph else "PyTorch",
        "computed_in": "graph" if is_graph else getattr(model.config, COMPUTED_IN, None) or "fp32",
        "machine": machine(device),
        "threads": torch.get_num_threads(),
        "examples": len(windows),
        "tokens": float(np.median(windows.lengths)),
        "batch_size": batch_size,
        "touched": counted.get("touched"),
    }


def encode(tokenizer, table: pd.DataFrame, task: str, text_settings: Mapping) -> Windows:
    """One window for each row: the first of a question."""
    if task == "question-answering":
        windows = encode_questions(tokenizer, table, text_settings)
        first = np.diff(windows.example, prepend=-1) > 0
        return windows.select(first)
    return encode_classified(tokenizer, table, max_length=int(text_settings["max_length"]))


def timed_passes(
    run: Callable[[np.ndarray], float], groups: Sequence[np.ndarray], repeats: int
) -> tuple[np.ndarray, float]:
    """Seconds of every group in every pass, and the share of them in which others had the processor.

    The first pass does not count: memory is taken and kernels are chosen. A machine that is busy all the time
    gives medians that agree and are wrong; only the processor's own clock shows it.
    """
    first = sum(run(indices) for indices in groups)
    passes = max(repeats, math.ceil(LEAST_SECONDS / first))
    collected, wall, own = gc.isenabled(), time.perf_counter(), time.thread_time()
    gc.disable()
    try:
        seconds = np.array([[run(indices) for indices in groups] for _ in range(passes)])
    finally:
        if collected:
            gc.enable()
    return seconds, max(0.0, 1 - (time.thread_time() - own) / (time.perf_counter() - wall))


def _runner(model, windows: Windows, pad_token: int, device: str) -> Callable[[np.ndarray], float]:
    """A function that runs some windows and gives the seconds it took."""
    segments = takes_segments(model)

    def run(indices: np.ndarray) -> float:
        batch = {
            name: torch.from_numpy(array).to(device)
            for name, array in windows.batch(indices, pad_token=pad_token).items()
            if segments or name != "token_type_ids"
        }
        began = time.perf_counter()
        model(**batch)
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began

    return run


def count_flops(config: PretrainedConfig, *, head: str, tokens: int) -> int:
    """Floating-point operations of one text of so many tokens, by the shapes of a model's configuration.

    What quantization and zeros save is not counted: they are as many operations, in fewer bits or with zeros.
    """
    with torch.random.fork_rng(devices=[]):
        # Attention in plain operations, all of which the counter knows.
        model = HEAD_CLASSES[head].from_config(config, attn_implementation="eager").eval()
    ids = torch.zeros((1, tokens), dtype=torch.int64)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    return int(counter.get_total_flops())


def machine(device: str) -> str:
    """What the model ran on."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def derived_record(folder: str | os.PathLike) -> dict:
    """What was done to a model that was made from another; empty for others."""
    file = Path(folder) / DERIVED
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _spread(passes: np.ndarray) -> float:
    earlier, later = (np.median(half) for half in np.array_split(passes, 2))
    return float(abs(earlier - later) / np.median(passes))


def _taken_mb(device: str, before: float) -> float:
    """Most megabytes taken so far: on the GPU, or by this process beyond those that it had before."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return max(0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before)


def _resident_mb() -> float:
    """Megabytes of this process at the moment; what it took at most where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
