"""On the path of a run, this harms it at an exact moment: when a job brings a file to the disk.

FAULT_FILE is a part of the file's path, FAULT_NTH counts its writes from 1, FAULT_DO says what happens.
"""

import os
import resource
import shutil
import signal
import time
from pathlib import Path

WANTED, ACTION = os.environ.get("FAULT_FILE"), os.environ.get("FAULT_DO")
left = int(os.environ.get("FAULT_NTH", "1"))


def snakemakes():
    """Process ids of the Snakemake above this job."""
    found, pid = [], os.getppid()
    while pid > 1:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"snakemake" in words:
            found.append(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def strike():
    """Do the harm."""
    if ACTION == "kill job":
        os.kill(os.getpid(), signal.SIGKILL)
    elif ACTION == "kill all":
        os.killpg(os.getpgrp(), signal.SIGKILL)
    elif ACTION == "kill snakemake":
        for pid in snakemakes():
            os.kill(pid, signal.SIGKILL)
    elif ACTION == "terminate snakemake":
        for pid in snakemakes():
            os.kill(pid, signal.SIGTERM)
    elif ACTION == "interrupt all":
        os.killpg(os.getpgrp(), signal.SIGINT)
    elif ACTION == "remove results":
        shutil.rmtree("results/tiny")
    elif ACTION == "no memory":
        resource.setrlimit(resource.RLIMIT_AS, (1, 1))
        bytearray(1 << 30)
    elif ACTION == "wait":
        Path("job-waits").touch()
        while not Path("job-may-go-on").exists():
            time.sleep(0.02)


def watched(fsync):
    """Strike after the file has been written and before it has its name."""

    def wrapper(descriptor):
        global left
        fsync(descriptor)
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if WANTED in os.readlink(f"/proc/self/fd/{number}"):
            left -= 1
            if left == 0:
                strike()

    return wrapper


if WANTED:
    os.fsync = watched(os.fsync)
