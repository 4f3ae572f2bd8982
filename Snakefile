# Does a compressed language model still behave like the model it came from?
#
#     dataset -> model -> inference -> characteristic -> agreement -> scorecard -> figures, tables
#
# Left of `agreement` everything is per model, expensive and kept; from there on it is cheap.
# Paths: <results> is results/{study}, {task} the dataset a model was fine-tuned on, {dataset} the one it is run on.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27.1")

# The project's folder, also where workflow/Snakefile includes this file.
PROJECT = Path(workflow.current_basedir).resolve()

# A study is one whole file: another one given with --configfile replaces this one, it is not merged with it.
if not workflow.overwrite_configfiles:

    configfile: f"{PROJECT}/config.yaml"


include: "rules/common.smk"
include: "rules/targets.smk"


pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",
    benchmarks=f"{RESULTS}/benchmarks",


report: "report/workflow.rst"


# The first failed job's message is repeated at the end, where it is seen.
onerror:
    told = first_failure("".join(Path(file).read_text("utf-8") for file in log))
    print(f"\n{told or 'The run stopped.'}\n", file=sys.stderr)


localrules:
    all,
    figures,
    tables,
    retrieve,


rule all:
    default_target: True
    input:
        FIGURES,
        TABLES,
        CHANGES,
        FINDINGS,
        [[model_files(name), summaries_of(name)] for name in MEASURED],
        "<results>/scorecard.csv",
        ANSWER,
        finished_report,
        "<results>/cards",
        "<results>/study.yaml",
        "<results>/provenance.json",
        REGISTRY,


include: "rules/retrieve.smk"
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/inference.smk"
include: "rules/artifacts.smk"


for name in DECLARED:

    include: f"rules/{name}.smk"


include: "rules/agreement.smk"
include: "rules/scorecard.smk"
include: "rules/tolerance.smk"
include: "rules/floor.smk"
include: "rules/figures.smk"
include: "rules/tables.smk"
include: "rules/reproduction.smk"
include: "rules/costs.smk"
include: "rules/report.smk"


# Named targets: one kind of product each. The target of a characteristic is next to its rules.
rule figures:
    input:
        FIGURES,


rule tables:
    input:
        TABLES,
        CHANGES,


# The answer, at the end of every run that made or kept one.
onsuccess:
    answer = Path(RESULTS) / "answer.md"
    if answer.is_file():
        print("", answer.read_text(encoding="utf-8"), sep="\n")
