"""Faults of the machine are told as such; they damage no file and fail no example."""

import errno

import numpy as np
import pandas as pd
import pytest

from miniature import files
from miniature.files import read_npy, read_parquet, write_npy, write_parquet
from miniature.job.machine import describe_machine_error
from miniature.messages import StudyError


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("name", ["a.parquet", "a.npy"])
def test_a_file_that_cannot_be_read_at_the_moment_keeps_its_name(tmp_path, monkeypatch, number, name):
    path = tmp_path / name
    write_parquet(pd.DataFrame({"id": ["a"]}), tmp_path / "a.parquet")
    write_npy(np.zeros(3), tmp_path / "a.npy")

    def refuse(*_, **__):
        raise OSError(number, "refused", str(path))

    monkeypatch.setattr(files.pq, "read_table", refuse)
    monkeypatch.setattr(files.np, "load", refuse)
    with pytest.raises(OSError, match="refused") as error:
        (read_parquet if name == "a.parquet" else read_npy)(path)
    assert path.is_file()
    assert not (tmp_path / f"{name}.damaged").exists()
    assert describe_machine_error(error.value).where == str(path)


@pytest.mark.parametrize("name", ["a.parquet", "a.npy"])
@pytest.mark.parametrize("kept", [0, 7, 100])
def test_a_file_that_was_cut_off_is_set_aside(tmp_path, name, kept):
    path = tmp_path / name
    write_parquet(pd.DataFrame({"id": list("abc") * 50}), tmp_path / "a.parquet")
    write_npy(np.zeros(300), tmp_path / "a.npy")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(StudyError, match="damaged"):
        (read_parquet if name == "a.parquet" else read_npy)(path)
    assert not path.exists()


def test_memory_of_the_gpu_is_not_the_hosts():
    import torch

    for error in (
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA out of memory."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ):
        told = describe_machine_error(error)
        assert "batch_size" in told.fix
        assert "mem_mb" not in told.fix
    assert "mem_mb" in describe_machine_error(RuntimeError("DefaultCPUAllocator: can't allocate memory")).fix
    assert (
        "GPU or its driver"
        in describe_machine_error(RuntimeError("CUDA error: an illegal memory access")).what
    )
    assert describe_machine_error(RuntimeError("shapes do not match")) is None


def test_a_gpu_computes_alike_every_time_and_without_tf32(monkeypatch):
    """The settings only: tests/unit/test_gpu.py runs models where there is a GPU."""
    import torch

    from miniature.job import compute

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(StudyError, match="torch finds none") as error:
        compute.prepare_device("cuda")
    assert error.value.fix == "device: cpu"
    compute.prepare_device("cpu")
    assert not torch.are_deterministic_algorithms_enabled()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(compute.os, "environ", {})
    torch.set_float32_matmul_precision("high")
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    try:
        compute.prepare_device("cuda")
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.get_float32_matmul_precision() == "highest"
        assert compute.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_float32_matmul_precision("highest")
