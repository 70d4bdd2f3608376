"""Repairs without a model: what certainly fails is cured by rules on the script's syntax tree, for nothing.

A cure that does not apply leaves the script as it is; none leaves a script that does not parse. Being able to run is
not being right: what a cured script predicts is checked like everything else.
"""

import re
from collections.abc import Mapping, Sequence

from nodes.craft.fingerprint import Failure, failure
from nodes.craft.repairs.arguments import drop_unexpected
from nodes.craft.repairs.calls import cure_call
from nodes.craft.repairs.imports import cure_attribute, cure_import, cure_module
from nodes.craft.repairs.names import Cure, cure_name
from nodes.craft.source import Source
from nodes.deps import Finding

MOST = 20  # cures of one script; a script that needs more is another script


def cure_static(
    script: str, findings: Sequence[Finding], names: Mapping[str, str], sources: Sequence[str]
) -> tuple[str, list[str]]:
    """Return `script` cured of what the static gate found, and what was done, in one sentence each.

    `names` maps public names of the libraries to their modules; lost definitions are copied from `sources`.
    """
    done: list[str] = []
    for finding in findings[:MOST]:
        # No cure goes by the finding's line, which holds for the script as it came only.
        cure = _found(script, finding, names, sources)
        if cure:
            script, what = cure
            done.append(what)
    return script, done


def cure_runtime(
    script: str, tail: str, names: Mapping[str, str], sources: Sequence[str]
) -> tuple[str, list[str]]:
    """Return `script` cured of the error at the end of `tail`, and what was done; ([] and unchanged for nothing)."""
    error = failure(tail)
    if error is None:
        return script, []
    cure = _raised(script, error, names, sources)
    return (cure[0], [cure[1]]) if cure else (script, [])


def _found(script: str, finding: Finding, names: Mapping[str, str], sources: Sequence[str]) -> Cure | None:
    """Cure one finding. Checkers name their rules differently, so what counts are the names that it mentions."""
    words = [finding.name, *re.findall(r"[`'\"]([\w.]+)[`'\"]", finding.message)]
    words = [word for word in dict.fromkeys(words) if word]
    for word in words:
        if cure := cure_name(script, word, names, sources):
            return cure
    source = Source.of(script)
    if source and "argument" in finding.message.lower() and len(words) > 1:
        argument, function = words[0], words[-1]
        return drop_unexpected(source, function, argument)
    if "odule" in finding.message:
        for cure_one in (cure_import, cure_module):
            for word in words:
                if cure := cure_one(script, word, names, sources):
                    return cure
    return None


def _raised(script: str, error: Failure, names: Mapping[str, str], sources: Sequence[str]) -> Cure | None:
    """Cure the error that ended a run."""
    if match := re.match(r"name '(\w+)' is not defined", error.message):
        return cure_name(script, match[1], names, sources)
    if match := re.match(r"cannot import name '(\w+)' from '([\w.]+)'", error.message):
        return cure_import(script, match[1], names, sources)
    if match := re.match(r"No module named '([\w.]+)'", error.message):
        return cure_module(script, match[1], names, sources)
    if match := re.match(r"module '([\w.]+)' has no attribute '(\w+)'", error.message):
        return cure_attribute(script, match[1], match[2], names, sources)
    source = Source.of(script)
    return cure_call(source, error) if source else None
