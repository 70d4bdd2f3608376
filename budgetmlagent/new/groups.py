"""Columns whose values are what rows may be several of: persons, things, series; by what they hold, and by how they are called."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from budgetmlagent.new.formulas import line
from budgetmlagent.new.leaks import rises

ID = re.compile(
    r"(?i:(?:^|[\W_])(?:id|idx|index|key|uuid|guid|no|nr|number)$|^id[\W_])|[a-z](?:Id|ID|Key|No)$"
)
# Whom or what rows are several of, in small letters without accents, and without an s at the end.
SURE = re.compile(
    "subject|patient|participant|respondent|individual|person|customer|client|user|household|session|animal|stratum"
)
THINGS = re.compile(
    f"{SURE.pattern}|email|mail|username|login|account|employee|worker|student|pupil|learner|school|player|athlete|driver|rider|passenger|visitor|member"
    "|donor|speaker|author|rater|annotator|reviewer|doctor|physician|hospital|teacher|family|farm|herd|host|cust|buyer|seller|merchant|vendor|supplier|owner"
    "|tenant|borrower|voter|citizen|device|machine|engine|sensor|station|store|shop|branch|ticker|vin|plate|mrn|imei|vehicle|tree"
    "|kunden?|probanden?|versicherter|nutzer|benutzer|mitarbeiter|schuler|haushalt|filiale|maschine|gerat|fahrer|spieler|lieferant"
    "|patiente|utilisateur|abonne|eleve|etudiant|employe|salarie|magasin|appareil|joueur|foyer"
    "|cliente|paciente|usuario|alumno|estudiante|empleado|tienda|dispositivo|jugador|hogar|aluno|loja|funcionario|aparelho|jogador"
    "|paziente|utente|studente|dipendente|negozio|giocatore|macchina|klant|winkel|leerling|klient|pacjent|uzytkownik|uczen|pracownik|sklep|kund"
)
MARKS = re.compile(
    "id|idx|nr|no|num|numb?er|nummer|numero|code|kode|codigo|codice|name|key|uid|uuid|guid|ref|index|hash"
)
CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
MANY = 10  # values, from which on a thing is one of many, and no category
NUMBERED = 25  # and numbers, which may be amounts
LEAST = 3  # rows of each, on average, by which a counter within is one
SAID = 20  # values, from which on others that each says are what it is known by
NUMBERS = 2  # so many numbers that each value says, of `MANY` values themselves
WIDE = 60  # columns that are looked at


def found(frame: pd.DataFrame, names: Sequence[str], when: Mapping[str, "pd.Series[Any]"]) -> dict[str, str]:
    """Columns of groups, each with the time that rises through its rows, "" for none. `when` are the times, by column."""
    series = {name: _within(frame[name], when) for name in names if name not in when}
    sizes = {name: frame[name].nunique() for name in names}
    several = {name for name in names if 1 < sizes[name] < len(frame)}
    groups = [name for name in names if name in several and _called(name, frame[name], sizes[name])]
    many = [name for name in names[:WIDE] if name not in when and _many(frame[name], sizes[name])]
    counted = {name: _counters(frame, name) for name in many}
    # Where each counts the rows of the other, the one whose rows lie together is the group.
    inner = {other for name in many if _together(frame[name]) for other in counted[name]}
    groups += [name for name in many if counted[name] and (_together(frame[name]) or name not in inner)]
    groups += [name for name in many if _known_by(frame, name, names[:WIDE])]
    return {
        name: series.get(name, "") for name in dict.fromkeys([*groups, *(n for n in series if series[n])])
    }


def _called(name: str, values: "pd.Series[Any]", number: int) -> bool:
    """Whether a column of so many values is called after an identifier, a person or a thing, and no more is said of it."""
    words = [word.removesuffix("s") for word in _words(name)]
    if ID.search(name) or (len(words) == 1 and SURE.fullmatch(words[0])):
        return True
    things = [word for word in words if THINGS.fullmatch(word)]
    if not things or not all(word in things or MARKS.fullmatch(word) for word in words):
        return False
    if values.dtype.kind not in "iuf" or len(things) < len(words):
        return number >= MANY
    # Numbers may count what the column is called after: teachers, years at school.
    several = name.endswith("s") or bool((values.dropna() % 1 != 0).any())
    return number >= NUMBERED and not several


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [word.lower() for word in re.split(r"[\W\d_]+", CAPITAL.sub(" ", plain)) if word]


def _many(values: "pd.Series[Any]", number: int) -> bool:
    """Whether a column may say whom each row is of: many values, each in several rows, and no fractions."""
    whole = values.dtype.kind not in "fb" or bool((values.dropna() % 1 == 0).all())
    return whole and bool(values.notna().all()) and number >= MANY and 2 * number <= len(values)


def _counters(frame: pd.DataFrame, name: str) -> list[str]:
    """The columns that count the rows of each value, from 0 or 1 on."""
    sizes, found = frame.groupby(name).size(), list[str]()
    for other in frame.columns if sizes.mean() >= LEAST else ():
        values = frame[other]
        if other == name or values.dtype.kind not in "iu":
            continue
        first, last = int(values.min()), int(values.max())
        if first not in (0, 1) or last - first + 1 != sizes.max():
            continue
        within = values.groupby(frame[name])
        counts = (within.min() == first) & (within.max() - first + 1 == sizes) & (within.nunique() == sizes)
        if bool(counts.all()):
            found.append(str(other))
    return found


def _together(values: "pd.Series[Any]") -> bool:
    """Whether the rows of each value lie together."""
    return int(values.ne(values.shift()).sum()) == values.nunique()


def _known_by(frame: pd.DataFrame, name: str, names: Sequence[str]) -> bool:
    """Whether each value says several numbers of many values, as a patient does age and height, while others change."""
    number = frame[name].nunique()
    if number < SAID:
        return False
    said = 0
    for other in names:
        different = frame[other].nunique()
        if other != name and frame[other].dtype.kind in "iuf" and MANY <= different <= number:
            says = frame[[name, other]].drop_duplicates().shape[0] == number
            said += int(says and not _converted(frame[name], frame[other]))
    return said >= NUMBERS


def _converted(values: "pd.Series[Any]", others: "pd.Series[Any]") -> bool:
    """Whether a number is another one in other units: years in days, a year of birth, degrees."""
    if values.dtype.kind not in "iuf":
        return False
    both = (values.notna() & others.notna()).to_numpy()
    x, y = values.to_numpy(float)[both], others.to_numpy(float)[both]
    return line(values, others) or rises(x, y) or rises(x, -y)


def _within(values: "pd.Series[Any]", when: Mapping[str, "pd.Series[Any]"]) -> str:
    """The time that rises through the rows of each value, which lie together, and begins anew with the next; "" for none."""
    new = values.ne(values.shift())
    number = int(new.sum())
    if values.isna().any() or number != values.nunique() or not 2 < number <= len(values) / 3:
        return ""
    for name, moments in when.items():
        rises = moments > moments.shift()
        if len(moments) == len(values) and bool((rises | new).all()) and not bool(rises.iloc[1:].all()):
            return name
    return ""
