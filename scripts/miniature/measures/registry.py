"""What each measure in the agreement tables is: range, direction, symmetry and source."""

from typing import NamedTuple


class Measure(NamedTuple):
    """A measure's meaning.

    Attributes
    ----------
    low, high : float
        Range of the value (infinite where there is no end).
    closer : str or None
        Where two models are closer: ``higher``, ``lower`` or nearer to ``zero``. None: no agreement of two
        models but a property of one (``model_a == model_b``), a bound or a count, and no verdict can rest on
        it.
    symmetric : bool
        Whether exchanging the models leaves the value as it is.
    source : str
        Where it comes from.
    of : tuple of str
        Characteristics whose verdict, or panel of figure 1, can rest on it.
    once : bool
        Whether it is one number, whatever K, where other measures are taken at each K.
    probabilities : bool
        Whether it compares probabilities, which not every model gives.
    """

    low: float
    high: float
    closer: str | None
    symmetric: bool
    source: str
    of: tuple[str, ...] = ()
    once: bool = False
    probabilities: bool = False


PAPER = "Rai, Pal, Awekar, CIKM 2024"
INFINITE = float("inf")

# `ceiling` is the best value that the two set sizes allow: the largest where higher is closer, the smallest
# where lower is.
MEASURES: dict[str, Measure] = {
    "jaccard": Measure(
        0, 1, "higher", True, PAPER, ("errors", "representation", "vulnerability", "attribution")
    ),
    "jaccard_corrected": Measure(-INFINITE, 1, "higher", True, "(jaccard - chance) / (ceiling - chance)"),
    "jaccard_low": Measure(0, 1, None, True, "bound: ties, or spent budgets, settled for disagreement"),
    "jaccard_high": Measure(0, 1, None, True, "bound: ties, or spent budgets, settled for agreement"),
    "jaccard_area": Measure(
        0,
        1,
        "higher",
        True,
        "mean of the neighbor Jaccard over K = 1, ..., k_max",
        ("representation",),
        once=True,
    ),
    "kappa": Measure(
        -1,
        1,
        "higher",
        True,
        "Cohen 1960; error consistency: Geirhos et al. 2020",
        ("errors", "vulnerability"),
    ),
    "kappa_corrected": Measure(-INFINITE, 1, "higher", True, "kappa / ceiling; that of flips is equal"),
    "accuracy_difference": Measure(
        -1, 1, "zero", False, "accuracy of model_b minus accuracy of model_a", ("errors",)
    ),
    "negative_flips": Measure(
        0, 1, "lower", False, "model_a right, model_b wrong; Dutta et al. 2024", ("errors",)
    ),
    "positive_flips": Measure(
        0, 1, "lower", False, "model_a wrong, model_b right; Dutta et al. 2024", ("errors",)
    ),
    "label_loyalty": Measure(0, 1, "higher", True, "share of equal answers; Xu et al. 2021", ("errors",)),
    "label_loyalty_corrected": Measure(
        -INFINITE, 1, "higher", True, "(label_loyalty - chance) / (ceiling - chance)"
    ),
    "js_divergence": Measure(
        0, 1, "lower", True, "mean over examples, in bits; Lin 1991", ("errors",), probabilities=True
    ),
    "kl_divergence": Measure(
        0,
        INFINITE,
        "lower",
        False,
        "mean over examples of KL(model_a || model_b), in bits; Kullback, Leibler 1951",
        ("errors",),
        probabilities=True,
    ),
    "probability_loyalty": Measure(
        0,
        1,
        "higher",
        True,
        "1 - square root of the divergence; Xu et al. 2021",
        ("errors",),
        probabilities=True,
    ),
    "probability_loyalty_corrected": Measure(
        -INFINITE, 1, "higher", True, "(probability_loyalty - chance) / (1 - chance)"
    ),
    "tied_rows": Measure(0, 1, None, True, "share of examples whose K nearest neighbors a tie leaves open"),
    "same_cluster": Measure(0, 1, None, True, "share of the K nearest neighbors from the example's cluster"),
    "cka": Measure(
        0,
        1,
        "higher",
        True,
        "linear centered kernel alignment; Kornblith et al. 2019",
        ("representation",),
        once=True,
    ),
    "cka_debiased": Measure(
        -1,
        1,
        "higher",
        True,
        "the same by the unbiased HSIC of Song et al. 2012",
        ("representation",),
        once=True,
    ),
    "procrustes": Measure(
        0,
        1,
        "higher",
        True,
        "Schoenemann 1966; as a similarity: Ding et al. 2021",
        ("representation",),
        once=True,
    ),
    "procrustes_corrected": Measure(-INFINITE, 1, "higher", True, "(procrustes - chance) / (1 - chance)"),
    "rsa": Measure(
        -1,
        1,
        "higher",
        True,
        "Spearman correlation of cosine distances; Kriegeskorte 2008",
        ("representation",),
        once=True,
    ),
    "jaccard_ood": Measure(
        0, 1, "higher", True, PAPER + "; over the out-of-distribution set", ("distribution",)
    ),
    "jaccard_id": Measure(
        0, 1, "higher", True, PAPER + "; over the in-distribution test set", ("distribution",)
    ),
    "jaccard_all": Measure(0, 1, "higher", True, PAPER + "; over both sets", ("distribution",)),
    **{
        f"jaccard_{over}_corrected": Measure(-INFINITE, 1, "higher", True, "the same, as jaccard_corrected")
        for over in ("ood", "id", "all")
    },
    "distance_correlation": Measure(
        -1, 1, "higher", True, "Spearman correlation of the distances", ("distribution",)
    ),
    "distance_correlation_corrected": Measure(
        -INFINITE, 1, "higher", True, "(value - chance) / (1 - chance)"
    ),
    "auroc": Measure(0, 1, None, True, "area under the ROC curve of the distance"),
    "fpr95": Measure(0, 1, None, True, "Sun et al. 2022; share of the other set accepted at 95 % kept"),
    "length_auroc": Measure(0, 1, None, True, "area under the ROC curve of the text length alone"),
    "flagged_id": Measure(0, 1, None, True, "share of the test set called out of distribution"),
    "flagged_ood": Measure(0, 1, None, True, "share of the out-of-distribution set called so"),
    "ece": Measure(0, 1, None, True, "expected calibration error, bins of equal width; Guo et al. 2017"),
    "adaptive_ece": Measure(0, 1, None, True, "the same, bins of equal mass; Nixon et al. 2019"),
    "mce": Measure(0, 1, None, True, "maximum calibration error, bins of equal width; Guo et al. 2017"),
    "brier": Measure(0, 2, None, True, "squared error summed over classes; Brier 1950"),
    "top_label_brier": Measure(0, 1, None, True, "squared error of the confidence; Brier 1950, two classes"),
    "accuracy": Measure(0, 1, None, True, "share of examples predicted rightly"),
    "mean_confidence": Measure(0, 1, None, True, "mean probability of the predicted class"),
    "ece_difference": Measure(
        -1, 1, "zero", False, "ece of model_b minus that of model_a", ("calibration",), probabilities=True
    ),
    "adaptive_ece_difference": Measure(
        -1,
        1,
        "zero",
        False,
        "adaptive_ece of model_b minus that of model_a",
        ("calibration",),
        probabilities=True,
    ),
    "mce_difference": Measure(
        -1, 1, "zero", False, "mce of model_b minus that of model_a", ("calibration",), probabilities=True
    ),
    "brier_difference": Measure(
        -2, 2, "zero", False, "brier of model_b minus that of model_a", ("calibration",), probabilities=True
    ),
    "top_label_brier_difference": Measure(
        -1,
        1,
        "zero",
        False,
        "top_label_brier of model_b minus that of model_a",
        ("calibration",),
        probabilities=True,
    ),
    **{
        name: Measure(low, 1, "higher", True, source, ("attribution",), once=True)
        for name, low, source in (
            ("spearman", -1, "rank correlation of the words' signed scores; Spearman 1904"),
            ("kendall", -1, "tau-b of the words' signed scores; Kendall 1945"),
            ("sign_agreement", 0, "share of words that speak for, or against, both models' decision"),
        )
    },
    "errors_left_out": Measure(0, INFINITE, None, True, "examples left out: the attack on either failed"),
}
