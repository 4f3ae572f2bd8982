"""The answer of the study in a few lines, for readers and for programs."""

import json
from pathlib import Path

from _job import run_job
from miniature.agreement.table import concat_rows, read_agreement
from miniature.files import atomic_path
from miniature.scorecard.answer import answer_json, answer_markdown, make_answer
from miniature.scorecard.noise import read_noise
from miniature.scorecard.sanity import check_clusters, check_reference
from miniature.scorecard.tolerance import read_tolerance
from miniature.tables.scorecard import read_scorecard


def main(snakemake):
    """Collect verdicts, changes and warnings."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    card = read_scorecard(inputs.scorecard)
    agreement = concat_rows([read_agreement(path) for path in inputs.agreement])
    warnings = json.loads(Path(inputs.warnings).read_text(encoding="utf-8"))
    warnings += check_reference(
        agreement, params.verdict, reference=params.reference, trainings=params.trainings
    )
    warnings += check_clusters(card)
    answer = make_answer(
        card,
        read_tolerance(inputs.tolerance),
        study=params.study,
        reference=params.reference,
        models=params.models,
        noise=read_noise(inputs.noise[0]) if inputs.get("noise") else None,
        warnings=warnings,
    )
    texts = {
        output.md: answer_markdown(answer, results=str(Path(output.md).parent)),
        output.json: answer_json(answer),
    }
    for path, text in texts.items():
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
