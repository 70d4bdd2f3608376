"""`budgetml models list|new|check|profile|pull` and `budgetml doctor`."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from budgetmlagent.cli import names as complete
from budgetmlagent.cli import options
from budgetmlagent.cli.commands import Commands
from budgetmlagent.errors import InterruptedCommandError, RunFailedError, UnavailableError, UsageError
from budgetmlagent.wording import unknown

app = typer.Typer(
    help="The models: list, write, check and fetch them.",
    cls=Commands,
)


@app.command("list")
def list_(models: options.Models = None, as_json: options.Json = False) -> None:
    """List the models. With their endpoint, price and, for embedded ones, file; what is believed of them, and what they have shown."""
    from budgetmlagent.cli import profiled, progress
    from budgetmlagent.models.catalog import list_models
    from budgetmlagent.models.config import load_models

    rows = list_models(load_models(models))
    if as_json:
        return options.print_json(rows)
    for row in rows:
        where = row["base_url"] or row["chat"]
        if row["path"]:
            where = f"{row['path']} ({'here' if row['present'] else 'not fetched yet'})"
        believed = f"{'by its profile' if row['profile'] else 'by a guess'}: {profiled.can(row['able'])}"
        print(f"{row['name']:10s} {row['model']}, {row['price']}")
        print(f"{'':10s} {where}")
        if row["shown"]:
            print(f"{'':10s} {profiled.shown(row['shown'])}")
        print(progress.hanging(f"{'':10s} {believed}", options.width(), 11))
    return None


@app.command()
def new(
    provider: Annotated[
        str,
        typer.Argument(
            metavar="PROVIDER",
            help="openai, anthropic, gemini, deepseek, openrouter, groq; ollama or vllm on this machine.",
            autocompletion=complete.providers,
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")] = Path("models.yaml"),
    as_json: options.Json = False,
) -> None:
    """Write a models.yaml for a provider. It has a cheap and a dear model; said is what a run will cost."""
    from budgetmlagent.cli.progress import calls
    from budgetmlagent.new import modelsfile

    made = modelsfile.team(provider)
    modelsfile.write(made, out)
    told, file = modelsfile.told(made, out), shlex.quote(str(out))
    lines = [f"wrote {out}"]
    for name, spec in made.specs.items():
        lines.append("; ".join([f"  {name}: {spec.model}", *modelsfile.comment(made, name)[:1]]))
    lines += [f"a run of {told['task']} with the default budget"]
    lines += [f"  {line}" for line in calls(told)]
    if told["note"]:
        lines.append(f"to do\n  {told['note']}")
    elif made.key:
        lines.append(f"{made.key} is set")
    first = (f"budgetml models {each} --models {file}" for each in ("check", "profile"))
    commands = *first, f"budgetml run {told['task']} --models {file}"
    options.tell(as_json, told, [*lines, "next", *(f"  {options.typed(each)}" for each in commands)])


@app.command()
def check(
    models: options.Models = None,
    budget: Annotated[
        float, typer.Option(metavar="USD", help="Dollars that may be spent on it: a hard cap.")
    ] = 0.25,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Ask each model as the team does. Can it do the work, and what does its endpoint take? Paid for in the ledger.

    Status 3 where one cannot, 2 where a key or the budget is missing.
    """
    from budgetmlagent.models.check import NODE, check_models
    from budgetmlagent.models.config import load_models
    from budgetmlagent.money.ledger import Ledger
    from budgetmlagent.money.place import place_of
    from budgetmlagent.records.rundir import new_id
    from budgetmlagent.run.options import nano

    specs, cap, run = load_models(models).values(), nano("budget", budget), new_id(NODE)
    ledger = Ledger(place_of(runs_dir))
    ledger.open_run(run, cap)
    try:
        rows = check_models(specs, ledger, run)
    except KeyboardInterrupt:
        told = f"stopped; `budgetml cost --runs-dir {runs_dir}` tells what was spent"
        raise InterruptedCommandError(told) from None
    proxies = dict.fromkeys(row["proxy"] for row in rows if row["proxy"])
    options.tell(as_json, rows, [*(f"by proxy {proxy}" for proxy in proxies), *map(_checked, rows)])
    _end(rows, "cannot do the work")


def _end(rows: Sequence[Mapping[str, Any]], what: str) -> None:
    """Say which models are not in order, with the status of the worst."""
    if bad := [row for row in rows if not row["ok"]]:
        words = f"{', '.join(row['name'] for row in bad)}: {what} (see above)"
        is_away = any(row["status"] == UnavailableError.status for row in bad)
        raise UnavailableError(words) if is_away else UsageError(words)


def _checked(row: Mapping[str, Any]) -> str:
    """Tell what a check found, in a line."""
    takes = row["takes"]
    taken = (
        ", ".join(name for name in ("temperature", "seed") if takes[name]) or "neither temperature nor seed"
    )
    found = f"takes {taken}; JSON by {takes['schema']}; thinks {row['thinks']} tokens; {row['price'] or 'no price'}"
    verdict = "ok " if row["ok"] else "BAD"
    return f"{verdict} {row['name']:10s} {row['detail']}; {found}; {row['seconds']:.1f} s, ${row['usd']:.6f}"


@app.command()
def profile(
    models: options.Models = None,
    budget: Annotated[
        float, typer.Option(metavar="USD", help="Dollars that may be spent on it: a hard cap.")
    ] = 2.0,
    samples: Annotated[int, typer.Option(metavar="N", help="Answers of each model to each exercise.")] = 3,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="N", help="Time for each model, after its first answers. [default: 4 embedded, else 15]"
        ),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe", help="Run the models' scripts without a sandbox. They can do all that you can."
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Let each model do a few exercises. Paid for in the ledger; later runs ask it for what it can do.

    Status 3 where one is not available or gives no answer, 2 where a key or the budget is missing.
    """
    from budgetmlagent.cli import profiled
    from budgetmlagent.models.config import load_models
    from budgetmlagent.models.profiles import path
    from budgetmlagent.money.ledger import Ledger
    from budgetmlagent.money.place import place_of
    from budgetmlagent.profiling.asking import NODE, Bounds, profile_models
    from budgetmlagent.profiling.costs import costs, said
    from budgetmlagent.profiling.trial import Trial
    from budgetmlagent.records.rundir import new_id
    from budgetmlagent.run.options import nano

    found = load_models(models).values()
    specs = list({path(spec): spec for spec in found}.values())  # each once
    cap, run = nano("budget", budget), new_id(NODE)
    bounds = Bounds(samples, minutes)
    cost = costs(specs, samples, cap)
    profiled.say(said(cost, samples))
    most = {name: each.most for name, each in cost.items()}
    ledger, trial = Ledger(place_of(runs_dir)), Trial(unsafe=unsafe)
    ledger.open_run(run, cap)
    rows = []
    try:
        for row in profile_models(specs, ledger, run, trial.run, bounds=bounds, most=most, told=profiled.say):
            rows.append(row)
            if not as_json:
                print("\n".join(profiled.lines(row)))
    except KeyboardInterrupt:  # for which Typer has the status, and no word
        profiled.say(f"stopped; `budgetml cost --runs-dir {runs_dir}` tells what was spent")
        raise
    if as_json:
        options.print_json(rows)
    _end(rows, "could not be profiled")


@app.command()
def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Default: all embedded ones.", autocompletion=complete.embedded),
    ] = None,
    models: options.Models = None,
    again: Annotated[bool, typer.Option("--again", help="Fetch anew, for a damaged file.")] = False,
) -> None:
    """Fetch the embedded models' weights. Once, checked against their SHA-256."""
    from budgetmlagent.instead import EMBEDDED
    from budgetmlagent.models.config import load_models
    from budgetmlagent.models.embedded.weights import KNOWN
    from budgetmlagent.run.wiring import fetched

    specs = load_models(models)
    embedded = [s.model for s in specs.values() if s.base_url == EMBEDDED and s.model in KNOWN]
    for name in names or list(dict.fromkeys(embedded)):
        model = specs[name].model if name in specs else name
        if model not in KNOWN:
            raise UsageError(unknown("embedded model", name, [*specs, *KNOWN]))
        print(f"{model}: {fetched(model, again=again)}")


def doctor(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Check this run's stores.", autocompletion=complete.runs),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make what is derived again from the stores.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Say what works on this machine. With RUN, whether its stores are whole; status 1 where something is lost."""
    from budgetmlagent.cli import progress
    from budgetmlagent.upkeep import doctor

    rows = doctor.of_run(run, runs_dir, rebuild=rebuild) if run else doctor.of_machine(runs_dir)
    told = (f"{'ok ' if row['ok'] else 'BAD'} {row['what']}: {row['detail']}" for row in rows)
    lines = (progress.hanging(line, options.width(), 4) for line in told)
    options.tell(as_json, rows, lines)
    bad = list(dict.fromkeys(row["what"] for row in rows if not row["ok"]))
    if bad:
        words = f"not in order: {', '.join(bad)}"
        raise RunFailedError(words) if run else UnavailableError(words)
