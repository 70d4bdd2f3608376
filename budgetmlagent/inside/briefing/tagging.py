"""Tagging: sequences of tokens, each with a label, in JSON, in columns of text, in lines of a table, in arrays."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .given import Given
from .reading import quote
from .scores import scoring

LINES = (".txt", ".conll", ".tsv", ".iob")


@dataclass(frozen=True)
class Lists:
    """A list of sequences of strings (or numbers) and the expression that reads it."""

    value: list[list[Any]]
    code: str
    file: str
    name: str

    @property
    def lengths(self) -> list[int]:
        """The length of each sequence."""
        return [len(sequence) for sequence in self.value]


def describe(given: Given) -> dict[str, Any]:
    """`tagging`: code that makes `tokens`, `tags`, `test_tokens` and writes `answers`, lists of lists. {} if none."""
    found = [*from_json(given), *from_columns(given), *from_lines(given), *from_arrays(given)]
    trains = [lists for lists in found if "test" not in lists.file.lower()]
    trains = [lists for lists in trains if not lists.name.lower().startswith("test")]
    for tags in trains:
        labels = {tag for sequence in tags.value for tag in sequence}
        if not 2 <= len(labels) <= 200:
            continue
        for tokens in [lists for lists in trains if lists is not tags and lists.lengths == tags.lengths]:
            if len({token for sequence in tokens.value for token in sequence}) <= len(labels):
                continue
            for test in tests(found, tokens, tags):
                if write := written(given, test, labels):
                    return briefing(tokens, tags, test, write, labels, given)
    return {}


def tests(found: list[Lists], tokens: Lists, tags: Lists) -> list[Lists]:
    """What has the tokens' name and no labels beside it."""
    name = tokens.name.lower().replace("train", "")
    labelled = {lists.file for lists in found if lists.name == tags.name}
    return [
        lists for lists in found
        if lists is not tokens and lists is not tags and lists.name.lower().replace("test", "") == name
        and (lists.file not in labelled or (lists.file == tags.file and lists.name != tokens.name))
    ]  # fmt: skip


def from_json(given: Given) -> list[Lists]:
    """Fields of the records of JSON files (and of JSON lines), and dictionaries of such lists."""
    found = []
    for name, (value, reader) in given.files.values.items():
        groups = {"": value} if isinstance(value, list) else value if isinstance(value, dict) else {}
        for key, records in groups.items():
            code = f"{reader}[{quote(key)}]" if key else reader
            if not isinstance(records, list) or not records:
                continue
            if isinstance(records[0], dict):
                for field in records[0]:
                    values = [record.get(field) for record in records]
                    if listed(values):
                        cells = f"[record[{quote(field)}] for record in {code}]"
                        found.append(Lists(values, cells, f"{name}:{key}", field))
            elif listed(records):
                found.append(Lists(records, code, name, str(key)))
    return found


def listed(values: Sequence[Any]) -> bool:
    """Whether all values are lists of strings or whole numbers."""
    return all(isinstance(v, list) and all(isinstance(t, str | int) for t in v[:3]) for v in values)


def from_columns(given: Given) -> list[Lists]:
    """Columns of tables whose cells are sequences: words between blanks, or strings of letters."""
    found = []
    for column in given.files.columns:
        if column.value.dtype.kind not in "OU" or not all(isinstance(v, str) for v in column.value.tolist()):
            continue
        cells = [str(v) for v in column.value.tolist()]
        words = sum(" " in cell for cell in cells) > len(cells) / 2
        value = [cell.split() if words else list(cell) for cell in cells]
        code = f"[{'cell.split()' if words else 'list(cell)'} for cell in {column.code}]"
        found.append(Lists(value, code, column.file, column.name))
    return found


def from_lines(given: Given) -> list[Lists]:
    """Texts with a token a line, its label behind it, and an empty line between sequences."""
    found = []
    for name, text in given.files.texts.items():
        if not name.lower().endswith(LINES):
            continue
        blocks = io.StringIO(text, newline=None).read().strip("\n").split("\n\n")
        rows = [[line.split() for line in block.splitlines()] for block in blocks]
        widths = {len(row) for block in rows for row in block}
        if len(blocks) < 3 or len(widths) != 1 or min(widths) not in (1, 2, 3, 4):
            continue
        last = min(widths) - 1
        read = (
            f'Path({quote(name)}).read_text(encoding="utf-8", errors="replace").strip("\\n").split("\\n\\n")'
        )
        for k, field in {0: "tokens", **({last: "tags"} if last else {})}.items():
            code = f"[[line.split()[{k}] for line in block.splitlines()] for block in {read}]"
            found.append(Lists([[row[k] for row in block] for block in rows], code, name, field))
    return found


def from_arrays(given: Given) -> list[Lists]:
    """Matrices of whole numbers or short strings, a sequence a row."""
    found = []
    for array in given.files.arrays:
        if len(array.shape) == 2 and array.value.dtype.kind in "iuU" and 4 <= array.shape[1] <= 5000:
            file = f"{array.file}:{array.role}"
            found.append(Lists(array.value.tolist(), f"{array.code}.tolist()", file, array.base))
    return found


def written(given: Given, test: Lists, labels: set[Any]) -> str:
    """Code that writes `answers`, a list of lists of labels like `test`; "" where the submission is something else."""
    path, name, value = given.file, given.name, given.value
    if path is None or value is None:
        return ""
    if path.suffix == ".json":
        rows = list(value.values()) if isinstance(value, dict) else value
        if listed(rows) and [len(row) for row in rows] == test.lengths:
            shape = f"dict(zip({list(value)!r}, answers))" if isinstance(value, dict) else "answers"
            return f"Path({quote(name)}).write_text(json.dumps({shape}))"
    if path.suffix == ".npy" and value.shape == (len(test.value), test.lengths[0]):
        return f"np.save({quote(name)}, np.array(answers))"
    if path.suffix == ".npz" and len(given.submission.get("arrays") or {}) == 1:
        key, facts = next(iter(given.submission["arrays"].items()))
        if list(facts["shape"]) == [len(test.value), test.lengths[0]]:
            array = f"np.array(answers).astype({quote(facts['dtype'])})"
            return f"np.savez_compressed({quote(name)}, {key}={array})"
    if path.suffix == ".txt":
        lines = value.strip("\n").split("\n")
        if [len(line.split()) for line in lines] == test.lengths:
            return (
                f'Path({quote(name)}).write_text("\\n".join(" ".join(map(str, a)) for a in answers) + "\\n")'
            )
        if len([line for line in lines if line.strip()]) == sum(test.lengths):
            gap = "\\n\\n" if "" in lines else "\\n"
            return f'Path({quote(name)}).write_text("{gap}".join("\\n".join(map(str, a)) for a in answers) + "\\n")'
    if path.suffix != ".csv":
        return ""
    frame = pd.read_csv(path, keep_default_na=False)  # "NA" and "None" are labels here
    return written_table(frame, name, test, labels)


def written_table(frame: Any, name: str, test: Lists, labels: set[Any]) -> str:
    """The same for a table with a row a token or a row a sequence."""
    texts = {str(label) for label in labels}
    last = frame.columns[-1]
    keep = ", ".join(f"{quote(str(c))}: {frame[c].tolist()!r}" for c in frame.columns[:-1])
    if len(frame) > 3 and all(frame[c].tolist() == list(range(len(frame))) for c in frame.columns[:-1]):
        keep = ", ".join(f"{quote(str(c))}: range({len(frame)})" for c in frame.columns[:-1])
    elif len(keep) > 100_000:
        return ""
    keep += ", " if keep else ""
    if len(frame) == sum(test.lengths) and set(frame[last].astype(str)) <= texts:
        return f"pd.DataFrame({{{keep}{quote(last)}: [tag for answer in answers for tag in answer]}}).to_csv({quote(name)}, index=False)"
    for mark, split in ((" ", str.split), ("", list)):
        if len(frame) == len(test.value) and [len(split(str(v))) for v in frame[last]] == test.lengths:
            join = f'["{mark}".join(map(str, answer)) for answer in answers]'
            return f"pd.DataFrame({{{keep}{quote(last)}: {join}}}).to_csv({quote(name)}, index=False)"
    return ""


def briefing(
    tokens: Lists, tags: Lists, test: Lists, write: str, labels: set[Any], given: Given
) -> dict[str, Any]:
    """The partial briefing."""
    load = f"tokens = {tokens.code}\ntags = {tags.code}\ntest_tokens = {test.code}"
    words = any(isinstance(t, str) and len(t) > 1 for s in tokens.value[:200] for t in s)
    total = sum(tokens.lengths)
    tagging = {"load": load, "write": write, "labels": len(labels), "total": total, "words": words}
    tagging |= scoring(given.metric["name"], "class", len(labels) == 2)
    text = (
        f"Tagging: {len(tokens.value)} sequences of {total} {'words' if words else 'symbols'} in all, each with one of "
        f"{len(labels)} labels; {len(test.value)} sequences to be labelled, in {given.name}"
    )
    return {"kinds": ["tagging"], "tagging": tagging, "summary": text}
