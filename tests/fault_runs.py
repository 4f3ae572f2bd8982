"""What tests of faults do again and again."""

import shutil

from projects import jobs_in


def take_away(project, name):
    """Take one result away, so that its job has something to do; give its path."""
    path = project.folder / name
    path.rename(project.folder / "taken-away")
    # The journal of an attack holds all that it found.
    shutil.rmtree(project.results / ".partial/attacks", ignore_errors=True)
    return path


def again(project, wanted, before):
    """Run the same command, see that the results are those of an undisturbed run, and name the jobs run."""
    done = project.run("--cores", "1", wanted)
    assert project.contents() == before
    return sorted(rule for rule, _ in jobs_in(done.stdout))


def is_locked(project):
    """Whether Snakemake would refuse to run."""
    return any((project.folder / ".snakemake" / "locks").glob("*"))


def hidden(folder):
    """Names of hidden files, which are those being written."""
    return sorted(path.name for path in folder.glob(".*") if path.name != ".snakemake_timestamp")
