"""Do texts that broke one model break another? Every ordered pair."""

import pandas as pd

from _job import run_job
from miniature.attack.transfer import adversarial_table, count_transfer
from miniature.files import read_parquet, write_csv
from miniature.inference import classification


def main(snakemake):
    """Run every model on every other model's adversarial texts."""
    params = snakemake.params
    attacks = {
        model: read_parquet(path) for model, path in zip(params.models, snakemake.input.attacks, strict=True)
    }
    folders = dict(zip(params.models, snakemake.input.models, strict=True))
    rows = []
    for target, folder in folders.items():
        model = classification.load_classifier(folder, labels=params.labels, text_settings=params.text)
        for source, table in attacks.items():
            if source == target:
                continue
            texts = adversarial_table(table)
            predictions, _ = classification.predict_with(
                *model,
                texts,
                labels=params.labels,
                text_settings=params.text,
                feature=params.inference["feature"],
                batch_tokens=params.inference["batch_tokens"],
                device=params.device,
            )
            counts = count_transfer(
                table, attacks[target], dict(zip(predictions["id"], predictions["prediction"], strict=True))
            )
            rows.append({"source": source, "target": target, **counts})
    order = {model: place for place, model in enumerate(params.models)}
    rows.sort(key=lambda row: (order[row["source"]], order[row["target"]]))
    write_csv(pd.DataFrame(rows, columns=["source", "target", "n", "broken", "rate"]), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
