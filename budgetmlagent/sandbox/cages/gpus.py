"""The GPUs that a task lets its scripts use: which device nodes they are, and how libraries are told.

Where CUDA_VISIBLE_DEVICES gives this process some of the machine's cards alone, as Ray and SLURM do, those are all there are, and
they are counted anew from 0, as CUDA does it.
"""

import os
import re
from itertools import takewhile
from pathlib import Path

from budgetmlagent.errors import UnavailableError

DEV = Path("/dev")
# Of all cards together.
NVIDIA = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps")
GIVEN = "CUDA_VISIBLE_DEVICES"
OTHERS = ("dri", "kfd")  # AMD's and Intel's, which have no node by a card's number


def devices(wanted: str, dev: Path = DEV) -> list[Path]:
    """Return the nodes of the GPUs `wanted` ("", "all" or numbers, "0,1") as far as they are in `dev`.

    Raises UnavailableError where there is no GPU, none is given to this process, or not one of that number.
    """
    if not wanted:
        return []
    cards, others = _given(dev), [dev / name for name in OTHERS if (dev / name).exists()]
    if not cards and _cards(dev):
        raise UnavailableError(
            f"the task wants a GPU (`gpu:` in task.yaml), but {GIVEN}={os.environ[GIVEN]!r} gives none of {dev}'s: ask the scheduler"
            " for one, or unset the variable"
        )
    if not cards and not others:
        raise UnavailableError(
            f"the task wants a GPU (`gpu:` in task.yaml), but {dev} has none (nvidia0, dri or kfd); "
            "install its driver, or write `gpu: false`"
        )
    chosen = sorted(cards) if wanted == "all" or not cards else [int(number) for number in wanted.split(",")]
    for number in chosen:
        if number not in cards:
            have = ", ".join(map(str, sorted(cards)))
            raise UnavailableError(
                f"the task wants GPU {number} (`gpu:` in task.yaml), but {dev} has {have} alone"
            )
    shared = [dev / name for name in NVIDIA if cards and (dev / name).exists()]
    return [*(cards[number] for number in chosen), *shared, *others]


def environment(wanted: str, *, isolated: bool, dev: Path = DEV) -> dict[str, str]:
    """Return the variables that tell libraries which GPUs to use.

    `isolated`: the other cards' nodes are not there, so that CUDA counts the ones that are anew from 0.
    """
    if not wanted:
        return {}
    cards = _given(dev)
    if not cards:
        return {} if wanted == "all" else {"HIP_VISIBLE_DEVICES": wanted}
    known = numbers(wanted, dev)
    counted = range(len(known)) if isolated else known
    return {"NVIDIA_VISIBLE_DEVICES": wanted, GIVEN: ",".join(map(str, counted))}


def numbers(wanted: str, dev: Path = DEV) -> list[int]:
    """Return the machine's numbers of the GPUs `wanted`, which `devices` has found; none of "all" where there are other makers' alone."""
    cards = _given(dev)
    chosen = sorted(cards) if wanted == "all" else [int(number) for number in wanted.split(",")]
    return [int(cards[number].name.removeprefix("nvidia")) for number in chosen] if cards else chosen


def _given(dev: Path) -> dict[int, Path]:
    """NVIDIA's cards that this process may use, counted from 0 where some are given to it alone."""
    cards, words = _cards(dev), os.environ.get(GIVEN)
    if words is None:
        return cards
    said = [word.strip() for word in words.split(",") if word.strip()]
    if cards and (named := [word for word in said if not word.lstrip("-").isdigit()]):
        raise UnavailableError(
            f"{GIVEN} names a card {named[0]!r}, and here cards are known by their numbers: set it to some such as 0,1, or unset it"
        )
    # From the first that is not there on, CUDA sees none: -1 is how people say it.
    there = takewhile(lambda number: int(number) in cards, said if cards else [])
    return {place: cards[int(number)] for place, number in enumerate(there)}


def _cards(dev: Path) -> dict[int, Path]:
    """NVIDIA's cards by number."""
    found = ((re.fullmatch(r"nvidia(\d+)", path.name), path) for path in dev.glob("nvidia*"))
    return {int(match[1]): path for match, path in found if match}
