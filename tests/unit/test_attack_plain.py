"""The preset `reference` beside a plain loop over the same tiny models."""

import pytest

from miniature.attack.words.stopwords import STOPWORDS
from other_attacks import LABELS, LENGTH, SHARE, attack, load


def plain_authors_attack(other_models, text, label, k):
    """The loop of the authors' code, written down as it is described, one query and one read at a time."""
    import itertools

    import torch

    victim, tokenizer = load(other_models / "victim", "classification")
    lm, lm_tokenizer = load(other_models / "lm", "masked-lm")
    queries = 0

    @torch.no_grad()
    def ask(text):
        nonlocal queries
        queries += 1
        inputs = tokenizer(text, truncation=True, max_length=LENGTH, return_tensors="pt")
        return torch.softmax(victim(**inputs).logits[0], dim=0).double().numpy()

    @torch.no_grad()
    def read(ids):
        return lm(input_ids=torch.tensor(ids)).logits

    first = ask(text)
    if first.argmax() != label:
        return "skipped", None, 1
    words = text.replace("\n", "").lower().split(" ")
    pieces = [lm_tokenizer.tokenize(word) for word in words]
    flat = list(itertools.chain(*pieces))[: LENGTH - 2]
    logits = read([lm_tokenizer.convert_tokens_to_ids(["[CLS]", *flat, "[SEP]"])])[0][1:]
    scores = []
    for i in range(len(words) - 1):
        without = ask(" ".join([*words[:i], "[UNK]", *words[i + 1 :]]))
        score = first[label] - without[label]
        if without.argmax() != label:
            score += without.max() - first[without.argmax()]
        scores.append(score)
    now, current, changed, start = list(words), first[label], 0, [0, *itertools.accumulate(map(len, pieces))]
    for i in sorted(range(len(scores)), key=lambda i: scores[i], reverse=True):
        if changed > int(SHARE * len(words)):
            break
        if words[i] in STOPWORDS or start[i] > LENGTH - 2:
            continue
        rows = logits[start[i] : start[i + 1]]
        if len(rows) == 1:
            found = lm_tokenizer.convert_ids_to_tokens(rows[0].topk(k).indices.tolist())
        elif len(rows):
            tops = [row.topk(min(4, k)).indices.tolist() for row in rows[:12]]
            products = list(itertools.product(*tops))[:24]
            losses = [
                float(torch.nn.functional.cross_entropy(read([ids])[0], torch.tensor(ids)))
                for ids in products
            ]
            order = sorted(range(len(products)), key=losses.__getitem__)
            found = [
                " ".join(lm_tokenizer.convert_ids_to_tokens(products[j])).replace(" ##", "").strip()
                for j in order
            ]
        else:
            found = []
        best, helpful, last = 0.0, None, now[i]
        for new in found:
            if new == words[i] or "##" in new or new in STOPWORDS:
                continue
            last = new
            tried = " ".join([*now[:i], new, *now[i + 1 :]]).replace(" ##", "").strip()
            answer = ask(tried)
            if answer.argmax() != label:
                return "success", tried, queries
            if current - answer[label] > best:
                best, helpful = current - answer[label], new
        now[i] = last if helpful is None else helpful
        if helpful is not None:
            changed, current = changed + 1, current - best
    return "failure", " ".join(now).replace(" ##", "").strip() if now != words else text, queries


@pytest.mark.slow
def test_reference_equals_the_plain_loop(other_models, other_examples, tmp_path):
    rows = [(id, f"{text} unlovely overdark", label) for id, text, label in other_examples]
    recipe = {"preset": "reference", "masked_lm": "lm", "max_candidates": 6, "max_masked_lm_length": LENGTH}
    table = attack(other_models, rows, tmp_path / "j", recipe)
    for id, text, label in rows:
        outcome, changed, queries = plain_authors_attack(other_models, text, LABELS.index(label), 6)
        mine = table.loc[id]
        assert (mine["outcome"], mine["queries"]) == (outcome, queries), id
        if outcome != "skipped":
            assert mine["perturbed_text"] == changed
    counts = table["outcome"].value_counts()
    assert min(counts.get(outcome, 0) for outcome in ("success", "failure", "skipped")) >= 2
    # What an example comes to does not depend on the others.
    some = rows[::-4]
    assert attack(other_models, some, tmp_path / "k", recipe).equals(table.loc[[id for id, *_ in some]])
