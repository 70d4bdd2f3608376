"""How the rows hang together: groups, time, ratings, tokens in a row; and hence how to hold rows out."""

import re
from typing import Any

TIME = re.compile(
    r"(?i)(^|_|\b)(time|date|day|week|month|year|hour|timestamp|datetime|step|period|visit|t)($|_|\b)"
)
USER = re.compile(
    r"(?i)user|customer|member|reader|viewer|person|rater|judge|student|client|reviewer|subject"
)
ITEM = re.compile(
    r"(?i)item|movie|book|product|song|artist|film|joke|recipe|business|place|anime|game|track|article|question"
)


KEY = re.compile(r"(?i)(^|[_ ])(id|idx|code|group|key)$|[a-z]Id$")
THING = re.compile(r"(?i)patient|store|station|session|series|sentence|device|site|machine|unit")


def named(column: Any) -> bool:
    """Whether a column's name says that its values name something."""
    return any(pattern.search(str(column)) for pattern in (KEY, USER, THING))


def candidates(train: Any, test: Any, columns: list[Any]) -> list[Any]:
    """Columns whose values recur and could name groups, those with most groups first."""
    found = []
    for column in columns:
        values = train[column].dropna()
        if values.dtype.kind == "f" and not (values == values.round()).all():
            continue
        groups = values.nunique()
        if groups >= 5 and len(values) / groups >= 2 and test[column].notna().any():
            found.append((groups, column))
    return [column for _, column in sorted(found, key=lambda pair: -pair[0])]


def later_in_group(train: Any, test: Any, group: Any, times: list[Any]) -> Any:
    """The column by which each group's test rows come after its training rows, None where there is none."""
    if test[group].isin(set(train[group])).mean() < 0.9 or test[group].nunique() < 5:
        return None
    for time in times:
        if time == group:
            continue
        last, first = train.groupby(group)[time].max(), test.groupby(group)[time].min()
        both = last.index.intersection(first.index)
        spread = train.groupby(group)[time].nunique().mean()
        if spread > 2 and len(both) >= 5 and float((first[both] >= last[both]).mean()) > 0.9:
            return time
    return None


def counting(train: Any, test: Any, column: Any) -> bool:
    """Whether every row of both parts has a whole number of its own in `column`."""
    whole = train[column].dtype.kind in "iu"
    return bool(whole and train[column].is_unique and test[column].is_unique and not TIME.search(str(column)))


def panel(train: Any, test: Any, key: Any, time: Any) -> bool:
    """Whether `key` names the series of a panel: one row a time each, or the parts do not part at one time for all."""
    if test[time].min() < train[time].max():
        return True
    return named(key) or float(train.duplicated([key, time]).mean()) < 0.02


def runs(values: Any) -> float:
    """Mean length of the runs of one value; 1.0 where no neighbours are equal."""
    return len(values) / int((values != values.shift()).sum()) if len(values) else 0.0


def find(train: Any, test: Any, columns: dict[str, list[Any]], skip: list[Any]) -> dict[str, Any]:
    """`split` {how, by, time}, `group`, `group_time`, `tokens`, `ratings` of the rows.

    `how` is random, group (test groups are new), last (test rows come later) or last_in_group.
    """
    numeric = columns["numeric"] + columns["coded"]
    keys = candidates(train, test, [*columns["categorical"], *columns["numeric"], *skip])
    # A column that counts the rows is no time: it also goes on in a test part that was drawn at random.
    times = [c for c in [*columns["dates"], *numeric] if TIME.search(str(c)) or not named(c)]
    times = [c for c in times if train[c].nunique() > 2 and not counting(train, test, c)]
    times.sort(key=lambda column: not TIME.search(str(column)))
    result: dict[str, Any] = {
        "split": {"how": "random", "by": None, "time": None},
        "group": None, "group_time": None, "tokens": None, "ratings": None,
    }  # fmt: skip
    result["ratings"] = ratings(train, test, keys, columns)
    if result["ratings"]:
        return result
    for key in keys:
        time = later_in_group(train, test, key, times[:12])
        if time is not None and panel(train, test, key, time):
            split = {"how": "last_in_group", "by": key, "time": time}
            return result | {"group": key, "group_time": time, "split": split}
    for key in keys:
        if not set(train[key]) & set(test[key]) and (named(key) or train[key].dtype.kind not in "iuf"):
            result |= {"group": key, "split": {"how": "group", "by": key, "time": None}}
            result["tokens"] = tokens(train, key, columns)
            return result
    for time in times:
        known = bool(TIME.search(str(time))) or time in columns["dates"]
        if known and train[time].nunique() > 5 and test[time].min() >= train[time].max():
            return result | {"split": {"how": "last", "by": None, "time": time}}
    named_keys = [key for key in keys if named(key) or train[key].dtype.kind not in "iufb"]
    return result | {"group": next((key for key in named_keys if train[key].nunique() > 20), None)}


def tokens(train: Any, key: Any, columns: dict[str, list[Any]]) -> Any:
    """The column of words where the rows are the words of sentences named by `key`, else None."""
    if runs(train[key]) < 3 or abs(runs(train[key]) - len(train) / train[key].nunique()) > 0.5:
        return None
    words = [c for c in [*columns["text"], *columns["categorical"]] if train[c].dtype.kind not in "iufb"]
    words = [c for c in words if train[c].nunique() >= 50]
    words = [c for c in words if train[c].astype(str).str.contains(r"\s").mean() < 0.05]
    return max(words, key=lambda column: int(train[column].nunique()), default=None)


def ratings(train: Any, test: Any, keys: list[Any], columns: dict[str, list[Any]]) -> Any:
    """[user, item] where the rows are ratings of items by users, else None."""
    usable = [key for key in keys if train[key].nunique() >= 20]
    usable = [key for key in usable if test[key].isin(set(train[key])).mean() > 0.7]
    users = [key for key in usable if USER.search(str(key))]
    items = [key for key in usable if ITEM.search(str(key)) and key not in users]
    if not (users and items):
        strict = [key for key in usable if named(key)]
        if len(strict) != 2:
            return None
        users, items = strict[:1], strict[1:]
    pair = [users[0], items[0]]
    others = sum(len(columns[kind]) for kind in ("numeric", "coded", "categorical", "text")) - 2
    return pair if others <= 6 and train.duplicated(pair).mean() < 0.2 else None
