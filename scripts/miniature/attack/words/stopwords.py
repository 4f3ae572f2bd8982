"""English function words, which an attack does not change.

The list is this project's own, compiled by word class. It replaces NLTK's list, which is a download, and is
somewhat longer (modal verbs, more prepositions and indefinite pronouns): keep the difference in mind when
comparing results with those of others.
"""

_CLASSES = {
    "articles and determiners": (
        "a an the this that these those each every either neither some any no all both half few more most "
        "much many other another such same own what which whose"
    ),
    "pronouns": (
        "i me my mine myself you your yours yourself yourselves he him his himself she her hers herself "
        "it its itself we us our ours ourselves they them their theirs themselves who whom someone "
        "somebody something anyone anybody anything everyone everybody everything nobody nothing none"
    ),
    "auxiliaries": (
        "am is are was were be been being have has had having do does did doing done will would shall "
        "should can could may might must ought cannot"
    ),
    "prepositions": (
        "of at by for with about against between into through during before after above below to from up "
        "down in out on off over under upon among around behind beside beyond near onto since toward "
        "towards until till within without along across per via than as"
    ),
    "conjunctions": ("and but or nor so yet if because while although though unless whether whereas"),
    "adverbs of grammar": (
        "not again further then once here there when where why how only just too very now also ever never "
        "however"
    ),
    "contractions": (
        "i'm i've i'd i'll you're you've you'd you'll he's he'd he'll she's she'd she'll it's it'd it'll "
        "we're we've we'd we'll they're they've they'd they'll that's that'll that'd who's what's there's "
        "here's let's isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't won't "
        "wouldn't shan't shouldn't should've can't couldn't could've mightn't mustn't needn't would've "
        "ain't"
    ),
    "pieces of contractions": (
        "s t d m o y ll re ve ain don aren isn wasn weren didn doesn hadn hasn haven won wouldn shan "
        "shouldn couldn mightn mustn needn ma"
    ),
}

STOPWORDS = frozenset(word for words in _CLASSES.values() for word in words.split())
