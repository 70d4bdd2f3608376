"""What a model is told of what a script said: words that stood elsewhere, and a mark for all the rest.

A script has read the data, and may put a row wherever it can put words: into a message, an exception's name, a header. So
nothing that it says is taken for what it looks like. Shown are words of the texts that the model knows already, phrases of
the libraries' own errors (`phrases.txt`), names of their classes and options (`names.txt`) and a few small numbers. All
models are told the same, on this machine or elsewhere: what one of them says may stand in another's prompt.
"""

import re
from collections.abc import Collection, Mapping, Sequence, Set
from functools import cache
from itertools import pairwise
from pathlib import Path

MARK = "..."
LIMIT, OUTPUT = 300, 700  # characters of a text, and of the end of an output
PHRASE = 3  # words in a row of a library's phrase that are shown; fewer only where they are the whole phrase
# Numbers, those of them in a row, and words of one or two letters, that are shown at most: many could spell any word.
NUMBERS, ROW, SHORT = 5, 3, 8
MEASURED = 10  # numbers behind the name of a measure, and as many times, that are shown of an output
# Words of the script's alone, and names, that are shown at most: whoever writes a script makes an alphabet of its words.
OWN, NAMES = 8, 8
LABELS = 24  # pieces of the script's words in an output: there they say what was measured
BETWEEN = 6  # characters between two words
WORD = re.compile(r"[^\W\d]\w*|\d+(?:[-.:/]\d+)*\w*")  # joined digits are one word: a date, a decimal number
SMALL = re.compile(r"[0-9]{1,3}|[0-9]\.[0-9]")
QUOTED = re.compile(r"""(?<!\w)(['"])([^'"]+)\1(?!\w)""")
STRANGE = re.compile(r"[^\w .,:;='\"()\[\]{}<>*+-]+")
# Behind these words and a colon stands a value of the data, even if it looks like a word of the libraries.
DATA = re.compile(
    "(?i)(?:could not convert|invalid literal|unseen labels|unknown categor|time data|label type)[^:]*:"
)
# A script's own measurements: the numbers behind these words, rounded, as few as the others.
MEASURES = frozenset({
    "accuracy", "acc", "auc", "bleu", "cer", "dice", "error", "f1", "gini", "iou", "kappa", "logloss", "loss", "mae", "map",
    "mape", "mcc", "mse", "ndcg", "per", "perplexity", "precision", "r2", "recall", "rmse", "rmsle", "score", "smape", "wer",
})  # fmt: skip
# Words behind which a number tells how long a step took, unless they stand in a text about the data: they may name a column.
TIMES = frozenset({"duration", "elapsed", "sec", "seconds", "secs", "time", "took"})
SPAN = frozenset({"in", "after", "at", "took"})  # and behind which "12.34s" or "12.34 s" does
UNITS = frozenset({"s", "sec", "secs", "seconds"})
DECIMAL, DIGITS = re.compile(r"[0-9]{1,6}\.[0-9]{1,17}"), 3
SECONDS = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,6})?)s")
PLAIN = frozenset({
    "a", "inf", "nan", "NaN", "NoneType", "Errno", "str", "int", "float", "bool", "list", "tuple", "dict", "set", "array", "object",
})  # fmt: skip


def told(text: str, *known: str, script: str = "", measured: bool = False) -> str:
    """Return what a model may be told of `text`: one line of at most 300 characters, of an output 700.

    Each word that stands in a text of `known` is kept, in quotes only as it stands there, and what is the libraries'. Of words
    that stand in the `script` alone are kept those of the first 8 pieces, each as it stands there. Of what is left out in a
    row stays one mark. With `measured`, the text is the end of an output, whose end counts most: of the script's pieces the last 24
    are kept, those before that say whose a measure is, and the last 10 decimal numbers right behind the name of a measure (`accuracy`, `accuracy_b`), or a word of the script's behind it, and the last 10
    durations, "in 12.34s", "at 12.34 s" or "time 12.34", all to three digits; and beside a few small numbers those that say with what something was measured.
    """
    most = OUTPUT if measured else LIMIT
    line = STRANGE.sub(" ", text[: 2 * most])
    line = line if len(line) <= most else line[: most - len(MARK)] + MARK
    words = list(WORD.finditer(line))
    said = [word[0] for word in words]
    own, *others = [f" {' '.join(WORD.findall(text))} " for text in (script, *known)]
    texts, theirs_too = [own, *others], {word for text in others for word in text.split()}
    held = theirs_too.union(own.split())
    data = DATA.search(line)
    theirs = sum(1 for word in words if data is None or word.start() < data.end())  # words before a value
    phrased = _phrased(said[:theirs])
    shown = phrased | {i for i, word in enumerate(said) if word in held} | _named(said[:theirs], phrased)
    hidden = set(range(theirs, len(said)))
    for quoted in QUOTED.finditer(line):
        inside = {i for i, word in enumerate(words) if quoted.start(2) <= word.start() < quoted.end(2)}
        if " " not in quoted[2] and all(said[i] in _names() and i < theirs for i in inside):
            shown |= inside
        elif not any(f" {' '.join(said[i] for i in sorted(inside))} " in text for text in texts):
            shown, hidden = shown - inside, hidden | inside
    numbers, names, labels = dict[int, str](), set[int](), set[int]()
    if measured:
        timed = _times(line, words, TIMES - theirs_too)
        known_as = _measuring(said, theirs_too, set(own.split()))
        measures = dict(list(_measures(line, words, set(own.split()), known_as.keys()).items())[-MEASURED:])
        numbers = dict(list(timed.items())[-MEASURED:]) | measures
        names, labels = _called(line, words, measures, set(own.split()), known_as.keys())
        numbers |= {i: known_as[said[i].lower()] for i in names if said[i] not in held}
        names = {place for place in names if said[place] in MEASURES}  # no spelling of the script's own
    chosen = [i for i in sorted(shown - phrased - names) if said[i] not in theirs_too]
    shown -= _beyond(said, chosen, own, labels, last=measured)
    shown |= {i + 1 for i in numbers if said[i + 1 : i + 2] and said[i + 1] in UNITS}
    return _written(line, words, _few(said, shown, phrased, hidden, labels, last=measured), numbers)


def _called(
    line: str, words: Sequence[re.Match[str]], measures: Collection[int], own: Set[str], known: Set[str]
) -> tuple[set[int], set[int]]:
    """Return the places of the measures' names before these numbers, and of the script's words and small numbers that say whose they are."""
    names = {place - 1 if words[place - 1][0].lower() in known else place - 2 for place in measures}
    labels = {place - 1 for place in measures} - names
    labels |= {name for name in names if words[name][0].lower() not in MEASURES}
    for name in names:
        before = name
        while before and _joined(line, words[before - 1 : before + 1]):
            before -= 1
            if words[before][0] not in own and not SMALL.fullmatch(words[before][0]):
                break
            labels.add(before)
    return names, labels


def _measuring(said: Sequence[str], theirs: Set[str], own: Set[str]) -> dict[str, str]:
    """Return the measures by the words that name them: themselves, and of `said` those that hold one, as `accuracy_b` does.

    Such a word stands in the script, or the piece of it with the measure does, as `_rmse` in `f"{name}_rmse"`: others may be cells.
    Words that stand in a text about the data, however they are written, are none of these: `credit_score` may be a column.
    """
    columns = {word.lower() for word in theirs}
    pieces = tuple(word for word in own if word[0] == "_" or word[-1] == "_")
    found = dict[str, str]()
    for word in {word for word in said if word.lower() not in columns}:
        parts = [word] if word in own else [p for p in pieces if word.startswith(p) or word.endswith(p)]
        names = {name for part in parts for name in part.lower().split("_")} & MEASURES
        if names:
            found[word.lower()] = min(names)
    return found | {name: name for name in MEASURES}


def _beyond(
    said: Sequence[str], chosen: Sequence[int], own: str, labels: Set[int], *, last: bool
) -> set[int]:
    """Return those of the `chosen` places that are too many: of pieces of the script but the first, or `last`, and of names.

    Of the last pieces those come first that say what was measured.
    """
    mine = set(own.split())
    named = [
        i for i in chosen if said[i] not in mine and said[i] not in PLAIN and not SMALL.fullmatch(said[i])
    ]
    pieces: list[list[int]] = []
    for i in (i for i in chosen if said[i] in mine and said[i] not in PLAIN):
        if pieces and i == pieces[-1][-1] + 1 and f" {' '.join(said[pieces[-1][0] : i + 1])} " in own:
            pieces[-1].append(i)
        else:
            pieces.append([i])
    wanted = sorted(pieces, key=lambda piece: not labels.isdisjoint(piece))  # the most wanted at the end
    many = wanted[:-LABELS] if last else pieces[OWN:]
    return {*named[NAMES:], *(i for piece in many for i in piece)}


def measured(line: str, script: str) -> list[str]:
    """Return the numbers of a line of 700 characters at most that measure something, as `told` tells them."""
    line = line[:OUTPUT]
    return list(_measures(line, list(WORD.finditer(line)), set(WORD.findall(script))).values())


def is_name(word: str) -> bool:
    """Tell whether a word is a name of the libraries: of a class, an option, a value of one."""
    return word in _names() or word in PLAIN


def _phrased(said: Sequence[str]) -> set[int]:
    """Return the places of words that make a phrase of the libraries', or three words of one."""
    found = set[int]()
    for length in range(1, PHRASE + 1):
        for i in range(len(said) - length + 1):
            if " ".join(said[i : i + length]) in _phrases():
                found |= {*range(i, i + length)}
    return found


def _named(said: Sequence[str], phrased: set[int]) -> set[int]:
    """Return the places of the libraries' names: those that look like no other word, or fill the hole of a phrase."""
    odd = {i for i, word in enumerate(said) if word != word.lower() or not word.isalpha()}
    holes = {i for i in range(len(said)) if {i - 1, i + 1} <= phrased}
    return {i for i, word in enumerate(said) if word in PLAIN or (word in _names() and i in odd | holes)}


def _few(
    said: Sequence[str], shown: set[int], phrased: set[int], apart: set[int], labels: Set[int], *, last: bool
) -> set[int]:
    """Return `shown` with the first small numbers (counts, shapes, bounds) that are not `apart`, or the `last`, and few short words.

    Those in `labels` of measures, which say with what they were measured, count by themselves.
    """
    small = {i for i, word in enumerate(said) if SMALL.fullmatch(word)}
    short = {i for i in shown - small if len(said[i]) == 1 or (len(said[i]) < PHRASE and i not in phrased)}
    numbers = [i for i in sorted(small & shown | small - apart) if not small.issuperset(range(i - ROW, i))]
    labelling = [i for i in numbers if i in labels][-MEASURED:]
    numbers, words = [i for i in numbers if i not in labels], sorted(short)
    few = (*numbers[-NUMBERS:], *words[-SHORT:]) if last else (*numbers[:NUMBERS], *words[:SHORT])
    return (shown - small - short) | {*labelling, *few}


def _measures(
    line: str, words: Sequence[re.Match[str]], own: Set[str], measures: Set[str] = MEASURES
) -> dict[int, str]:
    """Return the places of numbers that measure something, each rounded; `own` are words that may label one."""
    found = dict[int, str]()
    for place, word in enumerate(words):
        labelled = place > 1 and words[place - 1][0] in own
        names = [at for at in (place - 1, place - 2 if labelled else -1) if at >= 0]
        if DECIMAL.fullmatch(word[0]) and any(
            _measures_by(line, words[at : place + 1], measures) for at in names
        ):
            found[place] = f"{float(word[0]):.{DIGITS}g}"
    return found


def _times(line: str, words: Sequence[re.Match[str]], names: Set[str]) -> dict[int, str]:
    """Return the places of durations, each rounded: "time 12.34", "in 12.34s", "at 12.34 s"; `names` are the words that may name one."""
    found = _measures(line, words, set(), names)
    for place, (name, word) in enumerate(pairwise(words), 1):
        unit = words[place + 1] if place + 1 < len(words) else None
        apart = unit and unit[0] in UNITS and line[word.end() : unit.start()] == " "
        took = SECONDS.fullmatch(f"{word[0]}s" if apart else word[0])
        if took and _measures_by(line, [name, word], names | SPAN):
            seconds = float(took[1])
            rounded = f"{seconds:.0f}" if seconds >= 10**DIGITS else f"{seconds:.{DIGITS}g}"
            found[place] = rounded + ("" if apart else "s")
    return dict(sorted(found.items()))


def _measures_by(line: str, words: Sequence[re.Match[str]], measures: Set[str]) -> bool:
    """Tell whether the first of `words` is one of `measures`, and nothing but what joins a name to its value stands between them."""
    return words[0][0].lower() in measures and _joined(line, words)


def _joined(line: str, words: Sequence[re.Match[str]]) -> bool:
    """Tell whether nothing but what joins a name to its value stands between words."""
    return not any(line[one.end() : two.start()].strip(" :=(-") for one, two in pairwise(words))


def _written(line: str, words: Sequence[re.Match[str]], shown: set[int], numbers: Mapping[int, str]) -> str:
    """Return the line with a mark for what is neither shown nor among the `numbers`; what stands between words is cut short."""
    parts, end = list[str](), 0
    for i, word in enumerate(words):
        kept = numbers.get(i, word[0] if i in shown else "\0")
        parts += [line[end : word.start()][:BETWEEN], kept]
        end = word.end()
    text = "".join([*parts, line[end:][:BETWEEN]])
    return re.sub(r"\0(?:[^\w\0]*\0)*", MARK, text).strip()


@cache
def _phrases() -> frozenset[str]:
    """Return the libraries' phrases: the short ones whole, of the others each three words in a row."""
    lines = [line.split() for line in Path(__file__).with_name("phrases.txt").read_text("utf-8").splitlines()]
    return frozenset(
        " ".join(line[i : i + PHRASE]) for line in lines for i in range(max(1, len(line) - PHRASE + 1))
    )


@cache
def _names() -> frozenset[str]:
    return frozenset(Path(__file__).with_name("names.txt").read_text("utf-8").split())
