"""What each column of a table is: a number, a category, a text, a date, an identifier."""

import re
import warnings
from typing import Any

import pandas as pd

from .layout import ID
from .reading import MISSING

USABLE = ("numeric", "coded", "categorical", "text", "dates")
LONGEST = (
    80  # characters of a date; in longer ones dateutil looks for parts of a date, for seconds in a column
)
MANY = 20  # a category with more values than this is better encoded by its target than by a column a value
STRIPPED = r"[,$€£%\s]"  # what the cases take off numbers that are written as text
DIGITS = re.compile(r"\d")
FILE = re.compile(
    r"(?i)^\S+\.(?:png|jpe?g|gif|bmp|tiff?|webp|dcm|nii|wav|mp3|flac|ogg|mp4|avi|npy|npz|h5|parquet|txt|json)(?:\.gz)?$"
)
FRAMED = re.compile(r"[^\W\d].*\d.*")
LAST_DIGITS = re.compile(r"\d+(?=\D*$)")
HEX = re.compile(r"(?i)(?=.*\d)[0-9a-f]{8}[0-9a-f-]{0,40}")
DATED = re.compile(r"\d[-/.:]\d|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")


def sort_columns(train: Any, test: Any, skip: set[Any]) -> dict[str, list[Any]]:
    """The usable columns by what they are: numeric, coded, categorical, text, dates; and those to `drop`.

    `coded` are numbers written as text ("1,200", "?" for missing). Columns in `skip` are not looked at.
    """
    kinds: dict[str, list[Any]] = {key: [] for key in (*USABLE, "drop")}
    for column in (c for c in test.columns if c in train.columns and c not in skip):
        both = pd.concat([train[column], test[column]], ignore_index=True)
        if not both.map(lambda value: isinstance(value, list | dict | set)).any():
            kinds[kind_of(column, both, train[column], test[column])].append(column)
    if not any(kinds[key] for key in USABLE):
        kinds["numeric"] = [
            c for c in kinds["drop"] if train[c].dtype.kind in "iuf" and train[c].nunique() > 1
        ]
    kinds["drop"] = [c for c in kinds["drop"] if c not in kinds["numeric"]]
    return kinds


def kind_of(column: Any, both: Any, train: Any, test: Any) -> str:
    """The kind of one column, judged by all its values and by its parts in train and test."""
    known = both.dropna()
    if known.nunique() <= 1 or not train.notna().any():
        return "drop"
    if pd.api.types.is_datetime64_any_dtype(both):
        return "dates"
    if pd.api.types.is_bool_dtype(known):
        return "numeric"
    if pd.api.types.is_numeric_dtype(both):
        whole = both.dtype.kind in "iu"
        counter = whole and both.is_unique and (ID.match(str(column)) or is_counter(train))
        return "drop" if counter else "numeric"
    return kind_of_strings(
        column, known.astype(str), set(train.dropna().astype(str)), test.dropna().astype(str)
    )


def is_counter(values: Any) -> bool:
    """Whether whole numbers merely count the rows."""
    return bool((values.diff().dropna().abs() == 1).all()) and len(values) > 2


def kind_of_strings(column: Any, values: Any, seen: set[str], test: Any) -> str:
    """The kind of a column of strings."""
    sample = values.sample(min(len(values), 2000), random_state=0)
    if numbers(sample) >= 0.9:
        tells_apart = values.is_unique and ID.match(str(column)) and values.str.isdigit().all()
        return "drop" if tells_apart else "coded"
    dated = sample.map(lambda v: len(v) <= LONGEST and bool(DIGITS.search(v) and DATED.search(v))).mean()
    if dated > 0.9 and dates(sample) >= 0.95:
        return "dates"
    if sample.str.contains(FILE).mean() > 0.9:
        return "drop"
    words, unique = sample.str.count(r"\s+").mean() + 1, sample.nunique() / len(sample)
    if words >= 6 or (words >= 2.5 and unique > 0.3):
        return "text"
    if unique < 0.5 or test.isin(seen).mean() > 0.3:
        return "categorical"
    return "drop" if ID.match(str(column)) or is_code(values) else "text"


def is_code(values: Any) -> bool:
    """Whether strings merely tell rows apart: one number behind letters in the same frame ("N0417"), or hexadecimal, none of them twice."""
    if not values.is_unique or values.str.contains(r"\s").any():
        return False
    framed = (
        values.str.fullmatch(FRAMED).all() and values.str.replace(LAST_DIGITS, "", regex=True).nunique() == 1
    )
    return bool(framed or values.str.fullmatch(HEX).all())


def numbers(sample: Any) -> float:
    """The share of strings that are numbers once commas, currency and percent signs are taken off."""
    stripped = sample.str.replace(STRIPPED, "", regex=True)
    known = stripped[~stripped.str.lower().isin(MISSING)]
    return float(pd.to_numeric(known, errors="coerce").notna().mean()) if len(known) else 0.0


def dates(sample: Any) -> float:
    """The share of strings that are dates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns that it guesses the format, which is what is wanted
        return float(pd.to_datetime(sample, errors="coerce", format="mixed", utc=True).notna().mean())


def statistics(frame: Any, column: Any) -> dict[str, Any]:
    """A few figures of one column, none of which is a row."""
    values = frame[column]
    figures: dict[str, Any] = {
        "dtype": str(values.dtype), "unique": int(values.astype(str).nunique()),
        "missing": round(float(values.isna().mean()), 4),
    }  # fmt: skip
    known = values.dropna()
    if pd.api.types.is_bool_dtype(known) or not len(known):
        return figures
    if pd.api.types.is_numeric_dtype(known):
        figures |= {key: float(getattr(known, key)()) for key in ("min", "max", "mean", "median")}
    else:
        text = known.astype(str).head(2000)
        figures["words"] = round(float(text.str.split().str.len().mean()), 1)
        figures["length"] = round(float(text.str.len().mean()), 1)
    return figures
