"""A real SLURM on one machine, for the tests: four nodes, two of them with two GPUs that are not there.

    sudo python tests/slurm/cluster.py up      # Debian or Ubuntu; installs SLURM where it is missing
    python tests/slurm/cluster.py jobs         # jobs of the last two hours: rule, state, node, requests
    sudo python tests/slurm/cluster.py down    # stops what `up` started and removes what it wrote

It needs neither systemd nor cgroups and listens on the loopback interface only. Each node is a process
`slurmd -N` of its own on this machine. A SLURM that is already set up here is left alone: a configuration
that `up` did not write is an error. Standard library only, so that any Python can run it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

NODES = ("node1", "node2", "node3", "node4")
GPU_NODES, GPUS = NODES[2:], 2
CPUS, MEMORY_MB = 2, 10000
FIRST_PORT = 16800
PACKAGES = ("munge", "slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins")
STATE = Path("/var/tmp/miniature-slurm")
# The default place: the executor's job step drops SLURM_CONF from the environment before it calls srun.
CONFIG = Path("/etc/slurm")
MARK = "# Written by tests/slurm/cluster.py, which also removes it."


def main(words):
    commands = {"up": up, "down": down, "jobs": lambda: print(list_jobs())}
    if len(words) != 1 or words[0] not in commands:
        sys.exit(__doc__)
    if words[0] != "jobs" and os.geteuid() != 0:
        sys.exit(f"cluster.py: SLURM's daemons need root: sudo python tests/slurm/cluster.py {words[0]}")
    commands[words[0]]()


def up():
    """Start what is not running yet; return once a job has run on every node."""
    refuse_foreign_configuration()
    install()
    write_configuration()
    start_munge()
    if not alive(pid_of("slurmctld"), "slurmctld"):
        run("slurmctld", "-i")
    wait_until("the controller answers", lambda: "UP" in run("scontrol", "ping", check=False))
    for node in NODES:
        start_node(node)
    for node in NODES:
        ran_on = run("srun", "--quiet", "--time=1", f"--nodelist={node}", "printenv", "SLURMD_NODENAME")
        if ran_on.strip() != node:
            sys.exit(f"cluster.py: a job for {node} ran on {ran_on.strip()!r}; logs: {STATE}/log")
    print(run("sinfo", "--format=%9P %5D %8t %5c %8m %14G %N"), end="")


def down():
    """Cancel all jobs, stop the daemons by their process ids, and remove configuration and state."""
    if not (CONFIG / "slurm.conf").exists():
        return
    refuse_foreign_configuration()
    if alive(pid_of("slurmctld"), "slurmctld"):
        run("scancel", "--user", "root", check=False)
        # A step that outlives its slurmd would go on writing.
        wait_until("all jobs are gone", lambda: not run("squeue", "--noheader", check=False).strip())
    for node in NODES:
        stop(f"slurmd-{node}", "slurmd")
    stop("slurmctld", "slurmctld")
    if (STATE / "run/munged.pid").exists():
        stop("munged", "munged")
    for name in ("slurm.conf", "gres.conf", "cgroup.conf"):
        (CONFIG / name).unlink(missing_ok=True)
    shutil.rmtree(STATE, ignore_errors=True)


def list_jobs():
    """Jobs that the controller still remembers, as a table."""
    columns = "jobid:7,comment:58,state:11,nodelist:9,numcpus:5,minmemory:8,timelimit:12,"
    gpus = "tres-per-job:16,tres-per-node:16"
    return run("squeue", "--states=all", "--sort=i", f"--Format={columns}{gpus}")


def start_node(node):
    """Start a node's daemon, unless it runs, and wait until jobs can be placed on it."""
    if not alive(pid_of(f"slurmd-{node}"), "slurmd"):
        (STATE / f"spool-{node}").mkdir(exist_ok=True)
        run("slurmd", "-N", node)

    def usable():
        state = run("sinfo", "--noheader", "--Node", f"--nodes={node}", "--format=%T", check=False).split()
        return bool(state) and state[0] in ("idle", "mixed", "allocated")

    wait_until(f"{node} is usable", usable)


def kill_node(node):
    """Let a node die at once: its daemon, the jobs on it, and all that these have started."""
    jobs = run("squeue", "--noheader", f"--nodelist={node}", "--states=running", "--format=%i").split()
    doomed = [pid_of(f"slurmd-{node}")]
    for pid, command in processes().items():
        # SLURM's steps name themselves: slurmstepd: [12.batch]
        if any(command.startswith(f"slurmstepd: [{job}.") for job in jobs):
            doomed += [pid, *descendants(pid)]
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes():
    """Command line of every process, by process id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found[int(folder.name)] = (
                (folder / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
            )
    return found


def descendants(pid):
    """All processes below one, nearest first."""
    children = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found = list(children.get(pid, []))
    for child in found:
        found += children.get(child, [])
    return found


def refuse_foreign_configuration():
    path = CONFIG / "slurm.conf"
    if path.exists() and not path.read_text().startswith(MARK):
        sys.exit(f"cluster.py: {path} is not one of ours; this machine has a SLURM, which is left alone")


def install():
    """Install SLURM from the distribution, without letting the packages start anything."""
    known = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n", *PACKAGES],
        capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    missing = [name for name in PACKAGES if f"installed {name}" not in known]
    if not missing:
        return
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        run("apt-get", "update", "-qq")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, env=quiet)
    finally:
        if ours:
            policy.unlink()


def write_configuration():
    for folder in (CONFIG, STATE / "run", STATE / "log", STATE / "controller", STATE / "dev"):
        folder.mkdir(parents=True, exist_ok=True)
    (CONFIG / "slurm.conf").write_text(slurm_conf(socket.gethostname().split(".")[0]))
    (CONFIG / "cgroup.conf").write_text(f"{MARK}\nConstrainCores=no\nConstrainRAMSpace=no\n")
    devices = [STATE / f"dev/gpu{number}" for number in range(GPUS)]
    for device in devices:
        if not device.exists():
            # SLURM counts GPUs by their device files. Copies of /dev/null stand in for them.
            os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))
    gpus = "".join(
        f"NodeName={node} Name=gpu Type=fake File={STATE}/dev/gpu[0-{GPUS - 1}]\n" for node in GPU_NODES
    )
    (CONFIG / "gres.conf").write_text(f"{MARK}\nAutoDetect=off\n{gpus}")


def slurm_conf(host):
    """Text of slurm.conf: no cgroups, no accounts, short timers, all on the loopback interface."""
    gpus = dict.fromkeys(GPU_NODES, f" Gres=gpu:fake:{GPUS}")
    nodes = "".join(
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={FIRST_PORT + 1 + number} "
        f"CPUs={CPUS} RealMemory={MEMORY_MB}{gpus.get(node, '')} State=UNKNOWN\n"
        for number, node in enumerate(NODES)
    )
    return f"""{MARK}
ClusterName=miniature
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={FIRST_PORT}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={STATE}/controller
SlurmdSpoolDir={STATE}/spool-%n
SlurmctldPidFile={STATE}/run/slurmctld.pid
SlurmdPidFile={STATE}/run/slurmd-%n.pid
SlurmctldLogFile={STATE}/log/slurmctld.log
SlurmdLogFile={STATE}/log/slurmd-%n.log
# Nodes may name more processors and memory than the machine has.
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
PropagateResourceLimits=NONE
# Memory is looked at every second, and a job above its request is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
# The emptiest node first, so that few jobs use all nodes.
SelectTypeParameters=CR_CPU_Memory,CR_LLN
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=5
DefMemPerCPU=200
SlurmctldTimeout=30
SlurmdTimeout=30
KillWait=5
InactiveLimit=0
# How long squeue remembers a finished job. The profile needs 15 s.
MinJobAge=7200
ReturnToService=2
# The usual default, so that the tests see that the profile turns it off.
JobRequeue=1
GresTypes=gpu
{nodes}PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={",".join(GPU_NODES)} MaxTime=INFINITE State=UP
"""


def start_munge():
    """Start the daemon that SLURM's daemons prove themselves to one another with, unless one runs."""
    if subprocess.run(["munge", "-n"], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0:
        return
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        key.write_bytes(os.urandom(1024))
    shutil.chown(key, "munge", "munge")
    key.chmod(0o400)
    for folder, mode in (("/run/munge", 0o755), ("/var/log/munge", 0o700), ("/var/lib/munge", 0o700)):
        Path(folder).mkdir(exist_ok=True)
        shutil.chown(folder, "munge", "munge")
        Path(folder).chmod(mode)
    run("runuser", "-u", "munge", "--", "/usr/sbin/munged", "--pid-file=/run/munge/munged.pid")
    wait_until("munge answers", Path("/run/munge/munge.socket.2").exists)
    # Says to `down` that this one is ours.
    shutil.copy("/run/munge/munged.pid", STATE / "run/munged.pid")


def stop(name, program):
    pid = pid_of(name)
    if not alive(pid, program):
        return
    os.kill(pid, signal.SIGTERM)
    try:
        wait_until(f"{name} has ended", lambda: not alive(pid, program), seconds=20)
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)


def pid_of(name):
    path = STATE / f"run/{name}.pid"
    text = path.read_text().strip() if path.exists() else ""
    return int(text) if text else 0


def alive(pid, program):
    """Whether a process runs and is this program: a number alone may have been given to another one."""
    try:
        return pid > 0 and Path(f"/proc/{pid}/comm").read_text().strip() == program
    except OSError:
        return False


def wait_until(what, true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}; logs: {STATE}/log")
        time.sleep(0.2)


def run(*words, check=True, env=None):
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=env)
    if check and done.returncode != 0:
        sys.exit(f"cluster.py: {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
