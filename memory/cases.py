"""The case bank: ways that work, each a Markdown file.

A case is a front matter in YAML, prose (when it applies, its idea), and one ```python fence: a Jinja2 template over the
data briefing that renders to a whole script. A case with an `edit` and no fence changes the current script instead.

    ---
    title: Gradient boosting on the table's columns
    kinds: [table]          # all must hold
    not: [text]             # none may hold
    rank: 20                # lower is tried first
    edit: {op: ...}         # only where the case is no template
    ---

Files whose names begin with an underscore hold shared templates, one fence each: `_table.md` is what a case means by
`{% extends "table" %}` or `{% import "table" as t %}`.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

FRONT = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
FENCE = re.compile(r"^```python\n(.*?)^```[ ]*$", re.DOTALL | re.MULTILINE)
SHARED = re.compile(r"{%-?\s*(?:extends|import|include|from)\s+[\"'](\w+)[\"']")
FIELDS = {"title", "kinds", "not", "rank", "edit"}


class CaseError(ValueError):
    """A case file is malformed: `FILE:LINE: what is wrong`."""


@dataclass(frozen=True)
class Case:
    """One remembered way. `template` is "" where the case is an `edit`."""

    name: str
    title: str
    kinds: tuple[str, ...]
    excludes: tuple[str, ...]
    rank: int
    idea: str
    template: str
    edit: Mapping[str, Any] | None = None
    shared: Mapping[str, str] = field(default_factory=dict)  # the shared templates that `template` names


def load_cases(folder: Path) -> list[Case]:
    """Every case of `folder`, ordered by rank, then name. Raises CaseError where a file is malformed."""
    helpers = sorted(folder.glob("_*.md"))
    shared = {path.stem.removeprefix("_"): fence(path, path.read_text(encoding="utf-8")) for path in helpers}
    cases = [read_case(path, shared) for path in sorted(folder.glob("*.md")) if path not in helpers]
    return sorted(cases, key=order)


def read_case(path: Path, shared: Mapping[str, str]) -> Case:
    """Read one case file. Raises CaseError."""
    from ruamel.yaml.error import MarkedYAMLError

    text = path.read_text(encoding="utf-8")
    front = FRONT.match(text)
    if front is None:
        raise CaseError(f"{path}:1: a case begins with a front matter between two lines of ---")
    try:
        values = _values(front[1])
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise CaseError(f"{path}:{line}: {error.problem}") from error
    check(path, values)
    template = "" if values.get("edit") else fence(path, text)
    return Case(
        name=path.stem,
        title=values["title"],
        kinds=tuple(values["kinds"]),
        excludes=tuple(values.get("not", ())),
        rank=values["rank"],
        idea=FENCE.sub("", text[front.end() :]).strip(),
        template=template,
        edit=values.get("edit"),
        shared={name: shared[name] for name in needed(template, shared, path)},
    )


@lru_cache(maxsize=1000)
def _values(front: str) -> Any:
    """What a front matter says; nobody changes it. Each run of a process reads the bank, and YAML is slow to read."""
    from memory import yaml_text

    return yaml_text.load(front, "safe")[1]


def check(path: Path, values: Any) -> None:
    """Raise CaseError where the front matter is not what a case needs."""
    if not isinstance(values, dict):
        raise CaseError(f"{path}:2: the front matter must be a mapping")
    unknown = sorted(str(key) for key in values if key not in FIELDS)
    if unknown:
        raise CaseError(f"{path}:2: unknown field {unknown[0]!r}; known are {', '.join(sorted(FIELDS))}")
    for key, kind in (("title", str), ("kinds", list), ("rank", int)):
        if not isinstance(values.get(key), kind):
            raise CaseError(f"{path}:2: field {key!r} must be a {kind.__name__}")
    for key in ("kinds", "not"):
        listed = values.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            raise CaseError(f"{path}:2: field {key!r} must be a list of kinds")
    edit = values.get("edit")
    if edit is not None and not (isinstance(edit, dict) and isinstance(edit.get("op"), str)):
        raise CaseError(f"{path}:2: field 'edit' must be a mapping with an 'op'")


def fence(path: Path, text: str) -> str:
    """The one ```python fence of a file. Raises CaseError where there is none or more than one."""
    fences = list(FENCE.finditer(text))
    if len(fences) != 1:
        line = text[: fences[1].start()].count("\n") + 1 if fences else text.count("\n") + 1
        raise CaseError(f"{path}:{line}: exactly one ```python fence is needed, found {len(fences)}")
    return fences[0][1]


def needed(template: str, shared: Mapping[str, str], path: Path) -> list[str]:
    """The shared templates that `template` names, also by way of others. Raises CaseError for an unknown one."""
    found: list[str] = []
    queue = SHARED.findall(template)
    while queue:
        name = queue.pop()
        if name not in shared:
            raise CaseError(f"{path}:1: there is no shared template {name!r} (file _{name}.md)")
        if name not in found:
            found.append(name)
            queue += SHARED.findall(shared[name])
    return sorted(found)


def order(case: Case) -> tuple[int, str]:
    """The order of a menu."""
    return case.rank, case.name


def fits(case: Case, kinds: Collection[str]) -> bool:
    """Whether a case applies to a briefing of these kinds."""
    return all(kind in kinds for kind in case.kinds) and not any(kind in kinds for kind in case.excludes)


def menu(cases: Iterable[Case], kinds: Collection[str]) -> list[Case]:
    """The cases that fit, the best bet first."""
    return sorted((case for case in cases if fits(case, kinds)), key=order)


def as_item(case: Case) -> dict[str, Any]:
    """The case as a JSON-able item that stands alone: an artifact, or an entry of the history."""
    return {
        "kind": "case",
        "name": case.name,
        "title": case.title,
        "text": f"{case.title}. {case.idea}",
        "kinds": list(case.kinds),
        "not": list(case.excludes),
        "rank": case.rank,
        "template": case.template,
        "edit": dict(case.edit) if case.edit else None,
        "shared": dict(case.shared),
    }
