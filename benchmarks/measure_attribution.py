"""Integrated gradients of a whole table beside captum, example by example, and beside the passes needed.

    python benchmarks/measure_attribution.py --output docs/attribution-benchmark.md
    python benchmarks/measure_attribution.py --device cuda --random 12x768 --joined 7 --max-length 512

All three run in one process, in turn, `--repeats` times. captum batches the steps of one example. The floor
is one forward and one backward pass for each text at each step, in full batches, with gradients with respect
to the embeddings only, nothing else: on a CPU of equal length, on a GPU padded. Answers are compared: every
token's score.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import BertConfig, BertForSequenceClassification

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from miniature.attribution.decisions import Runner, decide_classes
from miniature.attribution.gradients import attribute_gradients, baseline_tokens
from miniature.inference.batches import token_budget_batches
from miniature.inference.costs import machine
from miniature.job.compute import prepare_device
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
            baselines=torch.from_numpy(base).to(runner.device),
            additional_forward_args=(batch["attention_mask"],),
            target=int(decisions.target[row, 0]),
            n_steps=options["steps"],
            method="gausslegendre",
            internal_batch_size=max(options["steps"], options["batch_tokens"] // int(windows.lengths[row])),
        )
        found[int(row)] = scores.sum(-1)[0].detach().cpu().numpy()
    return found


def passes(runner, decisions, rows, options):
    """As many forward and backward passes as the method needs, in full batches, and nothing else."""
    windows = decisions.windows
    repeated = np.repeat(rows, options["steps"])
    lengths = windows.lengths[repeated]
    groups = [repeated] if runner.device == "cuda" else [repeated[lengths == n] for n in np.unique(lengths)]
    for group in groups:
        for places in token_budget_batches(windows.lengths[group], options["batch_tokens"]):
            batch = runner.batch(windows, group[places])
            point = runner.embedding(batch.pop("input_ids")).detach().requires_grad_(True)
            torch.autograd.grad(runner.model(inputs_embeds=point, **batch).logits.sum(), point)


def load_model(arguments):
    """Model and tokenizer; with `--random`, new weights of another shape for the same tokenizer."""
    model, tokenizer = load_result(arguments.model, head="classification")
    if arguments.random:
        layers, hidden = map(int, arguments.random.split("x"))
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(tokenizer), num_hidden_layers=layers, hidden_size=hidden,
            num_attention_heads=hidden // 64, intermediate_size=4 * hidden, initializer_range=0.05,
        )  # fmt: skip
        model = BertForSequenceClassification(config).eval()
    return model, tokenizer


def read_texts(arguments):
    """Texts of the table; with `--joined`, so many of them one after another as one."""
    table = pd.read_parquet(arguments.table)
    joined = arguments.joined
    texts = [" ".join(table["text"][i * joined : (i + 1) * joined]) for i in range(arguments.examples)]
    return table.head(arguments.examples).assign(text=texts)


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
    parser.add_argument("--output", type=Path)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--random", help="random weights of this shape, as 12x768")
    parser.add_argument("--joined", type=int, default=1, help="texts of the table that make one")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="of an example's largest score")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    prepare_device(arguments.device)
    now = clock(arguments.device)
    model, tokenizer = load_model(arguments)
    table = read_texts(arguments)
    runner = Runner(model, device=arguments.device, pad_token=tokenizer.pad_token_id)
    windows = encode_classified(tokenizer, table, max_length=arguments.max_length)
    decisions = decide_classes(runner, windows, batch_tokens=arguments.batch_tokens)
    rows = np.arange(len(table))
    options = {
        "steps": arguments.steps, "replace": tokenizer.mask_token_id, "batch_tokens": arguments.batch_tokens,
    }  # fmt: skip
    seconds = {"ours": [], "captum": [], "passes": []}
    for repeat in range(-1, arguments.repeats):
        for name, run in (("ours", ours), ("captum", by_captum), ("passes", passes)):
            began = now()
            result = run(runner, decisions, rows, options)
            # The first turn warms up.
            if repeat >= 0:
                seconds[name].append(now() - began)
            if name == "ours":
                mine = result
            elif name == "captum":
                apart = max(np.abs(mine[r] - result[r]).max() / np.abs(result[r]).max() for r in result)
                if apart > arguments.tolerance:
                    sys.exit(f"The scores differ by {apart:.1e} of the largest: nothing to compare.")
    ratios = {
        "captum / ours": [a / b for a, b in zip(seconds["captum"], seconds["ours"], strict=True)],
        "ours / passes": [a / b for a, b in zip(seconds["ours"], seconds["passes"], strict=True)],
    }
    kind = "time" if arguments.device == "cuda" else "processor time of one thread"
    shape = f"{model.config.num_hidden_layers} layers x {model.config.hidden_size}"
    lines = [
        "# Integrated gradients beside captum\n",
        f"`python benchmarks/measure_attribution.py` on {machine(arguments.device)}: {shape}, "
        f"{len(table)} texts of {windows.lengths.mean():.0f} tokens on average, {arguments.steps} steps, "
        f"batches of {arguments.batch_tokens:,} tokens, {arguments.repeats} repeats in turn, {kind}. "
        f"Scores equal captum's to {apart:.0e} of an example's largest.\n",
        "| | median | min | max |",
        "| --- | --- | --- | --- |",
    ]
    for name, values in {**{f"{k}, s": v for k, v in seconds.items()}, **ratios}.items():
        lines.append(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} | {max(values):.2f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")


def clock(device):
    """Processor time on a CPU; on a GPU, which works by itself, time."""
    if device == "cpu":
        return time.process_time

    def now():
        torch.cuda.synchronize()
        return time.perf_counter()

    return now


if __name__ == "__main__":
    main()
