"""The GPUs that a task lets its scripts use: which device nodes they are, and how libraries are told."""

import re
from pathlib import Path

from budgetmlagent.errors import UnavailableError

DEV = Path("/dev")
# Of all cards together.
NVIDIA = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps")
OTHERS = ("dri", "kfd")  # AMD's and Intel's, which have no node by a card's number


def devices(wanted: str, dev: Path = DEV) -> list[Path]:
    """Return the nodes of the GPUs `wanted` ("", "all" or numbers, "0,1") as far as they are in `dev`.

    Raises UnavailableError where there is no GPU, or not one of that number.
    """
    if not wanted:
        return []
    cards, others = _cards(dev), [dev / name for name in OTHERS if (dev / name).exists()]
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
    cards = sorted(_cards(dev))
    if not cards:
        return {} if wanted == "all" else {"HIP_VISIBLE_DEVICES": wanted}
    numbers = cards if wanted == "all" else wanted.split(",")
    counted = range(len(numbers)) if isolated else numbers
    return {"NVIDIA_VISIBLE_DEVICES": wanted, "CUDA_VISIBLE_DEVICES": ",".join(map(str, counted))}


def _cards(dev: Path) -> dict[int, Path]:
    """NVIDIA's cards by number."""
    found = ((re.fullmatch(r"nvidia(\d+)", path.name), path) for path in dev.glob("nvidia*"))
    return {int(match[1]): path for match, path in found if match}
