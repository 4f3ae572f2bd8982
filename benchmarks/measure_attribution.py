"""Integrated gradients of a whole table beside captum, example by example, and beside the passes needed.

    python benchmarks/measure_attribution.py --output docs/attribution-benchmark.md

All three run in one process, in turn, `--repeats` times. captum batches the steps of one example. The floor
is one forward and one backward pass for each text at each step, in full batches of equal length, with
gradients with respect to the embeddings only, nothing else. Answers are compared: every token's score.
"""

import argparse
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from miniature.attribution.decisions import Runner, decide_classes
from miniature.attribution.gradients import attribute_gradients, baseline_tokens
from miniature.models.checkpoints import load_result
from miniature.models.windows import encode_classified


def ours(runner, decisions, rows, options):
    """Scores of all tokens of every row."""
    found = attribute_gradients(runner, decisions, rows, method="integrated-gradients", **options)
    return {row: scores for row, scores, _, _ in found}


def by_captum(runner, decisions, rows, options):
    """The same by captum's LayerIntegratedGradients, one example at a time, its steps in batches."""
    from captum.attr import LayerIntegratedGradients

    windows, found = decisions.windows, {}

    def forward(ids, mask):
        return runner.model(input_ids=ids, attention_mask=mask).logits

    method = LayerIntegratedGradients(forward, runner.embedding)
    for row in rows:
        batch = runner.batch(windows, np.array([row]))
        base = baseline_tokens(
            windows, np.array([row]), replace=options["replace"], pad_token=runner.pad_token
        )
        scores = method.attribute(
            batch["input_ids"],
            baselines=torch.from_numpy(base),
            additional_forward_args=(batch["attention_mask"],),
            target=int(decisions.target[row, 0]),
            n_steps=options["steps"],
            method="gausslegendre",
            internal_batch_size=max(options["steps"], options["batch_tokens"] // int(windows.lengths[row])),
        )
        found[int(row)] = scores.sum(-1)[0].detach().numpy()
    return found


def passes(runner, decisions, rows, options):
    """As many forward and backward passes as the method needs, on the same batches, and nothing else."""
    windows = decisions.windows
    lengths = windows.lengths[rows]
    for length in np.unique(lengths):
        same, per_batch = rows[lengths == length], max(1, options["batch_tokens"] // int(length))
        repeated = np.repeat(same, options["steps"])
        for start in range(0, len(repeated), per_batch):
            batch = runner.batch(windows, repeated[start : start + per_batch])
            point = runner.embedding(batch.pop("input_ids")).detach().requires_grad_(True)
            torch.autograd.grad(runner.model(inputs_embeds=point, **batch).logits.sum(), point)


def main():
    """Measure and print, or write, the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="results/embedded/models/reviews/large")
    parser.add_argument("--table", default="results/embedded/data/reviews/test.parquet")
    parser.add_argument("--examples", type=int, default=60)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--max-length", type=int, default=96)
    parser.add_argument("--batch-tokens", type=int, default=8192)
    parser.add_argument("--output")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, tokenizer = load_result(arguments.model, head="classification")
    table = pd.read_parquet(arguments.table).head(arguments.examples)
    runner = Runner(model, device="cpu", pad_token=tokenizer.pad_token_id)
    windows = encode_classified(tokenizer, table, max_length=arguments.max_length)
    decisions = decide_classes(runner, windows, batch_tokens=arguments.batch_tokens)
    rows = np.arange(len(table))
    options = {
        "steps": arguments.steps, "replace": tokenizer.mask_token_id, "batch_tokens": arguments.batch_tokens,
    }  # fmt: skip
    seconds = {"ours": [], "captum": [], "passes": []}
    for _ in range(arguments.repeats):
        for name, run in (("ours", ours), ("captum", by_captum), ("passes", passes)):
            began = time.process_time()
            result = run(runner, decisions, rows, options)
            seconds[name].append(time.process_time() - began)
            if name == "ours":
                mine = result
            elif name == "captum":
                apart = max(np.abs(mine[r] - result[r]).max() / np.abs(result[r]).max() for r in result)
                if apart > 1e-5:
                    sys.exit(f"The scores differ by {apart:.1e} of the largest: nothing to compare.")
    ratios = {
        "captum / ours": [a / b for a, b in zip(seconds["captum"], seconds["ours"], strict=True)],
        "ours / passes": [a / b for a, b in zip(seconds["ours"], seconds["passes"], strict=True)],
    }
    lines = [
        "# Integrated gradients beside captum\n",
        f"`python benchmarks/measure_attribution.py` on {platform.processor() or platform.machine()}, "
        f"one thread, {len(table)} texts of {windows.lengths.mean():.0f} tokens on average, "
        f"{arguments.steps} steps, "
        f"{arguments.repeats} repeats in turn, processor time. Scores equal captum's to {apart:.0e} of an "
        "example's largest.\n",
        "| | median | min | max |",
        "| --- | --- | --- | --- |",
    ]
    for name, values in {**{f"{k}, s": v for k, v in seconds.items()}, **ratios}.items():
        lines.append(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} | {max(values):.2f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output:
        Path(arguments.output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
