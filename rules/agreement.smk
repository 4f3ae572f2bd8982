# A characteristic is compared on one task at a time; its agreement table has all of them.


rule join_agreement:
    input:
        agreement=lambda wildcards: parts_of(wildcards.characteristic, "csv"),
        resamples=lambda wildcards: parts_of(
            wildcards.characteristic, "resamples.parquet"
        ),
    output:
        agreement="<results>/agreement/{characteristic}.csv",
        resamples="<results>/agreement/{characteristic}.resamples.parquet",
    log:
        "<logs>/join_agreement/{characteristic}.log",
    benchmark:
        "<benchmarks>/join_agreement/{characteristic}.tsv"
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("join_agreement"),
    script:
        "../scripts/join_agreement.py"
