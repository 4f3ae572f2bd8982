"""How many tokens a model of the study takes, as far as that can be told without loading it."""

from collections.abc import Mapping

from miniature.messages import StudyError
from miniature.models.sources import read_config

BERT_POSITIONS = 512
# Their position numbers start after the padding index.
ROBERTA_LIKE = ("roberta", "camembert", "xlm-roberta")


def longest_input(entry: Mapping) -> int | None:
    """Most tokens a model of the study takes; None where that is not known yet (Hub, unreadable folder).

    Parameters
    ----------
    entry : mapping
        An entry of ``models`` or ``masked_lms``, paths expanded.

    Returns
    -------
    int or None

    Examples
    --------
    >>> longest_input({"architecture": {"layers": 2}}), longest_input({"hub": "a/b"})
    (512, None)
    """
    if "architecture" in entry:
        return entry["architecture"].get("max_positions", BERT_POSITIONS)
    if "path" not in entry:
        return None
    try:
        config = read_config(entry["path"])
    except StudyError:
        return None  # told by the check of the folder
    positions, padding = config.get("max_position_embeddings"), config.get("pad_token_id", 1)
    if not isinstance(positions, int) or not isinstance(padding, int):
        return None
    return positions - (padding + 1 if config["model_type"] in ROBERTA_LIKE else 0)
