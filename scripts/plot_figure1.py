"""Figure 1: agreement against K, with the data of each panel."""

from _job import run_job
from miniature.agreement.table import concat_rows, read_agreement
from miniature.figures.figure1 import panel_data, plot_figure1
from miniature.figures.files import save_figure
from miniature.files import write_csv


def main(snakemake):
    """Draw the panels named in the study."""
    params, output = snakemake.params, snakemake.output
    agreement = concat_rows([read_agreement(path) for path in snakemake.input])
    panels = {
        letter: panel_data(
            agreement, panel, models=params.models, reference=params.reference, replicates=params.replicates
        )
        for letter, panel in params.options["panels"].items()
    }
    for table, path in zip(panels.values(), output.panels, strict=True):
        write_csv(table, path)
    figure = plot_figure1(
        panels,
        options=params.options,
        models=params.models,
        reference=params.reference,
        replicates=params.replicates,
    )
    save_figure(figure, {"pdf": output.pdf, "svg": output.svg, "png": output.png})


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
