"""One pattern for every name in a study, shared by the schema, the wildcards and the messages."""

import re

# No dot (reserved for replicates), no slash, no space: a name is a folder, a wildcard and a column value.
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

# An additional training of a model with another seed is called <model>.seed<n>; the reference's own
# checkpoint, run again with another batch size and thread count, <reference>.control.
CONTROL = ".control"
MODEL = rf"{NAME}(?:\.seed[0-9]+|{re.escape(CONTROL)})?"

# A dataset configuration of the Hub: a folder, so no slash and no "..", but "20220301.en" is valid.
CONFIG_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"

# A commit, tag or branch of the Hub: one or more folder names ("refs/convert/parquet"), without "..".
REVISION = r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*"


def control_of(model: str) -> str | None:
    """The model that a control runs again; None if the name is not a control.

    Examples
    --------
    >>> control_of("large.control"), control_of("large.seed1")
    ('large', None)
    """
    return model.removesuffix(CONTROL) if model.endswith(CONTROL) else None


def replicate_of(model: str) -> str | None:
    """The model that an additional training repeats; None if the name is not a replicate.

    Examples
    --------
    >>> replicate_of("large.seed2"), replicate_of("large"), replicate_of("large.control")
    ('large', None, None)
    """
    original, found, number = model.rpartition(".seed")
    return original if found and number.isdecimal() else None


def suggest_name(text: object) -> str:
    """Nearest allowed name, to suggest in a message.

    Examples
    --------
    >>> suggest_name("google/bert v1.5")
    'google-bert-v1-5'
    """
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", str(text)).strip("-_")[:64].strip("-_")
    return cleaned or "name"


def hub_folder(hub_id: str) -> str:
    """Folder name of a Hub repository; `hub_id` is its inverse.

    Examples
    --------
    >>> hub_folder("google-bert/bert-base-uncased")
    'google-bert--bert-base-uncased'
    """
    return hub_id.replace("/", "--")


def hub_id(folder: str) -> str:
    """Hub repository of a folder made by `hub_folder`.

    Examples
    --------
    >>> hub_id("google-bert--bert-base-uncased")
    'google-bert/bert-base-uncased'
    """
    return folder.replace("--", "/", 1)
