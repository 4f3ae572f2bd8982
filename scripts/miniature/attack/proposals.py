"""What every attack that swaps words shares: a list of proposals for a word, tried in its order."""

from miniature.attack.library import AttackedText, WordSwap


class ProposalSwap(WordSwap):
    """TextAttack transformation: swap a word for each of a list of proposals, in their order.

    Subclasses give the list.
    """

    def proposals(self, current_text: AttackedText, index: int) -> list[str]:
        """Proposals for one word, best first.

        Parameters
        ----------
        current_text : AttackedText
            The text so far.
        index : int
            Which of its words.
        """
        raise NotImplementedError

    def _get_transformations(self, current_text: AttackedText, indices_to_modify) -> list[AttackedText]:
        changed = []
        for index in indices_to_modify:
            word = current_text.words[index]
            for proposal in self.proposals(current_text, index):
                if proposal != word:
                    changed.append(current_text.replace_word_at_index(index, proposal))
        return changed
