"""Take a fine-tuned checkpoint as it stands, in place of a training."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from miniature.files import atomic_folder
from miniature.models.build import check_tokenizer_size, label_names
from miniature.models.checkpoints import USE_SEGMENTS, check_length, load_checkpoint
from miniature.models.classes import check_classes
from miniature.models.folders import weight_files
from miniature.training.finetune import write_tokenizer

INDEX = "model.safetensors.index.json"


def copy_checkpoint(
    spec: Mapping,
    output_folder: str | os.PathLike,
    *,
    task: str,
    labels: Sequence[str] | Mapping[str, object] | None,
    text_settings: Mapping,
) -> None:
    """Check a fine-tuned checkpoint and copy it; its weights stay the same bytes.

    Parameters
    ----------
    spec : mapping
        With ``path``, the folder of the checkpoint, and optionally ``segments``, as
        `miniature.models.build.build_model` takes it.
    output_folder : path
        Written as a whole: the weights, a ``config.json`` that names the classes as the study does, and the
        tokenizer without limits of its own.
    task : str
        ``question-answering`` or ``classification``.
    labels : sequence of str or mapping, optional
        Class names in order, with their values in the study's files where known; classification only.
    text_settings : mapping
        The ``question_answering:`` or ``classification:`` block.

    Raises
    ------
    StudyError
        The checkpoint has no head for this task, or one for other classes; it is damaged, only there as a
        pickle, brings code, or takes no texts of this length.
    """
    folder = Path(spec["path"])
    model, tokenizer = load_checkpoint(folder, head=task)
    check_tokenizer_size(model, tokenizer, where=str(folder))
    check_length(model, text_settings)
    config = model.config
    if task == "classification":
        check_classes(folder, labels)
        for name, value in label_names(labels).items():
            setattr(config, name, value)
    if "segments" in spec:
        setattr(config, USE_SEGMENTS, bool(spec["segments"]))
    # The machine that wrote a folder is nobody's business.
    config._name_or_path = ""
    config.architectures = [type(model).__name__]
    files = weight_files(folder)
    if [file.name for file in files] != ["model.safetensors"]:
        files.append(folder / INDEX)
    with atomic_folder(Path(output_folder)) as target:
        config.save_pretrained(target)
        write_tokenizer(tokenizer, target)
        for file in files:
            # Not saved anew: what is measured, and how large it is, is what will be used elsewhere.
            shutil.copyfile(file, target / file.name)
