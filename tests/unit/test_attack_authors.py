"""The preset `reference`, a knob at a time, on a masked LM and a victim whose every number is set here."""

import math
import os

import numpy as np
import pytest

from miniature.attack.recipe import spell_recipe

os.environ.setdefault("OMP_NUM_THREADS", "1")

TOKENS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "h", "b", "c", "k", "e", "f", "g", "the", "over", "under",
    "##long", "##short", "##wide", "##er", ".", "x", "u", "z",
]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from transformers import BertTokenizerFast

    file = tmp_path_factory.mktemp("tokenizer") / "vocab.txt"
    file.write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    return BertTokenizerFast(str(file), model_max_length=64)


class ToyLM:
    """Predicts, in the place of a token, what is set for this token; keeps what it read."""

    @staticmethod
    def made(predictions):
        """Make one; a torch module, since this is what is read."""
        import torch
        from transformers import BertConfig
        from transformers.modeling_outputs import MaskedLMOutput

        class Model(torch.nn.Module):
            config = BertConfig(max_position_embeddings=64)
            read = []  # noqa: RUF012  (a class for each model)

            def get_output_embeddings(self):
                return None

            def forward(self, input_ids, attention_mask=None):
                self.read.append(input_ids.tolist())
                logits = torch.full((*input_ids.shape, len(TOKENS)), -9.0)
                for text, tokens in enumerate(input_ids.tolist()):
                    for place, token in enumerate(tokens):
                        for new, score in predictions.get(TOKENS[token], {}).items():
                            logits[text, place, TOKENS.index(new)] = score
                return MaskedLMOutput(logits=logits)

        return Model()


def recipe(**changes):
    return spell_recipe({"preset": "reference", "masked_lm": "lm", **changes})


def proposals(tokenizer, predictions, text, word, *, vectors=None, **changes):
    from miniature.attack.search.authors import Proposals, split_words
    from miniature.attack.words.masked_lm import MaskedLM

    checked = recipe(**{"max_masked_lm_length": 64, **changes})
    model = ToyLM.made(predictions)
    words = split_words(text)
    found = Proposals(
        MaskedLM(model, tokenizer, max_length=checked["max_masked_lm_length"]), checked, vectors
    )
    # What the reader asks of a model to get to know it.
    model.read.clear()
    index = words.index(word)
    return found.of_word(words, index, found.places(words)[index]), model


FILM = {"h": {"b": 5.0, "c": 4.0, "the": 3.0, "k": 2.0, "##er": 1.5, "h": 1.0, "e": -1.0}}


def test_k_proposals_a_word_less_what_may_not_be(tokenizer):
    # Of the best five, `the` is a stop word, `##er` goes on a word.
    assert proposals(tokenizer, FILM, "h f", "h", max_candidates=5)[0] == ["b", "c", "k"]
    # The word itself is none of them.
    assert proposals(tokenizer, FILM, "h f", "h", max_candidates=6)[0] == ["b", "c", "k"]
    assert proposals(tokenizer, FILM, "h f", "h", max_candidates=7)[0] == ["b", "c", "k", "e"]


def test_stop_words_may_be_proposed(tokenizer):
    found, _ = proposals(tokenizer, FILM, "h f", "h", max_candidates=4, skip_stopword_candidates=False)
    assert found == ["b", "c", "the", "k"]


def test_least_score_is_a_logit_and_0_is_none(tokenizer):
    assert proposals(tokenizer, FILM, "h f", "h", max_candidates=7, min_score=2.0)[0] == ["b", "c", "k"]
    assert proposals(tokenizer, FILM, "h f", "h", max_candidates=7, min_score=2.1)[0] == ["b", "c"]
    # Below 0 as well.
    assert proposals(tokenizer, FILM, "h f", "h", max_candidates=7, min_score=0)[0][-1] == "e"


def test_special_tokens_may_be_kept_out(tokenizer):
    predictions = {"h": {"[UNK]": 5.0, "b": 4.0}}
    assert proposals(tokenizer, predictions, "h f", "h", max_candidates=2)[0] == ["[UNK]", "b"]
    kept = proposals(tokenizer, predictions, "h f", "h", max_candidates=2, skip_special_tokens=True)[0]
    assert kept == ["b"]


OVERLONG = {
    "over": {"under": 3.0, "over": 2.0, "h": 1.0},
    "##long": {"##short": 3.0, "##wide": 2.0, "b": 1.0},
    # Read alone: what the masked LM thinks of a piece in its own place makes its perplexity.
    "under": {"under": 9.0}, "h": {"h": 5.0}, "##short": {"##short": 9.0}, "##wide": {"##wide": 5.0},
    "b": {"b": 0.0},
}  # fmt: skip


def losses(pieces):
    """Mean negative log-likelihood of pieces by the table above, from its definition."""
    total = 0.0
    for piece in pieces:
        scores = [OVERLONG.get(piece, {}).get(token, -9.0) for token in TOKENS]
        total += math.log(sum(map(math.exp, scores))) - scores[TOKENS.index(piece)]
    return total / len(pieces)


def test_combinations_of_pieces_are_ranked_by_perplexity_of_the_pieces_alone(tokenizer):
    found, model = proposals(tokenizer, OVERLONG, "overlong f", "overlong", subword_candidates=2)
    pairs = [(a, b) for a in ("under", "over") for b in ("##short", "##wide")]
    expected = [(a + b).replace("##", "") for a, b in sorted(pairs, key=losses)]
    assert found == expected
    assert found[0] == "undershort"
    # One read of the text, one of the combinations, without special tokens.
    assert [[TOKENS[i] for i in ids] for ids in model.read[1]] == [list(pair) for pair in pairs]
    assert len(model.read) == 2


def test_four_pieces_a_place_and_the_first_24_combinations(tokenizer):
    some = {token: float(9 - i) for i, token in enumerate("hbckef")}
    predictions = {"over": some, "##long": some, "##er": some}
    found, model = proposals(tokenizer, predictions, "overlonger x", "overlonger")
    combinations = [[TOKENS[i] for i in ids] for ids in model.read[1]]
    # As enumerated: the last piece changes fastest. 4 x 4 x 4 are 64.
    assert len(combinations) == 24
    assert combinations[:5] == [list("hhh"), list("hhb"), list("hhc"), list("hhk"), list("hbh")]
    assert {piece for ids in combinations for piece in ids} == set("hbck")
    # Words that do not go together are proposed as they are.
    assert "h h h" in found
    fewer, _ = proposals(tokenizer, predictions, "overlonger x", "overlonger", subword_combinations=3)
    assert set(fewer) == {"h h h", "h h b", "h h c"}
    single, _ = proposals(tokenizer, predictions, "overlonger x", "overlonger", subword_candidates=1)
    assert single == ["h h h"]


def test_of_a_long_word_only_the_first_pieces_are_combined(tokenizer):
    some = {"h": 9.0, "b": 8.0}
    predictions = {"over": some, "##long": some, "##er": some}
    _, model = proposals(tokenizer, predictions, "overlonger x", "overlonger", subword_pieces_used=2)
    assert {len(ids) for ids in model.read[1]} == {2}
    _, model = proposals(tokenizer, predictions, "over" + "er" * 15, "over" + "er" * 15, subword_candidates=2)
    assert {len(ids) for ids in model.read[1]} == {12}


def test_antonyms_are_those_whose_vectors_say_so(tokenizer):
    from miniature.attack.words.vectors import WordVectors

    vectors = WordVectors(["h", "b", "c"], [[1.0, 0.0], [0.5, math.sqrt(0.75)], [0.3, math.sqrt(0.91)]])
    # cos(h, b) = 0.5, cos(h, c) = 0.3; k has no vector and passes.
    assert proposals(tokenizer, FILM, "h f", "h", max_candidates=5, vectors=vectors)[0] == ["b", "k"]
    strict = proposals(
        tokenizer, FILM, "h f", "h", max_candidates=5, vectors=vectors, min_word_similarity=0.6
    )
    assert strict[0] == ["k"]
    assert proposals(tokenizer, FILM, "h f", "h", max_candidates=5)[0] == ["b", "c", "k"]


def test_words_are_what_stands_between_spaces_in_lower_case(tokenizer):
    from miniature.attack.search.authors import split_words

    assert split_words("Over x.\nY  z") == ["over", "x.y", "", "z"]
    # "x." is two pieces, "" none.
    predictions = {"x": {"u": 5.0}, ".": {".": 5.0}}
    found, _ = proposals(tokenizer, predictions, "over x. z", "x.", subword_candidates=1)
    assert found == ["u ."]
    assert proposals(tokenizer, predictions, "over  z", "")[0] == []


def test_words_behind_the_longest_input_have_no_proposals(tokenizer):
    predictions = {word: {"z": 5.0} for word in ("h", "b", "c", "k")} | {"[SEP]": {"u": 5.0}}
    words = ["h b c k e f g x u", {"max_masked_lm_length": 8, "max_candidates": 1}]
    first, model = proposals(tokenizer, predictions, words[0], "k", **words[1])
    assert first == ["z"]
    assert [TOKENS[i] for i in model.read[0][0]] == ["[CLS]", *"hbckef", "[SEP]"]
    # As in the authors' code the word just behind it gets what is predicted in place of [SEP].
    assert proposals(tokenizer, predictions, words[0], "g", **words[1])[0] == ["u"]
    assert proposals(tokenizer, predictions, words[0], "x", **words[1])[0] == []


def test_importance_is_the_loss_and_where_the_label_changes_the_gain_of_the_new_one():
    from miniature.attack.search.authors import importance

    first = np.array([0.6, 0.3, 0.1])
    without = np.array([[0.5, 0.4, 0.1], [0.2, 0.1, 0.7], [0.7, 0.2, 0.1]])
    # By hand: 0.1; 0.4 + (0.7 - 0.1); -0.1.
    assert importance(first, without, 0) == pytest.approx([0.1, 1.0, -0.1])
    with pytest.raises(ValueError, match="shapes"):
        importance(first, without[:, :2], 0)


class ToyVictim:
    """Two classes; every word adds to the log-odds of the first. It keeps what it was asked."""

    def __init__(self, weights):
        self.weights = weights
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        odds = np.array([sum(self.weights.get(word, 0.0) for word in text.lower().split()) for text in texts])
        return np.stack([odds, np.zeros(len(odds))], axis=1).astype(np.float32)


class ToyProposals:
    """The proposals for a word are looked up; it keeps which texts were read."""

    def __init__(self, table):
        self.table = table
        self.read = []

    def places(self, words):
        self.read.append(words)
        return words

    def of_word(self, words, index, place):
        assert place == words[index]
        return self.table.get(place, [])


def search(text, weights, table, *, clock=lambda: 0.0, errors=(0.0, 0.0, 0.0), **changes):
    """Run a search to its end; a text stands for its own tokens."""
    from miniature.attack.search.answers import Answers, Ask
    from miniature.attack.search.authors import AuthorsSearch
    from miniature.attack.search.victim import ALONE, BATCHED

    victim, proposals = ToyVictim(weights), ToyProposals(table)
    answers = Answers(0, dict(enumerate(errors)), first=BATCHED if any(errors) else ALONE)
    run = AuthorsSearch(
        text, answers, proposals, lambda texts: [(text,) for text in texts], recipe(**changes),
        unknown="[UNK]", clock=clock,
    )  # fmt: skip
    steps = run.run()
    answer = None
    while True:
        try:
            request = steps.send(answer)
        except StopIteration:
            return run, victim, proposals.read
        answer = None
        if isinstance(request, Ask):
            answer = victim([key[0] for key in request.keys])
            if request.level == BATCHED:
                # Nearly as far off as the bound allows, up and down in turn.
                answer[:, 0] += 0.9 * errors[BATCHED] * np.where(np.arange(len(answer)) % 2, 1, -1)


# b weighs most, then c, then h; u helps, z does not.
WEIGHTS = {"h": 0.5, "b": 2.0, "c": 1.0, "end": 5.0, "u": 0.1, "z": 9.0, "no": -99.0}


def test_the_first_proposal_that_flips_ends_it():
    found, _, read = search("H b c end", {**WEIGHTS, "end": 0.0}, {"b": ["u", "no", "z"], "h": ["no"]})
    assert (found.outcome, found.current.text, found.after) == ("success", "h no c end", 1)
    # The original, three words replaced by [UNK], then u and no; z was not needed.
    assert found.queries == 1 + 3 + 2
    assert (found.words, found.words_changed) == (4, 1)
    # The masked LM read the original text, once.
    assert read == [["h", "b", "c", "end"]]


def test_the_best_proposal_stays_and_the_next_word_builds_on_it():
    _, victim, _ = search("h b c end", WEIGHTS, {"b": ["z", "u"], "c": ["u"], "h": ["u"]})
    assert victim.asked[4:] == ["h z c end", "h u c end", "h u u end"]
    # 40 % of 4 words are 1.6: one change, and as in the authors' code one more before it stops.
    two, *_ = search("h b c end", WEIGHTS, {"b": ["z", "u"], "c": ["u"], "h": ["u"]}, max_words_changed=0.4)
    assert (two.outcome, two.current.text, two.queries) == ("failure", "h u u end", 1 + 3 + 2 + 1)
    every, *_ = search(
        "h b c end", WEIGHTS, {"b": ["z", "u"], "c": ["u"], "h": ["u"]}, max_words_changed=None
    )
    assert every.current.text == "u u u end"


@pytest.mark.parametrize(("share", "changes"), [(0.1, 1), (0.2, 2), (0.4, 3), (0.6, 4), (1.0, 4)])
def test_one_word_more_than_the_share_may_change(share, changes):
    """int(share x 5) + 1 of five words, of which the last is never tried."""
    found, *_ = search("b b b b end", WEIGHTS, {"b": ["u"]}, max_words_changed=share)
    assert (found.words, found.words_changed) == (5, changes)


def test_the_last_word_is_never_tried_unless_asked_for():
    table = {"end": ["no"]}
    found, victim, _ = search("h b end", WEIGHTS, table)
    assert (found.outcome, found.queries) == ("failure", 3)
    assert "h b [UNK]" not in victim.asked
    found, victim, _ = search("h b end", WEIGHTS, table, score_last_word=True)
    assert (found.outcome, found.current.text) == ("success", "h b no")
    assert "h b [UNK]" in victim.asked
    one, *_ = search("end", WEIGHTS, table)
    assert (one.outcome, one.queries, one.current.text, one.words_changed) == ("failure", 1, "end", 0)


def test_stop_words_are_left_alone_whatever_their_capitals():
    table = {"the": ["no"]}
    weights = {**WEIGHTS, "the": 1.0}
    assert search("The b end", weights, table)[0].outcome == "failure"
    assert search("The b end", weights, table, skip_stopwords=False)[0].outcome == "success"


def test_where_nothing_helps_the_last_one_tried_stays():
    table = {"b": ["z", "zz"], "c": ["u"]}
    weights = {**WEIGHTS, "zz": 8.0}
    kept, victim, _ = search("h b c end", weights, table)
    assert kept.current.text == "h zz u end"
    # It counts as a difference of the text, not as a change that uses up the share.
    assert kept.words_changed == 2
    left, victim, _ = search("h b c end", weights, table, keep_last_tried=False)
    assert left.current.text == "h b u end"
    assert victim.asked[-1] == "h b u end"


def test_a_text_that_nothing_changed_is_the_original_itself():
    found, *_ = search("H B\nc end", WEIGHTS, {})
    assert (found.outcome, found.current.text, found.words_changed) == ("failure", "H B\nc end", 0)


@pytest.mark.parametrize(
    ("budget", "outcome", "text"),
    [
        (1, "query_budget", "h b c end"),
        (3, "query_budget", "h b c end"),
        (4, "query_budget", "h b c end"),
        # One proposal can still be looked at: z does not help and stays.
        (5, "query_budget", "h z c end"),
        (6, "query_budget", "h u c end"),
        (7, "query_budget", "h u u end"),
        (8, "failure", "h u u end"),
    ],
)
def test_budget_of_queries(budget, outcome, text):
    found, victim, _ = search("h b c end", WEIGHTS, {"b": ["z", "u"], "c": ["u"]}, query_budget=budget)
    assert (found.outcome, found.current.text) == (outcome, text)
    assert found.queries == min(budget, 7)
    assert len(victim.asked) == found.queries


def test_budget_of_time():
    ticks = iter([0.0, 1.0, 4.0])
    found, *_ = search(
        "h b c end", WEIGHTS, {"b": ["z", "u"], "c": ["u"]}, clock=lambda: next(ticks), max_seconds=3
    )
    assert (found.outcome, found.current.text) == ("time_budget", "h u c end")


def test_equally_important_words_are_tried_from_the_left():
    _, victim, _ = search("b b b end", {"b": 1.0, "u": 0.5, "end": 9.0}, {"b": ["u"]}, max_words_changed=None)
    assert victim.asked[4:] == ["u b b end", "u u b end", "u u u end"]


@pytest.mark.parametrize("seed", range(12))
def test_estimates_change_nothing_but_what_is_read(seed):
    """Batched answers that are off by their bound lead to what exact ones lead to."""
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(8)]
    weights = {word: float(rng.normal()) for word in [*words, *(f"n{i}" for i in range(20))]}
    # Ties and near ties, too.
    weights |= {"w3": weights["w4"], "n1": weights["n0"] + 1e-4, "end": 3.0}
    table = {word: [f"n{i}" for i in rng.choice(20, size=4, replace=False)] for word in words}
    text = " ".join([*rng.permutation(words), "end"])
    exact, victim, _ = search(text, weights, table)
    for error in (1e-4, 0.05, 0.5):
        rough, other, _ = search(text, weights, table, errors=(0.0, error, 0.0))
        for name in ("outcome", "before", "after", "queries", "words_changed"):
            assert getattr(rough, name) == getattr(exact, name), (error, name)
        assert rough.current == exact.current
        assert set(other.asked) == set(victim.asked)
