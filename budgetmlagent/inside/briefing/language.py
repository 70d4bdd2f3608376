"""Language models: from a text to learn from and the beginnings in a test file to what comes next."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .given import Given
from .reading import quote
from .stock import Array
from .writing import Writing, writing

TEXTS = (".txt", ".text", ".md", ".tokens")


@dataclass(frozen=True)
class Part:
    """A value in a file and the expression that reads it."""

    value: Any
    code: str
    file: str


def describe(given: Given) -> dict[str, Any]:
    """`language`: code that makes `stream` (numbers of symbols) and `contexts` (a list of such arrays). {} if none."""
    parts, held = read(given), given.files.arrays
    contexts = beginnings(parts, held, given)
    written = writing(given, given.files.columns) if contexts else None
    if contexts is None or written is None or written.shape[0] != given.rows:
        return {}
    if isinstance(contexts, Array):
        return numbers(contexts, held, written, given)
    long = [p for p in parts if isinstance(p.value, str) and len(p.value) > 5000 and "test" not in p.file]
    text = max(long, key=lambda part: len(part.value), default=None)
    return letters(contexts, text, parts, written, given) if text else {}


def read(given: Given) -> list[Part]:
    """Whole texts, and the strings and lists of JSON files, one level deep."""
    found, files = [], given.files
    for name in files.paths:
        if name.lower().endswith(TEXTS) and name in files.texts:
            text, reader = files.texts[name], f'Path({quote(name)}).read_bytes().decode(errors="replace")'
            found += [Part(text, reader, name), Part(text.splitlines(), f"{reader}.splitlines()", name)]
        elif name.lower().endswith(".json") and name in files.values:
            value, reader = files.values[name]
            found.append(Part(value, reader, name))
            if isinstance(value, dict):
                found += [Part(item, f"{reader}[{quote(key)}]", name) for key, item in value.items()]
    for column in files.columns:
        if column.value.dtype.kind in {"O", "U"}:
            values = [str(v) for v in column.value.tolist()]
            found.append(Part(values, f"{column.code}.tolist()", column.file))
    return found


def beginnings(parts: list[Part], held: list[Array], given: Given) -> Part | Array | None:
    """The contexts of the test, one for each row of the submission; None where there are none."""
    for part in parts:
        texts = part.value if isinstance(part.value, list) and "train" not in part.file else []
        fit = len(texts) == given.rows and all(isinstance(text, str) for text in texts)
        if fit and sum(map(len, texts)) > 8 * given.rows:
            return part
    tests = [a for a in held if a.role == "test" and a.whole and len(a.shape) == 2]
    return next((a for a in tests if a.shape[0] == given.rows and a.shape[1] > 3), None)


def distribution(written: Writing) -> bool:
    """Whether each row of the submission is a distribution."""
    value = np.asarray(written.values)
    return value.ndim == 2 and value.dtype.kind == "f" and bool(np.allclose(value.sum(1), 1, atol=0.01))


def letters(contexts: Part, text: Part, parts: list[Part], written: Writing, given: Given) -> dict[str, Any]:
    """The briefing of symbols that are characters or words of a text."""
    full = distribution(written)
    size = written.shape[1] if full else 0
    alphabet = next(
        (p for p in parts if full and isinstance(p.value, str | list) and len(p.value) == size and p is not contexts
         and all(isinstance(s, str) for s in p.value) and len(set(p.value)) == size),
        None,
    )  # fmt: skip
    characters = alphabet is None or all(len(symbol) == 1 for symbol in alphabet.value)
    if alphabet is not None:
        code = alphabet.code
    elif written.names and full:
        code = repr(list(written.names))
        characters = max(map(len, written.names)) == 1
    elif (full and len(set(text.value)) == size) or (
        not full and written.values.dtype.kind in "OU" and all(len(str(v)) == 1 for v in written.values)
    ):
        code = f"sorted(set({text.code}))"
    else:
        return {}
    cut = "" if characters else ".split()"
    load = (
        f"alphabet = {code}\nindex = {{symbol: i for i, symbol in enumerate(alphabet)}}\nV = len(alphabet)  # V stands for anything else\n"
        f"stream = np.array([index.get(symbol, V) for symbol in {text.code}{cut}])\n"
        f"contexts = [np.array([index.get(symbol, V) for symbol in text{cut}], dtype=int) for text in {contexts.code}]"
    )
    facts = {
        "symbols": "characters" if characters else "words",
        "length": len(text.value if characters else text.value.split()), "size": size or len(set(text.value)),
        "answer": "prediction = P" if full else "prediction = np.array(alphabet)[P.argmax(1)]",
    }  # fmt: skip
    return briefing(load, written, given, facts, full)


def numbers(contexts: Array, held: list[Array], written: Writing, given: Given) -> dict[str, Any]:
    """The briefing of symbols that are numbers already."""
    streams = [a for a in held if a.whole and a.role != "test" and len(a.shape) in (1, 2)]
    streams = [a for a in streams if a is not contexts and a.value.size > 5000]
    stream = max(streams, key=lambda a: a.value.size, default=None)
    if stream is None or not distribution(written):
        return {}
    size = written.shape[1]
    if max(int(stream.value.max()), int(contexts.value.max())) >= size:
        return {}
    code = f"{stream.code}.astype(int)"
    if len(stream.shape) == 2:  # sequences in rows are joined by a mark, so that none runs into the next
        code = f"np.pad({code}, ((0, 0), (0, 1)), constant_values=V).ravel()"
    load = f"V = {size}  # V stands for the end of a sequence\nstream = {code}\ncontexts = list({contexts.code}.astype(int))"
    facts = {"symbols": "tokens", "length": int(stream.value.size), "size": size, "answer": "prediction = P"}
    return briefing(load, written, given, facts, full=True)


def briefing(load: str, written: Writing, given: Given, facts: dict[str, Any], full: bool) -> dict[str, Any]:
    """The partial briefing."""
    unit = "accuracy" if not full else "log_loss" if given.metric["name"] == "log_loss" else "bits"
    language = {"load": load, "write": written.code, "unit": unit, "rows": given.rows, **facts}
    text = (
        f"A language model over {facts['size']} {facts['symbols']}, {facts['length']} of them to learn from; for each of "
        f"{given.rows} beginnings {'the distribution of the next one' if full else 'the next one'} is predicted, written "
        f"by: {written.code}"
    )
    kinds = ["language_model", f"language_{facts['symbols']}"]
    return {"kinds": kinds, "language": language, "summary": text}
