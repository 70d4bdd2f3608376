"""Writes a models.yaml with a cheap and a dear model of one provider, and says what they will cost."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.keys import api_key
from budgetmlagent.models.providers import Provider, chosen, provider_of
from budgetmlagent.models.served import ends, served
from budgetmlagent.money.pricelist import Listed, edition
from budgetmlagent.money.prices import Price, price_of
from budgetmlagent.new.files import write_new
from budgetmlagent.run.forecast import calls
from budgetmlagent.run.options import nano
from budgetmlagent.run.request import DEFAULTS
from budgetmlagent.tasks.folder import load_task
from budgetmlagent.templating import environment

TEMPLATES = Path(__file__).parent / "templates" / "models"
PLACEHOLDER = "put-its-name-here"
TASK = "digits"  # the bundled task that the worst case is told for
SHOWN = 12  # models of a local server


@dataclass(frozen=True)
class Team:
    """The two models of a provider, and what is said about them in comments."""

    provider: str
    specs: dict[str, ModelSpec]
    listed: dict[str, Listed]
    """The entries in the price list; empty where the models are on this machine."""
    about: tuple[str, ...] = ()
    note: str = ""
    """What a user has to do before the file can be used; "" where nothing."""

    @property
    def prices(self) -> dict[str, Price]:
        """The prices that the models are charged at."""
        return {name: price_of(spec) for name, spec in self.specs.items()}

    @property
    def key(self) -> str | None:
        """The environment variable of the key that both need."""
        return self.specs["small"].key


def team(name: str) -> Team:
    """Choose the models of a provider. Raises UsageError for an unknown one."""
    provider = provider_of(name)
    return hosted(name, provider) if provider.listed_as else local(name, provider)


def hosted(name: str, provider: Provider) -> Team:
    """Choose from the price list."""
    found = chosen(provider)
    specs = {role: spec for role, (spec, _) in found.items()}
    return Team(name, specs, {role: entry for role, (_, entry) in found.items()})


def local(name: str, provider: Provider) -> Team:
    """Choose from the models that a server on this machine has; without one there is a placeholder."""
    about, note = [], ""
    try:
        names = served(provider.base_url)
        small, large = ends(names)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        about = [f"The server has {', '.join(names[:SHOWN])}{more}."]
        if len(names) > 1 and small == large:
            about.append("Which of them is small and which is large their names do not tell: choose.")
    except UnavailableError as error:
        small = large = PLACEHOLDER
        shown = f"`{provider.shown_by}` shows which it has"
        about = [f"Put the name of a model of the server in the place of {PLACEHOLDER}: {shown}."]
        note = f"{error}: once it has a model, put its name into the file; {shown}"
    both = {"small": small, "large": large}
    specs = {n: ModelSpec(name=n, base_url=provider.base_url, model=m, price=0) for n, m in both.items()}
    return Team(name, specs, {}, tuple(about), note)


def write(made: Team, out: Path) -> None:
    """Write the file. Raises UsageError where one is there already."""
    template = environment(TEMPLATES).get_template("models.yaml.jinja")
    comments = {name: comment(made, name) for name in made.specs}
    today = datetime.now(UTC).date()
    write_new({out: template.render(made=made, comments=comments, today=today, list=edition())})


def comment(made: Team, name: str) -> list[str]:
    """Return what the price list says of a model, in lines; none where it is not asked."""
    if name not in made.listed:
        return []
    entry, price = made.listed[name], made.prices[name]
    lines = [f"${_plain(entry.input)} in, ${_plain(entry.output)} out per million tokens"]
    if entry.context:
        lines[0] += f"; a window of {entry.context:,} tokens"
    if (price.input, price.output) != (entry.input, entry.output):
        most = f"${_plain(price.input)} in, ${_plain(price.output)} out"
        lines.append(f"for a long prompt or at a busy hour at most {most}: so much is reserved")
    return lines


def told(made: Team, out: Path) -> dict[str, Any]:
    """Return what was written to `out`, what calls will cost, and whether the key is set, never its value.

    `usd_per_mtok` is the price list's for a short prompt at this hour; `worst_case_usd` counts with the highest price.
    """
    budget, missing = DEFAULTS["budget"], _missing_key(made.specs["small"])
    return {
        "path": str(out),
        "provider": made.provider,
        "models": {name: _row(made, name) for name in made.specs},
        "task": TASK,
        "budget": budget,
        **calls(load_task(TASK), made.specs, made.prices, nano("budget", budget)),
        "key_set": not missing if made.key else None,
        "note": made.note or missing,
    }


def _row(made: Team, name: str) -> dict[str, Any]:
    spec, entry = made.specs[name], made.listed.get(name)
    into, out = (float(entry.input), float(entry.output)) if entry else (0.0, 0.0)
    return {
        "model": spec.model,
        "base_url": spec.base_url,
        "key": spec.key,
        "price": made.prices[name].id,
        "usd_per_mtok": {"input": into, "output": out},
    }


def _plain(dollars: Decimal) -> str:
    return f"{dollars.normalize():f}"


def _missing_key(spec: ModelSpec) -> str:
    """Return in words that the key cannot be used, "" where it can be or where none is needed."""
    try:
        api_key(spec)
    except UsageError as error:
        return str(error).partition(": ")[2]
    return ""
