"""The attack engine beside an attack put together from stock TextAttack: same results? how much faster?

    python benchmarks/attack/measure_attack.py --folder /somewhere --part identity
    python benchmarks/attack/measure_attack.py --folder /somewhere --part short
    python benchmarks/attack/measure_attack.py --folder /somewhere --part long
    python benchmarks/attack/measure_attack.py --folder /somewhere --part memory
    python benchmarks/attack/measure_attack.py --folder /somewhere --output docs/attack-benchmark.md

The first run trains the models, on generated reviews. Every measurement is kept in the folder, so that a run
cut short goes on where it was; the last command prints all of them as tables. Times are processor time of
one thread, stock and engine in turn in one process, so that another program on the machine hardly changes a
ratio.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "scripts")]

import subjects  # noqa: E402
from report import write_report  # noqa: E402
from stock import stock_attack, stock_row  # noqa: E402

from miniature.attack.recipe import spell_recipe  # noqa: E402
from miniature.job.compute import prepare_device  # noqa: E402

# Words of a text, lowest and highest; texts per victim; what stock pads to, at least the longest's tokens.
BANDS = {"10-30": (10, 30, 30, 64), "31-100": (31, 100, 26, 192), "101-300": (101, 300, 18, 512)}
# Even texts are attacked with many candidates and changes, odd ones with few: some give way and some hold.
IDENTITY_RECIPES = (
    {"max_candidates": 8, "max_words_changed": 0.4, "query_budget": 260},
    {"max_candidates": 3, "max_words_changed": 0.05, "query_budget": 260},
)
SHORT_TEXTS, SHORT_REPEATS = 24, 5
# Texts to draw from; most queries, and how many texts are to be attacked with so many. The first budget is
# spent on the importance of the words, the second leaves some queries to swap words with.
LONG_TEXTS, LONG_BUDGETS = 40, {130: 10, 200: 2}


def main() -> None:
    """Measure what is asked for, or report what has been measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="models and measurements")
    parser.add_argument("--part", nargs="+", choices=[*PARTS], help="what to measure")
    parser.add_argument("--victim", choices=[*subjects.VICTIMS], help="identity: this victim only")
    parser.add_argument("--output", type=Path, help="write the tables to this file")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.part:
        import torch

        torch.set_num_threads(1)
        prepare_device(options.device)
        for part in options.part:
            PARTS[part](options)
    text = write_report(options.folder)
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")


def recipe_of(**changes) -> dict:
    """A full recipe of the preset textattack-8."""
    given = {"preset": "textattack-8", "masked_lm": "benchmark", **changes}
    return spell_recipe(given)


def load(folder: Path, name: str, device: str) -> tuple:
    """Model and tokenizer of a victim, or of the masked LM."""
    from miniature.models.checkpoints import load_checkpoint

    if name == "masked-lm":
        return load_checkpoint(subjects.prepare_masked_lm(folder, device), head="masked-lm")
    return load_checkpoint(subjects.prepare_victim(folder, name, device), head="classification")


def engine_of(folder: Path, name: str, recipe: dict, device: str = "cpu"):
    """The engine for a victim."""
    from miniature.attack.search.engine import Engine
    from miniature.attack.search.parts import Helpers

    return Engine(
        *load(folder, name, device),
        Helpers(masked_lm=load(folder, "masked-lm", device)),
        recipe,
        labels=subjects.LABELS,
        max_length=subjects.LONGEST,
        device=device,
    )


def stock_of(folder: Path, name: str, recipe: dict, padded_to: int, device: str = "cpu"):
    """The stock attack on a victim; its wrapper pads every text to `padded_to` tokens."""
    victim, tokenizer = load(folder, name, device)
    tokenizer.model_max_length = padded_to
    masked_lm, masked_lm_tokenizer = load(folder, "masked-lm", device)
    return stock_attack(victim, tokenizer, masked_lm, masked_lm_tokenizer, recipe, device)


def clock(device: str) -> Callable[[], float]:
    """Processor time on a CPU; on a GPU, which works by itself, time."""
    if device == "cpu":
        return time.process_time
    import torch

    def now() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return now


def compare(stock: tuple, row: dict) -> dict:
    """One example's two results side by side."""
    outcome, text, queries = stock
    ours = "failure" if row["outcome"] == "query_budget" else row["outcome"]
    return {
        "outcome": outcome,
        "queries": queries,
        "same_outcome": ours == outcome,
        "same_text": row["perturbed_text"] == text,
        "same_queries": row["queries"] == queries,
    }


def measure_identity(options: argparse.Namespace) -> None:
    """Attack texts of all lengths with both, for victims of three sizes."""
    test = subjects.reviews("test", 400)
    for name in [options.victim] if options.victim else ["2x128", "4x256", "6x384"]:
        for band, (low, high, count, padded_to) in BANDS.items():
            texts = subjects.joined(test, count, low, high)
            for number, changes in enumerate(IDENTITY_RECIPES):
                done = {(r["victim"], r["id"]) for r in records(options.folder, "identity", "cpu")}
                some = texts.iloc[number::2]
                some = some[[(name, id) not in done for id in some["id"]]]
                if some.empty:
                    continue
                recipe = recipe_of(**changes, max_masked_lm_length=padded_to)
                engine = engine_of(options.folder, name, recipe)
                rows = {
                    row["id"]: row
                    for row in engine.attack_examples(some[["id", "text", "label"]].itertuples(index=False))
                }
                attack = stock_of(options.folder, name, recipe, padded_to)
                for id, text, label in some[["id", "text", "label"]].itertuples(index=False):
                    result = stock_row(attack, text, subjects.LABELS.index(label))
                    same = compare(result, rows[id])
                    keep(options.folder, "identity", {"victim": name, "band": band, "id": id, **same})


def measure_short(options: argparse.Namespace) -> None:
    """Short texts against the smallest victim, many together, in turn with stock."""
    texts = subjects.joined(subjects.reviews("test", 400), SHORT_TEXTS, 8, 30)
    examples = list(texts[["id", "text", "label"]].itertuples(index=False, name=None))
    recipe = recipe_of()
    attack = stock_of(options.folder, "2x128", recipe, subjects.LONGEST, options.device)
    now = clock(options.device)
    for repeat in range(len(records(options.folder, "short", options.device)), SHORT_REPEATS):
        engine = engine_of(options.folder, "2x128", recipe, options.device)
        asked = listen(engine)
        start = now()
        results = {id: stock_row(attack, text, subjects.LABELS.index(label)) for id, text, label in examples}
        stock_seconds = now() - start
        start = now()
        rows = {row["id"]: row for row in engine.attack_examples(examples)}
        seconds = now() - start
        same = [compare(results[id], rows[id]) for id, _, _ in examples]
        keep(
            options.folder,
            "short",
            {
                "device": options.device,
                "k": recipe["max_candidates"],
                "repeat": repeat,
                "examples": len(examples),
                "same": sum(one["same_outcome"] and one["same_text"] and one["same_queries"] for one in same),
                "queries": sum(one["queries"] for one in same),
                "stock": stock_seconds,
                "engine": seconds,
                **floor(engine, asked, now),
            },
        )


def measure_long(options: argparse.Namespace) -> None:
    """Long texts against a victim of BERT-base's size, with and without screening, text by text."""
    texts = subjects.joined(subjects.reviews("test", 400), LONG_TEXTS, 220, 240)
    for budget, wanted in LONG_BUDGETS.items():
        recipe = recipe_of(query_budget=budget)
        attack = stock_of(options.folder, "12x768", recipe, subjects.LONGEST, options.device)
        engines = {
            screening: engine_of(options.folder, "12x768", {**recipe, "screening": screening}, options.device)
            for screening in ("none", "bf16")
        }
        asked = {screening: listen(engine) for screening, engine in engines.items()}
        now = clock(options.device)
        for id, text, label in texts[["id", "text", "label"]].itertuples(index=False):
            done = [r for r in records(options.folder, "long", options.device) if r["budget"] == budget]
            if sum(r["none"]["outcome"] != "skipped" for r in done) == wanted:
                break
            if id in {r["id"] for r in done}:
                continue
            record: dict = {"id": id, "device": options.device, "budget": budget, "words": len(text.split())}
            rows = {}
            for screening, engine in engines.items():
                start = now()
                rows[screening] = engine.attack_example(id, text, label)
                seconds = now() - start
                record[screening] = {"seconds": seconds, **floor(engine, asked[screening], now)}
            start = now()
            result = stock_row(attack, text, subjects.LABELS.index(label))
            record["stock"] = now() - start
            for screening, row in rows.items():
                record[screening] |= compare(result, row)
            keep(options.folder, "long", record)


def measure_memory(options: argparse.Namespace) -> None:
    """Peak memory of a process that attacks, beyond its models and TextAttack's import."""
    import miniature.attack.library  # noqa: F401  (TextAttack)

    imported = megabytes()
    name = options.victim or "6x384"
    engine = engine_of(options.folder, name, recipe_of(max_candidates=48, query_budget=400))
    loaded = megabytes()
    texts = subjects.joined(subjects.reviews("test", 400), 8, 100, 300)
    rows = list(engine.attack_examples(texts[["id", "text", "label"]].itertuples(index=False)))
    keep(
        options.folder,
        "memory",
        {
            "victim": name,
            "queries": sum(row["queries"] for row in rows),
            "imported": imported,
            "loaded": loaded,
            "peak": megabytes(),
        },
    )


def listen(engine) -> dict[str, list]:
    """Note what an engine has its models read first, until `floor` is asked for."""
    asked: dict[str, list] = {"keys": [], "texts": []}
    forward, prefetch = engine.victim.forward, engine.masked_lm.prefetch

    def noted_forward(keys, level):
        if level == engine.victim.first_level:
            asked["keys"] += keys
        return forward(keys, level)

    def noted_prefetch(texts):
        asked["texts"] += texts
        return prefetch(texts)

    engine.victim.forward, engine.masked_lm.prefetch = noted_forward, noted_prefetch
    return asked


def floor(engine, asked: dict[str, list], now: Callable[[], float]) -> dict:
    """Time of the forward passes alone: every text once, all of them in full batches.

    Returns
    -------
    dict
        ``needed``: texts read by the victim; ``read``: by the masked LM; ``floor``: seconds for both.
    """
    keys, texts = list(dict.fromkeys(asked["keys"])), list(dict.fromkeys(asked["texts"]))
    start = now()
    if keys:
        type(engine.victim).forward(engine.victim, keys, engine.victim.first_level)
    engine.masked_lm.forget()
    type(engine.masked_lm).prefetch(engine.masked_lm, texts)
    seconds = now() - start
    asked["keys"].clear()
    asked["texts"].clear()
    return {"needed": len(keys), "read": len(texts), "floor": seconds}


def megabytes() -> float:
    """Most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def records(folder: Path, part: str, device: str) -> list[dict]:
    """What has been measured of a part on a device."""
    return [r for r in _lines(folder / f"{part}.jsonl") if r.get("device", "cpu") == device]


def keep(folder: Path, part: str, record: dict) -> None:
    """Write a measurement down."""
    with (folder / f"{part}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def _lines(path: Path) -> Iterator[dict]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


PARTS = {
    "identity": measure_identity,
    "short": measure_short,
    "long": measure_long,
    "memory": measure_memory,
}

if __name__ == "__main__":
    main()
