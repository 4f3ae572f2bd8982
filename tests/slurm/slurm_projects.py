"""Projects that run over a real SLURM, and what tests ask it."""

import os
import re
import subprocess
import sys
import time

import cluster

from projects import TINY, Project

PROFILE = "profiles/slurm/config.yaml"
# What the test cluster's owner would fill in; nothing else of the shipped profile is changed.
SITE = {"node_cpus": cluster.CPUS, "node_mem_mb": cluster.MEMORY_MB}
# Snakemake can wait for ever for a job that SLURM no longer knows: every run ends here at the latest.
LIMIT = 1200


class SlurmProject(Project):
    """A project whose runs go through the shipped profile to the test cluster."""

    def __init__(self, folder, site=SITE, limit=LIMIT):
        super().__init__(folder)
        self.limit = limit
        for name, value in site.items():
            self.set_site(name, value)

    def set_site(self, name, value):
        """Fill in one line of the profile's block for the site, as its user would."""
        # The block is the first in the file; limits of the same name follow.
        path = self.folder / PROFILE
        pattern = re.compile(rf"^(  {name}: )(\"\"|\d+)(?=\s|$)", flags=re.M)
        written = f'"{value}"' if isinstance(value, str) else str(value)
        text, count = pattern.subn(rf"\g<1>{written}", path.read_text(), count=1)
        assert count == 1, f"{PROFILE} has no line for {name}"
        path.write_text(text)

    def start(self, *words, configfile=TINY):
        """Start a run over SLURM in a process group of its own."""
        command = self.command(*words, "--workflow-profile", "profiles/slurm", configfile=configfile)
        self.log_path = self.folder / "head.log"
        with open(self.log_path, "w") as log:
            return subprocess.Popen(
                # INT makes Snakemake cancel its jobs; TERM would let it wait for them. Without --foreground
                # it would get a second INT with its process group, which ends it before it has cancelled.
                ["timeout", "--foreground", "--signal=INT", "--kill-after=30", str(self.limit), *command],
                cwd=self.folder, start_new_session=True, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"},
            )  # fmt: skip

    def start_in_a_job(self, minutes, configfile=TINY):
        """Start a run whose head process is a SLURM job itself, by the script that docs/slurm.md gives."""
        page = (self.folder / "docs/slurm.md").read_text()
        (self.folder / "run-study.sh").write_text(re.search(r"```bash\n(#!.*?)```", page, re.DOTALL).group(1))
        (self.folder / ".venv").symlink_to(sys.prefix)
        words = ("--parsable", f"--time={minutes}", f"--chdir={self.folder}")
        head = cluster.run("sbatch", *words, str(self.folder / "run-study.sh"), configfile).strip()
        self.log_path = self.folder / f"head-{head}.log"
        return head

    def submit(self, *words, configfile=TINY):
        """Run over SLURM to the end, successfully; the head process's output."""
        process = self.start(*words, configfile=configfile)
        assert process.wait() == 0, self.log()[-6000:]
        return self.log()

    def log(self):
        return self.log_path.read_text()

    def job_ids(self):
        """Ids of the SLURM jobs that the last run submitted."""
        return re.findall(r"has been submitted with SLURM jobid (\d+)", self.log())


def slurm_jobs():
    """Jobs that the controller remembers: id, comment, state, nodes, and what they asked for."""
    columns = ("id", "comment", "state", "node", "limit", "memory", "gpus", "gres", "cpus")
    fields = "jobid,comment,state,nodelist,timelimit,minmemory,tres-per-job,tres-per-node,numcpus"
    format_ = ",".join(f"{field}:120" for field in fields.split(","))
    listed = cluster.run("squeue", "--states=all", "--noheader", "--sort=i", f"--Format={format_}")
    return [
        dict(zip(columns, [line[120 * i : 120 * (i + 1)].strip() for i in range(len(columns))], strict=True))
        for line in listed.splitlines()
    ]


def job_of(comment, ids, state=None):
    """The last of these jobs with this comment (and state), or None."""
    found = [
        job for job in slurm_jobs()
        if job["id"] in ids and job["comment"] == comment and state in (None, job["state"])
    ]  # fmt: skip
    return found[-1] if found else None


def wait_for(what, get, process=None, seconds=240):
    """Wait until `get()` gives something true, and give it back."""
    end = time.monotonic() + seconds
    while True:
        found = get()
        if found:
            return found
        assert process is None or process.poll() is None, f"the run ended before: {what}"
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.1)
