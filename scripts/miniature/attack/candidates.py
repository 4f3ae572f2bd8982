"""Substitutes for a word proposed by a masked language model, as BERT-ATTACK proposes them.

The masked LM reads the text as it stands, nothing masked. For a word of one piece its K best predictions at
that place are the proposals; for a word of several pieces, combinations of the best predictions at each
piece (Li et al. 2020, section 3.2). TextAttack's ``WordSwapMaskedLM`` is the model for the details, among
them one that differs from the paper: it computes the perplexity of every combination, sorts by it and throws
the sorted list away, so what it proposes are the first K combinations in the order of enumeration.
"""

import itertools

import torch

from miniature.attack.encoding import Encoder
from miniature.attack.library import AttackedText, WordSwap, is_one_word
from miniature.attack.stopwords import STOPWORDS
from miniature.messages import StudyError
from miniature.models.checkpoints import longest_input


class Vocabulary:
    """What the pieces of a masked LM's tokenizer look like as words.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
        WordPiece (a piece inside a word begins with ``##``) or byte-level BPE (a piece that begins a word
        begins with a space, written ``Ġ``).

    Raises
    ------
    StudyError
        Another kind of tokenizer, or one without a mask token.
    """

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
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
        self.byte_level = byte_level
        self.special = frozenset(tokenizer.all_special_ids)
        self._whole: dict[tuple[int, bool], str | None] = {}

    def whole_word(self, piece: int, first: bool) -> str | None:
        """Spell a piece as a word by itself, or give None where it is not one.

        Parameters
        ----------
        piece : int
            Token id.
        first : bool
            Whether it would begin the text: byte-level BPE writes no space there.
        """
        if (piece, first) not in self._whole:
            token = self.tokenizer.convert_ids_to_tokens(piece)
            inside = (not first and not token.startswith("Ġ")) if self.byte_level else "##" in token
            word = self._spelled([piece]) if self.byte_level else token
            self._whole[piece, first] = word if is_one_word(word) and not inside else None
        return self._whole[piece, first]

    def count_pieces(self, word: str, first: bool) -> int:
        """Count the pieces of a word; byte-level BPE reads it with the space before it, if there is one."""
        space = " " if self.byte_level and not first else ""
        return len(self.tokenizer.encode(space + word, add_special_tokens=False))

    def joined(self, pieces: tuple[int, ...]) -> str | None:
        """Spell pieces put together, or give None where they do not make one word."""
        word = self._spelled(pieces)
        return word if is_one_word(word) else None

    def _spelled(self, pieces) -> str:
        tokens = self.tokenizer.convert_ids_to_tokens(list(pieces))
        if self.byte_level:
            word = self.tokenizer.convert_tokens_to_string(tokens).strip()
            # Part of a character is no word, though what stands for it may look like punctuation.
            return "" if "\ufffd" in word else word
        return "".join(tokens).replace("##", "")


class MaskedLMSwap(WordSwap):
    """TextAttack transformation: swap a word for what a masked LM proposes in its place.

    With one text after another it reads each only once; it pads nothing, and it enumerates combinations of
    pieces only as far as they are needed. The list it returns is the one that enumerating all would give.

    Parameters
    ----------
    model : PreTrainedModel
        With a masked-language-model head.
    tokenizer : PreTrainedTokenizerFast
        The masked LM's own, whatever the victim's is.
    recipe : dict
        From `recipes.check_recipe`.
    device : str
        ``cpu`` or ``cuda``.

    Raises
    ------
    StudyError
        The tokenizer is of another kind, or the recipe asks for longer input than the model can read.
    """

    def __init__(self, model, tokenizer, recipe: dict, *, device: str = "cpu"):
        super().__init__()
        self.vocabulary = Vocabulary(tokenizer)
        self.tokenizer = tokenizer
        self.model = model.to(device=device, dtype=torch.float32).eval()
        self.device = device
        self.recipe = recipe
        self.max_length = recipe["max_masked_lm_length"]
        longest = min(longest_input(model), int(tokenizer.model_max_length))
        if self.max_length > longest:
            raise StudyError(
                f"The masked LM reads at most {longest} tokens, the recipe asks for {self.max_length}.",
                where="max_masked_lm_length",
                fix=f"max_masked_lm_length: {longest}",
            )
        self._encode = Encoder(tokenizer, self.max_length)
        self.forward_passes = 0
        self.forget()

    def forget(self) -> None:
        """Drop what was remembered. Called between examples, which then cannot influence one another."""
        self._text: str | None = None
        self._logits: torch.Tensor | None = None

    def _get_transformations(self, current_text: AttackedText, indices_to_modify) -> list[AttackedText]:
        changed = []
        for index in indices_to_modify:
            word = current_text.words[index]
            for proposal in self.proposals(current_text, index):
                if proposal != word:
                    changed.append(current_text.replace_word_at_index(index, proposal))
        return changed

    def proposals(self, current_text: AttackedText, index: int) -> list[str]:
        """Proposals for one word, best first (in the order of enumeration for a word of several pieces).

        Parameters
        ----------
        current_text : AttackedText
            The text so far.
        index : int
            Which of its words.

        Returns
        -------
        list of str
            At most K; empty where the word lies beyond the masked LM's longest input.
        """
        positions = self._positions(current_text, index)
        most = self.recipe["subword_max_pieces"]
        if not positions or (most is not None and len(positions) > most):
            return []
        logits = self._read(current_text.text, positions[-1] + 1)  # [tokens, vocabulary]
        logits = logits[positions[0] : positions[-1] + 1]  # [pieces, vocabulary]
        if len(positions) == 1:
            (pieces,) = self._best(logits, self.recipe["max_candidates"])
            words = [self.vocabulary.whole_word(piece, index == 0) for piece in pieces]
        else:
            words = self._combined(logits)
        wanted = [word for word in words if word is not None]
        if self.recipe["skip_stopword_candidates"]:
            wanted = [word for word in wanted if word.lower() not in STOPWORDS]
        return wanted

    def _positions(self, current_text: AttackedText, index: int) -> list[int]:
        """Find the places of a word's pieces: they begin where a mask put in its place would stand."""
        masked = current_text.replace_word_at_index(index, self.tokenizer.mask_token)
        (ids,) = self._encode([masked.text])
        # A mask past the longest input has been cut off.
        if self.tokenizer.mask_token_id not in ids:
            return []
        start = ids.index(self.tokenizer.mask_token_id)
        count = self.vocabulary.count_pieces(current_text.words[index], index == 0)
        return list(range(start, min(start + count, self.max_length)))

    def _read(self, text: str, length: int) -> torch.Tensor:
        """Logits of the masked LM for a whole text, [tokens, vocabulary], at least `length` tokens long.

        A word can have more pieces alone than it has where it stands (beside an emoji, for instance). At the
        end of a text it then reaches into the padding, as it does in TextAttack, which always pads.
        """
        if self._text != text or self._logits is None or len(self._logits) < length:
            (ids,) = self._encode([text])
            padding = max(0, length - len(ids))
            mask = [1] * len(ids) + [0] * padding
            ids = [*ids, *[self.tokenizer.pad_token_id or 0] * padding]
            self._text, self._logits = text, self._forward([ids], [mask])[0]
        return self._logits

    def _forward(self, ids: list, mask: list) -> torch.Tensor:
        with torch.inference_mode():
            output = self.model(
                input_ids=torch.tensor(ids, device=self.device),
                attention_mask=torch.tensor(mask, device=self.device),
            )
        self.forward_passes += 1
        return output.logits.float().cpu()

    def _best(self, logits: torch.Tensor, k: int) -> list[list[int]]:
        """Find the k likeliest pieces at each place, likeliest first, less those that may not be proposed.

        Parameters
        ----------
        logits : torch.Tensor
            [places, vocabulary]
        k : int
            How many to look at.
        """
        scores, pieces = torch.topk(logits, min(k, logits.shape[-1]))  # [places, k]
        least = self.recipe["min_confidence"]
        if least > 0:
            probabilities = torch.exp(scores - torch.logsumexp(logits, dim=-1, keepdim=True))  # [places, k]
            kept = [row[likely].tolist() for row, likely in zip(pieces, probabilities >= least, strict=True)]
        else:
            kept = pieces.tolist()
        if self.recipe["skip_special_tokens"]:
            kept = [[piece for piece in row if piece not in self.vocabulary.special] for row in kept]
        return kept

    def _combined(self, logits: torch.Tensor) -> list[str]:
        """Words put together from the best pieces at each place, at most K."""
        k = self.recipe["max_candidates"]
        pools = self._best(logits, self.recipe["subword_candidates"] or k)
        combinations = itertools.islice(itertools.product(*pools), self.recipe["subword_combinations"])
        if self.recipe["subword_order"] == "perplexity":
            combinations = self._by_perplexity(list(combinations))
        words = (self.vocabulary.joined(pieces) for pieces in combinations)
        return list(itertools.islice((word for word in words if word is not None), k))

    def _by_perplexity(self, combinations: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Sort combinations by the masked LM's perplexity of the pieces, read alone, lowest first.

        The paper does not say what the perplexity is taken of; its authors' code feeds the pieces alone to
        the masked LM, without the sentence and without special tokens.
        """
        if not combinations:
            return []
        mask = [[1] * len(combinations[0])] * len(combinations)
        logits = self._forward(combinations, mask)  # [combinations, pieces, vocabulary]
        loss = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), torch.tensor(combinations), reduction="none"
        )  # [combinations, pieces]
        order = torch.sort(loss.mean(dim=1), stable=True).indices.tolist()
        return [combinations[i] for i in order]
