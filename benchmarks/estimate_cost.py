"""What a study will cost, rule by rule: an estimate from a measured throughput, before anything is run.

python benchmarks/measure_throughput.py --out throughput.json
python benchmarks/estimate_cost.py config/paper.yaml benchmarks/paper-sizes.yaml throughput.json
"""

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).parent))

from measure_throughput import encoder_flops

from miniature.config import plan, replicates
from miniature.messages import StudyError
from miniature.statistics.halves import ranking_length

MEGA = 1e6
FLOAT = 4  # bytes
# Weights, gradients and the two moments of AdamW.
TRAINING_COPIES = 4
# Bytes of activations kept for the backward pass in fp32: for each token, layer and unit of width, and
# for each attention head, token and token attended to. Twice the figures of Korthikanti et al. (2022) for
# fp16.
ACTIVATION_BYTES, ATTENTION_BYTES = 68, 10
HEAD_WIDTH = 64
INTRODUCTION = (
    "**An estimate, made before anything was run**, by `benchmarks/estimate_cost.py` from the operations "
    "that each job needs and a measured throughput. Expect to be within a factor of two or three, not nearer."
)
GPU_NOTE = (
    "**GPU hours are assumed, not measured**: no GPU was at hand, and {:g} TFLOP/s sustained is a guess. "
    "Measure yours with `benchmarks/measure_throughput.py --device cuda` and make this table anew."
)
# What any job with torch holds before it has loaded anything.
BASE_MEGABYTES = 900


@dataclass
class Job:
    """One job's estimate: operations of each kind, megabytes of memory and of what it leaves on the disk."""

    rule: str
    training: float = 0.0
    inference: float = 0.0
    matrix: float = 0.0
    memory: float = BASE_MEGABYTES
    disk: float = 0.0

    def hours(self, speed: dict) -> float:
        """Hours at the measured speeds."""
        seconds = sum(
            getattr(self, kind) / speed[f"{kind}_flops_per_second"]
            for kind in ("training", "inference", "matrix")
        )
        return seconds / 3600


class Study:
    """A study with the sizes that its cost depends on."""

    def __init__(self, config: dict, sizes: dict):
        self.config, self.sizes = replicates.expand_replicates(config), sizes
        self.models = plan.model_names(self.config)

    def shape(self, entry: dict) -> dict:
        """Shape of a model entry."""
        source = entry.get("hub", entry.get("path"))
        if "architecture" in entry:
            return {"parameters": 0.0, **entry["architecture"]}
        if source not in self.sizes["shapes"]:
            raise StudyError(
                f"The sizes have no shape of {source}.",
                where="shapes",
                fix=f"{source}: {{layers: 12, hidden: 768, intermediate: 3072, parameters: 109.5}}",
            )
        return self.sizes["shapes"][source]

    def data(self, dataset: str) -> dict:
        """Sizes of a dataset."""
        if dataset not in self.sizes["datasets"]:
            raise StudyError(
                f"The sizes have no dataset {dataset}.", where="datasets", fix=f"{dataset}: {{...}}"
            )
        return self.sizes["datasets"][dataset]

    def examples(self, dataset: str, split: str) -> int:
        """Examples of a split, as the study asks for them."""
        if split == "bank":
            return self.config["characteristics"]["distribution"]["bank_examples"]
        asked = self.config["datasets"][dataset]["splits"][split]["examples"]
        return asked if isinstance(asked, int) else self.data(dataset)["examples"][split]

    def forward(self, shape: dict, dataset: str, examples: float, padding: float = 1.0) -> float:
        """Operations of one pass over some examples."""
        data = self.data(dataset)
        tokens = examples * data["windows"] * data["tokens"] * padding
        per_token = encoder_flops(
            shape["layers"], shape["hidden"], shape["intermediate"], data["tokens"] * padding
        )
        return tokens * per_token

    def jobs(self) -> list[Job]:
        """Every job that costs anything."""
        found = [*self._retrieval(), *self._models()]
        if plan.enabled(self.config, "vulnerability"):
            found += self._attacks()
        return found

    def _retrieval(self) -> list[Job]:
        entries = [*self.config["models"].values(), *self.config.get("masked_lms", {}).values()]
        hubs = {entry["hub"]: entry for entry in entries if "hub" in entry}
        models = [
            Job("retrieve_model", memory=200, disk=self.shape(e)["parameters"] * FLOAT) for e in hubs.values()
        ]
        data = [
            Job("retrieve_dataset", memory=200, disk=self.data(name)["megabytes"])
            for name, entry in self.config["datasets"].items()
            if "hub" in entry
        ]
        return models + data

    def _models(self) -> list[Job]:
        found = []
        for name in self.models:
            shape = self.shape(self.config["models"][name])
            weights = shape["parameters"] * FLOAT
            for task in plan.all_tasks(self.config):
                found.append(self._training(name, task, shape, weights))
            found += self._runs(shape, weights)
        if replicates.control_model(self.config):
            shape = self.shape(self.config["models"][self.config["reference"]])
            found += self._runs(shape, shape["parameters"] * FLOAT)
        return found

    def _runs(self, shape: dict, weights: float) -> list[Job]:
        """Inference of one model on everything, and what is made of its embeddings."""
        return [
            self._prediction(shape, weights, dataset, self.examples(dataset, split))
            for task in plan.all_tasks(self.config)
            for dataset, split in self._splits(task)
        ] + self._neighbors(shape)

    def _training(self, name: str, task: str, shape: dict, weights: float) -> Job:
        settings, data = plan.training_settings(self.config, task, name), self.data(task)
        forward = self.forward(shape, task, self.examples(task, "train"), data["padding"])
        longest = plan.text_settings(self.config, task)["max_length"]
        per_token = shape["layers"] * (
            ACTIVATION_BYTES * shape["hidden"] + ATTENTION_BYTES * longest * shape["hidden"] / HEAD_WIDTH
        )
        activations = settings["batch_size"] * longest * per_token / MEGA
        return Job(
            "finetune_model",
            training=3 * forward * settings["epochs"],
            memory=BASE_MEGABYTES + TRAINING_COPIES * weights + activations,
            disk=weights,
        )

    def _prediction(self, shape: dict, weights: float, dataset: str, examples: int) -> Job:
        vectors = examples * shape["hidden"] * FLOAT / MEGA
        return Job(
            "predict_split",
            inference=self.forward(shape, dataset, examples),
            memory=BASE_MEGABYTES + 2 * weights + vectors,
            disk=vectors,
        )

    def _splits(self, task: str) -> list[tuple[str, str]]:
        splits = [(task, "test")]
        others = self.config["characteristics"]["distribution"]["tasks"]
        if task in plan.tasks_of(self.config, "distribution"):
            splits += [(task, "bank"), (task, "calibration"), *((other, "test") for other in others[task])]
        return splits

    def _neighbors(self, shape: dict) -> list[Job]:
        found = []
        for task in plan.tasks_of(self.config, "representation"):
            n = self.examples(task, "test")
            k_max = self.config["characteristics"]["representation"]["k_max"]
            kept = n * (k_max + ranking_length(k_max, n)) * FLOAT / MEGA
            found.append(Job("find_neighbors", matrix=2 * n * n * shape["hidden"], disk=kept))
        for task, other in plan.pairs_of(self.config, "distribution"):
            bank = self.examples(task, "bank")
            asked = [(task, "calibration"), (task, "test"), (other, "test")]
            rows = sum(self.examples(dataset, split) for dataset, split in asked)
            vectors = (bank + rows) * shape["hidden"] * FLOAT / MEGA
            found.append(
                Job(
                    "detect_ood",
                    matrix=2 * bank * rows * shape["hidden"],
                    memory=BASE_MEGABYTES + 2 * vectors,
                )
            )
        return found

    def _attacks(self) -> list[Job]:
        block, assumed = self.config["characteristics"]["vulnerability"], self.sizes["attack"]
        found = []
        for task, recipe in plan.pairs_of(self.config, "vulnerability"):
            guesses = parameters = 0
            masked_lm = plan.attack_recipe(self.config, recipe).get("masked_lm")
            if masked_lm is not None:
                shape = self.shape(self.config["masked_lms"][masked_lm])
                guesses = self.forward(shape, task, block["examples"] * assumed["masked_lm_passes"])
                parameters = shape["parameters"]
            for name in self.models:
                shape = self.shape(self.config["models"][name])
                queries = self.forward(shape, task, block["examples"] * assumed["queries"])
                memory = BASE_MEGABYTES + 2 * FLOAT * (shape["parameters"] + parameters)
                found.append(Job("attack_model", inference=queries + guesses, memory=memory))
        return found


def cost_table(jobs: list[Job], speed: dict, gpu_tflops: float | None) -> list[dict]:
    """One row for each rule, in the order of the jobs, and the total."""
    groups: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        groups[job.rule].append(job)
    groups["total"] = jobs
    rows = []
    for rule, members in groups.items():
        row = {
            "rule": rule,
            "jobs": len(members),
            "hours": sum(job.hours(speed) for job in members),
            "longest job, hours": max(job.hours(speed) for job in members),
            "memory of the largest, GB": max(job.memory for job in members) / 1000,
            "disk, GB": sum(job.disk for job in members) / 1000,
        }
        if gpu_tflops:
            row["GPU hours"] = sum(job.training + job.inference for job in members) / (gpu_tflops * 3.6e15)
        rows.append(row)
    return rows


def as_markdown(rows: list[dict], config: dict, sizes: dict, speed: dict, gpu_tflops: float | None) -> str:
    """The table with what it rests on."""
    heads = list(rows[0])
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    lines += [f"| {' | '.join(_cell(row[head]) for head in heads)} |" for row in rows]
    shape = speed["measured_shape"]
    rates = ", ".join(
        f"{speed[f'{kind}_flops_per_second'] / 1e9:,.0f} GFLOP/s {kind}"
        for kind in ("training", "inference", "matrix")
    )
    size = f"{shape['layers']} layers x {shape['hidden']}"
    batch = f"batches of {shape['batch']} x {shape['length']} tokens"
    notes = [
        f"**Hours** are those of the machine measured: {speed['machine']}, {speed['device']}, "
        f"{speed['threads']} thread(s), {speed['precision']}; {rates}; with random weights ({size}, {batch}) "
        f"while the load average was {speed['load_average']}. Larger shapes are scaled by operations.",
        "**Memory** of training counts weights, gradients, AdamW's moments and the activations of a full "
        "batch at full length, and lies on the device that trains. Attention that torch fuses takes less.",
        "**Disk** is what stays. A training keeps checkpoints of about three times its weights as it runs.",
        "Rules that take seconds (data tables, errors, comparisons, tables, figure) are left out.",
        *(f"{name}: {data['basis']}." for name, data in sizes["datasets"].items()),
        f"attacks: {sizes['attack']['basis']}.",
    ]
    if gpu_tflops:
        notes.insert(1, GPU_NOTE.format(gpu_tflops))
    listed = "".join(f"- {note}\n" for note in notes)
    return f"# What `{config['study']}` costs\n\n{INTRODUCTION}\n\n" + "\n".join(lines) + f"\n\n{listed}"


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 0.1 else f"{value:.1f}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("sizes", type=Path)
    parser.add_argument("throughput", type=Path, help="from measure_throughput.py")
    parser.add_argument(
        "--assume-gpu-tflops", type=float, help="adds a column of hours on such a GPU, not measured"
    )
    options = parser.parse_args()
    config, sizes = (
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in (options.study, options.sizes)
    )
    speed = json.loads(options.throughput.read_text(encoding="utf-8"))
    try:
        rows = cost_table(Study(config, sizes).jobs(), speed, options.assume_gpu_tflops)
    except StudyError as error:
        sys.exit(str(error))
    print(as_markdown(rows, config, sizes, speed, options.assume_gpu_tflops), end="")


if __name__ == "__main__":
    main()
