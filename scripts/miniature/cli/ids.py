"""The ids of a split in the order of its data table, before there are predictions or embeddings to study."""

import argparse
import csv
import sys
from pathlib import Path

import yaml

from miniature.cli.check import split_table
from miniature.cli.main import study_file
from miniature.config.defaults import SCHEMA, load_schema
from miniature.config.lines import read_positions
from miniature.config.paths import expand_paths
from miniature.config.resolve import resolve_study, spell_out
from miniature.messages import StudyError


def run_ids(given: argparse.Namespace) -> int:
    """Print a csv with an id and an empty prediction for each row: what files made elsewhere must follow.

    The study may name files that are not there yet, since this is what they are made by.
    """
    path = study_file(given)
    if not path.is_file():
        raise StudyError(f"There is no study {path}.", where=str(path), fix="miniature ids <a study's file>")
    positions = read_positions([path])
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    spelled, _ = spell_out(content if isinstance(content, dict) else {}, [path])
    expanded, errors = expand_paths(spelled, positions)
    if errors:
        raise errors[0]
    config = resolve_study(expanded, load_schema(SCHEMA), positions).config
    datasets = config.get("datasets", {})
    name = given.dataset or next(iter(datasets), "")
    if name not in datasets or given.split not in datasets[name]["splits"]:
        raise StudyError(
            f"The study has no split '{given.split}' of '{name}'.",
            where=str(path),
            fix=f"miniature ids {path} --dataset {next(iter(datasets), '<name>')} --split test",
        )
    table = split_table(config, name, given.split)
    if table is None:
        raise StudyError(
            f"'{name}' is generated or fetched, so its rows are known once the workflow has built them.",
            where=str(path),
            fix=f"snakemake --cores 1 --configfile {path} -- "
            f"results/{config['study']}/data/{name}/{given.split}.parquet",
        )
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["id", "prediction"])
    writer.writerows([identifier, ""] for identifier in table["id"])
    return 0
