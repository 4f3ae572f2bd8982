"""How a masked LM writes words in pieces; an attack must tell pieces that begin a word from others."""

from miniature.messages import StudyError


def has_byte_level_pieces(tokenizer) -> bool:
    """Tell how a masked LM's pieces are written, and refuse a tokenizer whose pieces nobody can tell apart.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast

    Returns
    -------
    bool
        True for byte-level BPE (a piece that begins a word begins with a space, written ``Ġ``), False for
        WordPiece (a piece inside a word begins with ``##``).

    Raises
    ------
    StudyError
        Another kind of tokenizer, or one without a mask token.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    model = type(backend.model).__name__ if backend is not None else "a slow tokenizer"
    byte_level = model == "BPE" and any(token.startswith("Ġ") for token in tokenizer.get_vocab())
    if tokenizer.mask_token_id is None or not (model == "WordPiece" or byte_level):
        raise StudyError(
            "The attack's masked LM needs a mask token and a fast WordPiece or byte-level BPE tokenizer; "
            f"this one is {model}, its mask token {tokenizer.mask_token!r}.",
            where=f"masked LM {tokenizer.name_or_path}",
            fix="masked_lms: {lm: {hub: google-bert/bert-base-uncased, ...}}",
        )
    return byte_level
