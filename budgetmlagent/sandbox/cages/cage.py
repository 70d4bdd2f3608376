"""What holds a script so that it does no harm: bubblewrap, sandlock, or no more than its limits, for `--unsafe`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from budgetmlagent.sandbox.cages import cgroup
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.watchdog import Outcome

NO_NETWORK, NETWORK_ON = "no network", "NETWORK ON"
WATCHDOG, GROUP = "the watchdog", "the kernel (control group)"
HELD = "no host files but the interpreter's, only the workspace is writable"


@dataclass(frozen=True)
class Cage(ABC):
    """A way to hold a script. Those who choose one try it first: see `process.probe`."""

    name: ClassVar[str]
    binary: Path | None = None  # the program that makes it, None where it is none
    origin: str = ""  # of the binary or library

    @property
    @abstractmethod
    def words(self) -> str:
        """`what it is: its policy`, for people."""

    @property
    def version(self) -> str:
        """That of the binary or library, "" where it has none."""
        return ""

    @property
    def limits(self) -> dict[str, str]:
        """Who keeps each limit: the kernel, which lets nothing pass, or the watchdog alone, which looks and then kills."""
        by = dict.fromkeys(("memory", "processes", "disk", "output", "time"), WATCHDOG)
        groups = {"memory": "memory", "processes": "pids"}
        return by | {name: GROUP for name, controller in groups.items() if cgroup.home(controller)}

    @abstractmethod
    def launch(self, job: Job) -> Outcome:
        """Run the job to its end; all its processes are dead on return.

        Raises UnavailableError where the cage itself does not start.
        """

    def in_words(self, *, network: bool, gpu: str) -> str:
        """Return the policy for scripts whose task asks for the network or for GPUs."""
        words = self.words
        if network:
            words = words.replace(NO_NETWORK, NETWORK_ON) if NO_NETWORK in words else f"{words}; {NETWORK_ON}"
        return f"{words}; GPUs: {gpu}" if gpu else words
