"""Repairs without a model: what certainly fails is cured by rules on the script's syntax tree, for nothing.

A cure that does not apply leaves the script as it is; none leaves a script that does not parse. Being able to run is
not being right: what a cured script predicts is checked like everything else.

A new repair is a row of `RULES`, the error's message and a function that edits the script: in arguments.py where the error
is about an argument, else in calls.py. A name that models misspell is a row of `MISNAMED` in names.py, a module of
`MODULES` in imports.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nodes.craft.fingerprint import Failure, failure
from nodes.craft.repairs import Cure, arguments, calls
from nodes.craft.repairs.imports import cure_attribute, cure_import, cure_module
from nodes.craft.repairs.names import cure_name
from nodes.craft.source import Source
from nodes.craft.told import told
from nodes.deps import Finding

MOST = 20  # findings of one script that are looked at


def cure_static(
    script: str, findings: Sequence[Finding], names: Mapping[str, str], sources: Sequence[str]
) -> tuple[str, list[str]]:
    """Return `script` cured of what the static gate found, and what was done, in one sentence each.

    `names` maps public names of the libraries to their modules; lost definitions are copied from `sources`.
    """
    done: list[str] = []
    for finding in findings[:MOST]:
        # No cure goes by the line of a finding: the cures before it have moved the lines.
        source = Source.of(script)
        if source and (cure := _found(source, finding, names, sources)):
            script, what = cure
            done.append(what)
    return script, done


def cure_runtime(
    script: str, tail: str, names: Mapping[str, str], sources: Sequence[str]
) -> tuple[str, list[str]]:
    """Return `script` cured of the error at the end of `tail`, and what was done; as it was and [] for nothing."""
    source, error = Source.of(script), failure(tail)
    if error:  # what a cure takes from it stands in the script afterwards, and scripts are shown to models
        own = "\n".join([script, *sources])
        message, *detail = (told(line, script=own) for line in (error.message, *error.detail.split("\n")))
        error = replace(error, message=message, detail="\n".join(detail))
    cure = _raised(source, error, names, sources) if source and error else None
    return (cure[0], [cure[1]]) if cure else (script, [])


def _found(source: Source, finding: Finding, names: Mapping[str, str], sources: Sequence[str]) -> Cure | None:
    """Cure one finding. Checkers name their rules differently, so what counts are the names that it mentions."""
    words = [finding.name, *re.findall(r"[`'\"]([\w.]+)[`'\"]", finding.message)]
    words = [word for word in dict.fromkeys(words) if word]
    for word in words:
        if cure := cure_name(source, word, names, sources):
            return cure
    if "argument" in finding.message.lower() and len(words) > 1:
        argument, function = words[0], words[-1]
        return arguments.drop_unexpected(source, function, argument)
    if "odule" in finding.message:
        for cure_one in (cure_import, cure_module):
            for word in words:
                if cure := cure_one(source, word, names, sources):
                    return cure
    return None


def _raised(source: Source, error: Failure, names: Mapping[str, str], sources: Sequence[str]) -> Cure | None:
    """Cure the error that ended a run."""
    if match := re.match(r"name '(\w+)' is not defined", error.message):
        return cure_name(source, match[1], names, sources)
    if match := re.match(r"cannot import name '(\w+)' from '([\w.]+)'", error.message):
        return cure_import(source, match[1], names, sources)
    if match := re.match(r"No module named '([\w.]+)'", error.message):
        return cure_module(source, match[1], names, sources)
    if match := re.match(r"module '([\w.]+)' has no attribute '(\w+)'", error.message):
        return cure_attribute(source, match[1], match[2], names, sources)
    for pattern, rule in (*arguments.RULES, *calls.RULES):
        if (match := re.search(pattern, error.message)) and (cure := rule(source, error, match)):
            return cure
    return None
