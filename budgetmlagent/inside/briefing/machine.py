"""What scripts run with: the version of Python, the libraries for numbers and learning, and the processors."""

import os
import re
from email import message_from_string
from email.message import Message
from functools import cache
from importlib import metadata
from platform import python_version
from typing import Any

from .given import Given

MOST = 30  # libraries
SCIENCE = "Topic :: Scientific/Engineering"
NUMPY = re.compile(r"numpy\b(?![^;]*;.*\bextra\b)", re.IGNORECASE)
STUBS = re.compile(r"(?i)^types-|-stubs$")


def describe(given: Given) -> dict[str, Any]:  # noqa: ARG001 - as each module of the briefing is called
    """`machine`: {python, libraries: ["NAME VERSION", ...], cores}."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"machine": {"python": python_version(), "libraries": libraries(), "cores": cores}}


@cache
def libraries() -> list[str]:
    """The installed distributions that say they are for science, or are built on NumPy; those of which both is true first, then the latter."""
    found: dict[str, tuple[int, str]] = {}
    for distribution in metadata.distributions():
        about = head(distribution)
        name, version = about["Name"], about["Version"]
        science = any(c.startswith(SCIENCE) for c in about.get_all("Classifier") or ())
        numbers = name == "numpy" or any(map(NUMPY.match, needs(distribution, about)))
        if name and version and (science or numbers) and not STUBS.search(name):
            found.setdefault(
                name, (-science - 2 * numbers, version)
            )  # the first on the path is the one imported
    best = sorted(found, key=lambda name: (found[name][0], name.lower()))[:MOST]
    return [f"{name} {found[name][1]}" for name in best]


def head(distribution: metadata.Distribution) -> Message:
    """The fields of a distribution's metadata, without the description behind them, which takes ten times as long to parse."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    return message_from_string(text.partition("\n\n")[0])


def needs(distribution: metadata.Distribution, about: Message) -> list[str]:
    """What a distribution needs, by its metadata or the file of an older form, in which what extras need comes last."""
    older = distribution.read_text("requires.txt") or ""
    return about.get_all("Requires-Dist") or older.partition("[")[0].splitlines()
