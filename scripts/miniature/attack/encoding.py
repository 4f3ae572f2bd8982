"""Token ids of many texts that share nearly all their words.

An attack asks about hundreds of texts that differ in one word. A WordPiece tokenizer of the BERT kind reads
what stands between two spaces without looking further, so the ids of every such stretch are kept and only
put together. Other tokenizers are asked about whole texts.
"""

from collections.abc import Sequence

# A tokenizer keeps in memory what it cuts off: thousands of long texts at once would not fit.
TEXTS_PER_PORTION = 64
# Stretches kept; a study's whole vocabulary fits, a flood of different words cannot fill the memory.
MOST_STRETCHES = 2**18


class Encoder:
    """Gives the same ids as ``tokenizer(text, truncation=True, max_length=max_length)``.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
        Any fast tokenizer.
    max_length : int
        Longest result, special tokens included.
    """

    def __init__(self, tokenizer, max_length: int):
        self.tokenizer = tokenizer
        self.max_length = max_length
        self._stretches: dict[str, list[int]] = {}
        self.by_stretches = reads_by_stretches(tokenizer) and max_length > 2

    def __call__(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Encode texts, one segment each.

        Parameters
        ----------
        texts : sequence of str
            Any number of texts.

        Returns
        -------
        list of tuple of int
            Token ids with special tokens, unpadded.
        """
        if not self.by_stretches:
            return self._ask(texts, truncation=True, max_length=self.max_length)
        room = self.max_length - 2
        first, last = (self.tokenizer.cls_token_id,), (self.tokenizer.sep_token_id,)
        encoded = []
        for text in texts:
            ids: list[int] = []
            for stretch in text.split(" "):
                if stretch not in self._stretches:
                    self._learn(text)
                ids += self._stretches[stretch]
                if len(ids) >= room:
                    break
            encoded.append((*first, *ids[:room], *last))
        return encoded

    def _learn(self, text: str) -> None:
        if len(self._stretches) > MOST_STRETCHES:
            self._stretches.clear()
        stretches = list(dict.fromkeys(text.split(" ")))
        found = self._ask(stretches, add_special_tokens=False)
        self._stretches.update(zip(stretches, map(list, found), strict=True))

    def _ask(self, texts: Sequence[str], **options) -> list[tuple[int, ...]]:
        ids: list[tuple[int, ...]] = []
        for start in range(0, len(texts), TEXTS_PER_PORTION):
            portion = self.tokenizer(
                list(texts[start : start + TEXTS_PER_PORTION]),
                return_attention_mask=False,
                return_token_type_ids=False,
                **options,
            )
            ids.extend(map(tuple, portion["input_ids"]))
        return ids


def reads_by_stretches(tokenizer) -> bool:
    """Whether a tokenizer reads each stretch between spaces by itself and wraps the whole in [CLS] and [SEP].

    True for WordPiece with BERT's own normaliser and splitting, where no added token holds a space or
    swallows the spaces beside it.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or type(backend.model).__name__ != "WordPiece":
        return False
    added = tokenizer.added_tokens_decoder.values()
    return (
        type(backend.normalizer).__name__ == "BertNormalizer"
        and type(backend.pre_tokenizer).__name__ == "BertPreTokenizer"
        and not any(
            token.lstrip or token.rstrip or token.single_word or " " in token.content for token in added
        )
        and tokenizer.truncation_side == "right"
        and tokenizer("")["input_ids"] == [tokenizer.cls_token_id, tokenizer.sep_token_id]
    )
