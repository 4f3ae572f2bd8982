"""The share of the most important words that two models have in common, against their number."""

import pandas as pd

from _job import run_job
from miniature.agreement.table import read_agreement
from miniature.figures.figure1 import panel_data, plot_figure1
from miniature.figures.files import save_figure
from miniature.files import write_csv


def main(snakemake):
    """Draw one panel for each task."""
    params, output = snakemake.params, snakemake.output
    agreement = read_agreement(snakemake.input[0])
    chosen = {
        chr(ord("a") + i): {
            "characteristic": "attribution", "measure": "jaccard", "pairs": "reference", "task": task,
            "title": "Same words as {reference}?", "x_label": "K (words)",
        }
        for i, task in enumerate(params.tasks)
    }  # fmt: skip
    common = {"models": params.models, "reference": params.reference, "replicates": params.replicates}
    panels = {letter: panel_data(agreement, panel, **common) for letter, panel in chosen.items()}
    write_csv(pd.concat(panels.values(), ignore_index=True), output.csv)
    options = {"panels": chosen, "width": max(9.0, 6.5 * len(chosen)), "height": 5.0, "y_max": "auto"}
    figure = plot_figure1(panels, options=options, **common)
    save_figure(figure, {"pdf": output.pdf, "svg": output.svg, "png": output.png})


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
