"""Damaged results: whoever reads one notices and renames it, and the next run builds it again."""

import pytest

from projects import jobs_in

pytestmark = pytest.mark.workflow


def halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


# Kind of damage -> what is damaged, how, and the rule whose job reads it first.
RESULTS = {
    "a truncated parquet file": {
        "predictions/encyclopedia/encyclopedia/test/large.parquet": (halve, "find_errors"),
        "ood/encyclopedia/news/small.parquet": (halve, "compare_distribution"),
    },
    "a truncated npy file": {
        "embeddings/encyclopedia/encyclopedia/test/pupil.npy": (halve, "find_neighbors"),
        "neighbors/encyclopedia/encyclopedia/test/small.npy": (halve, "compare_representation"),
    },
    "an empty file, as after a power cut": {
        "errors/reviews/reviews/test/pupil.parquet": (empty, "compare_errors"),
    },
    "a truncated csv table": {
        "agreement/vulnerability.csv": (halve, "score_models"),
        "attacks/reviews/bert-attack/transfer.csv": (halve, "plot_transfer"),
    },
}
CHECKPOINTS = {
    "a truncated parquet file of data": {"data/reviews/test.parquet": (halve, "predict_split")},
    "a checkpoint with half of its weights": {
        "models/encyclopedia/small": (lambda folder: halve(folder / "model.safetensors"), "predict_split")
    },
    "a checkpoint without its tokenizer": {
        "models/encyclopedia/pupil": (lambda folder: (folder / "tokenizer.json").unlink(), "predict_split")
    },
}
ROUNDS = {
    "results": (RESULTS, ["results/tiny/scorecard.csv", "results/tiny/figures/transfer.csv"]),
    "checkpoints": (
        CHECKPOINTS,
        [
            "results/tiny/predictions/reviews/reviews/test/small.parquet",
            "results/tiny/predictions/encyclopedia/news/test/small.parquet",
            "results/tiny/predictions/encyclopedia/news/test/pupil.parquet",
        ],
    ),
}


def rebuilt(jobs, name):
    """Rule whose job built a result again."""
    rules = {"predictions": "predict_split", "embeddings": "predict_split", "errors": "find_errors",
             "neighbors": "find_neighbors", "ood": "detect_ood", "agreement": "join_agreement",
             "attacks": "transfer_attacks",
             "data": "build_data", "models": "finetune_model"}  # fmt: skip
    rule = rules[name.partition("/")[0]]
    assert rule in jobs, name
    return rule


@pytest.mark.fault
@pytest.mark.parametrize("name", ROUNDS)
def test_damage_is_noticed_and_rebuilt(project, table_row, name):
    kinds, targets = ROUNDS[name]
    before = project.contents()
    damaged = {path: (how, reader) for paths in kinds.values() for path, (how, reader) in paths.items()}
    for path, (how, _) in damaged.items():
        how(project.results / path)
    if name == "checkpoints":
        # A change inside a folder is no newer folder: only a job that has to run reads it.
        for target in targets:
            (project.folder / target).unlink()
    # A file that is asked for is built; one that lies between others is not, while those are newer.
    targets = [*targets, *(f"results/tiny/{path}" for path in damaged)]
    output = ""
    # A job that reads a damaged file has to wait until the files it needs besides are whole again.
    for _ in range(5):
        done = project.run("--cores", "2", *targets, check=False)
        output += done.stdout
        if done.returncode == 0:
            break
        assert "The file is damaged" in done.stdout
        assert "The job failed." not in done.stdout
        assert "Traceback" not in done.stdout
    assert done.returncode == 0
    after = project.contents()
    assert {file: after.get(file) for file in before} == before
    # Nothing is left besides, but what was set aside.
    assert {file.partition(".damaged")[0] for file in set(after) - set(before)} == set(damaged)
    jobs = {rule for rule, _ in jobs_in(output)}
    for kind, paths in kinds.items():
        for path, (_, reader) in paths.items():
            assert f"results/tiny/{path} (renamed {path.rpartition('/')[2]}.damaged)" in output
            assert reader in jobs
        first = next(iter(paths))
        told = ", ".join(sorted({reader for _, reader in paths.values()}))
        built = ", ".join(dict.fromkeys(rebuilt(jobs, path) for path in paths))
        left = f"{first.rpartition('/')[2]}.damaged" + (" and the like" if len(paths) > 1 else "")
        table_row(kind, f"noticed by {told}, renamed", left, f"{built}, and what reads it")


@pytest.mark.fault
def test_result_is_deleted_by_hand(project, table_row):
    before = project.contents()
    (project.results / "agreement/errors.csv").unlink()
    done = project.run("--cores", "1", "errors")
    assert project.contents() == before
    jobs = sorted(rule for rule, _ in jobs_in(done.stdout))
    assert jobs == ["errors", "join_agreement"]
    table_row("a result deleted by hand", "it is missed", "everything else", "join_agreement")
