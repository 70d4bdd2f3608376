"""What a bench is asked for: by the project's settings, a file and the command line, or by its own plan where it goes on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from budgetmlagent import settings
from budgetmlagent.bench import results
from budgetmlagent.bench.found import RUNS
from budgetmlagent.bench.grown import grown, refuse_others
from budgetmlagent.bench.plan import Cell, Plan, cells, checked, placed, read, request
from budgetmlagent.errors import OptionError, UsageError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.money.place import existing, place_of
from budgetmlagent.postgres import Address
from budgetmlagent.run import options
from budgetmlagent.run.request import Request
from memory.state import NANO

OF_PLAN = (
    "budget",
    "turns",
    "history",
    "models",
)  # of the settings, what a plan that says nothing takes from them


@dataclass(frozen=True)
class Asked:
    """A bench in `folder` as it is asked for; nothing is begun yet."""

    folder: Path
    plan: Plan  # as it is kept
    cap: float | None  # dollars of all runs together, by the plan or by the settings
    home: Path  # the runs' folder by whose settings it goes
    told: list[str]  # what a person has to hear of how it came to this

    @property
    def capped(self) -> Plan:
        """The plan with the cap that holds for all."""
        return self.plan.model_copy(update={"project_budget": self.cap})

    def requests(self, **words: Any) -> dict[Cell, Request]:
        """Return each run as it is asked for. `words` are of `plan.request`."""
        runs = self.folder.resolve() / RUNS
        return {cell: request(self.plan, cell, runs, **words) for cell in cells(self.plan)}

    def to_check(self, one: Request) -> Request:
        """Return a request that is checked by the right settings, before the bench's folder says which these are."""
        return replace(one, runs_dir=str(self.home))

    def begin(self, *, go_on: bool) -> None:
        """Make the folder, and set the cap: no run does so, as who changes it meanwhile, by `cost --cap`, is obeyed.

        Raises UsageError as `results.begin`, and UnavailableError where the project's ledger is away.
        """
        place = settings.ledger(self.home)
        if isinstance(place, Address):
            _refuse_more(Ledger(place), self.cap)
        new = not results.exists(self.folder)
        results.begin(self.folder, self.plan, go_on=go_on)
        if new:
            settings.note_of_bench(self.folder)
        runs = self.folder / RUNS
        runs.mkdir(parents=True, exist_ok=True)
        if self.cap is not None:
            Ledger(place_of(runs)).set_project_cap(round(self.cap * NANO))


def asked(file: Path | None, given: dict[str, Any], folder: Path, *, go_on: bool, trust: bool) -> Asked:
    """Return what is asked for: `given` wins over the file, this over the settings; a bench that goes on keeps its plan.

    Raises UsageError for what is no plan, and for settings that the person has not confirmed, now (`trust`) or before.
    """
    begun = go_on and results.exists(folder)  # it keeps the settings with which it began
    home, where = folder / RUNS if begun else settings.of_bench(folder), str(file or "bench")
    here = settings.of_runs(home, trust=trust)
    settings.confirm(home, trust=trust)
    written = read(file) if file else {}
    _check_limits(written, where)
    if begun or (go_on and not (written or "tasks" in given)):
        plan, told = grown(results.kept(folder), written, given, where)
        refuse_others(folder, plan)
        in_ledger = None if "project_budget" in given else _in_ledger(folder)
    else:
        below = {name: here[name] for name in OF_PLAN if name in here and name not in written | given}
        told = [f"by the settings: {name} {value}" for name, value in below.items()]
        if "models" in below:
            below["models"] = [below["models"]]
        plan, in_ledger = placed(checked(below | written | given, where)), None
    said = here.get("project_budget") if plan.project_budget is None else plan.project_budget
    if plan.project_budget is None and said is not None and in_ledger is None:
        in_ledger = _in_project(home)
    if plan.project_budget is None and said is not None and not begun:
        told.append(f"by the settings: project_budget {said}")
    if said is not None and in_ledger not in (None, said):
        told.append(f"project_budget {in_ledger}, not {said}: its ledger has it so by now")
        if plan.project_budget is not None:
            plan = plan.model_copy(update={"project_budget": in_ledger})
    return Asked(folder, plan, said if in_ledger is None else in_ledger, home, told)


def _check_limits(written: dict[str, Any], where: str) -> None:
    """Raise UsageError, naming the file, for a limit in it that no run can have; of one at the command line its run says so."""
    for name, check in options.LIMITS.items():
        try:
            if name in Plan.model_fields and written.get(name) is not None:
                check(written[name])
        except OptionError as error:
            raise UsageError(f"{where}: {error}") from None


def _refuse_more(ledger: Ledger, cap: float | None) -> None:
    """Raise UsageError where the project's ledger has a lower cap, for all its runs, than the one of a bench."""
    nano = ledger.project_cap()
    if cap is not None and nano is not None and round(cap * NANO) > nano:
        raise UsageError(
            f"--project-budget {cap:g}: the project's ledger has a cap of ${nano / NANO:g} for all its runs; raise that first, by `budgetml cost --cap {cap:g}`"
        )


def _in_project(home: Path) -> float | None:
    """Return the cap that the project's ledger has by now, where that is on a server: settings do not change it for a bench."""
    place = settings.ledger(home)
    nano = Ledger(place).project_cap() if isinstance(place, Address) else None
    return None if nano is None else nano / NANO


def _in_ledger(folder: Path) -> float | None:
    """Return the cap that a bench's own ledger has by now: `cost --cap` may have changed it. One on a server is the whole project's."""
    if isinstance(place_of(folder / RUNS), Address):
        return None
    ledger = existing(folder / RUNS)
    nano = ledger.project_cap() if ledger else None
    return None if nano is None else nano / NANO
