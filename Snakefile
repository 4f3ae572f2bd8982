# Does a compressed language model still behave like the model it came from?
#
#     dataset -> model -> inference -> characteristic -> agreement -> scorecard -> figures, tables
#
# Left of `agreement` everything is per model, expensive and kept; from there on it is cheap.
# Paths: <results> is results/{study}, {task} the dataset a model was fine-tuned on, {dataset} the one it is run on.
from snakemake.utils import min_version

min_version("9.27.1")

# A study is one whole file: another one given with --configfile replaces this one, it is not merged with it.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config.yaml"


include: "rules/common.smk"
include: "rules/targets.smk"


pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",
    benchmarks=f"{RESULTS}/benchmarks",


report: "report/workflow.rst"


localrules:
    all,
    errors,
    representation,
    distribution,
    vulnerability,
    calibration,
    figures,
    tables,
    retrieve,


rule all:
    default_target: True
    input:
        FIGURES,
        TABLES,
        FINDINGS,
        TRANSFERS,
        [kept_of(characteristic) for characteristic in config["characteristics"]],
        "<results>/scorecard.csv",
        "<results>/reproduction.html",
        "<results>/study.yaml",
        "<results>/provenance.json",
        REGISTRY,


include: "rules/retrieve.smk"
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/inference.smk"
include: "rules/artefacts.smk"
include: "rules/errors.smk"
include: "rules/representation.smk"
include: "rules/distribution.smk"
include: "rules/vulnerability.smk"
include: "rules/calibration.smk"
include: "rules/scorecard.smk"
include: "rules/floor.smk"
include: "rules/figures.smk"
include: "rules/tables.smk"
include: "rules/reproduction.smk"


# Named targets: one characteristic, or one kind of product.
rule errors:
    input:
        agreement_of("errors"),
        kept_of("errors"),


rule representation:
    input:
        agreement_of("representation"),
        kept_of("representation"),


rule distribution:
    input:
        agreement_of("distribution"),
        kept_of("distribution"),


rule vulnerability:
    input:
        agreement_of("vulnerability"),
        kept_of("vulnerability"),
        TRANSFERS,


rule calibration:
    input:
        agreement_of("calibration"),
        kept_of("calibration"),


rule figures:
    input:
        FIGURES,


rule tables:
    input:
        TABLES,
