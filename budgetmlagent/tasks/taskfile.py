"""`task.yaml`: its fields, and the one-line errors that name the file, the line and the field."""

import io
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from budgetmlagent.errors import UsageError
from graphs import registry
from memory.files import read_plain

REPEATS = 5
nearest = partial(registry.nearest, hint="did you mean {!r}? ")  # stands before the words that are known


def _network(given: Any) -> Any:
    """Read a switch: `on` and `off` are words in YAML 1.2 and truth values in YAML 1.1."""
    if isinstance(given, bool):
        return given
    if given in ("off", "on"):
        return given == "on"
    raise ValueError("write off or on")


def _gpu(given: Any) -> Any:
    """Read which GPUs are meant, as "", "all" or numbers with commas between them."""
    if isinstance(given, bool):
        return "all" if given else ""
    if isinstance(given, list) and given and all(map(_is_number, given)):
        return ",".join(str(number) for number in sorted(set(given)))
    raise ValueError("write false, true or a list of numbers, such as [0, 1]")


def _is_number(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Metric(_Strict):
    """What is measured, and whether more of it is better."""

    name: str = Field(min_length=1)
    direction: Literal["max", "min"]


MOST = 1e6  # of a limit in seconds, gigabytes or megabytes: in bytes it is a number that the kernel takes


class Limits(_Strict):
    """What one execution may take."""

    seconds: float = Field(default=120.0, gt=0, le=MOST, allow_inf_nan=False)
    memory_gb: float = Field(default=4.0, gt=0, le=MOST, allow_inf_nan=False)
    disk_gb: float = Field(default=1.0, gt=0, le=MOST, allow_inf_nan=False)  # written into the workspace
    output_mb: float = Field(default=8.0, gt=0, le=MOST, allow_inf_nan=False)  # printed
    processes: int = Field(default=200, gt=0, le=10**6)


class Timed(_Strict):
    """Which function of train.py is timed, and how often, each time on other inputs."""

    function: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    repeats: int = Field(default=REPEATS, ge=3, le=100)


class TaskFile(_Strict):
    """The content of a `task.yaml`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    text: str = Field(min_length=1)
    metric: Metric
    limits: Limits = Limits()
    network: Annotated[bool, BeforeValidator(_network)] = False
    gpu: Annotated[str, BeforeValidator(_gpu)] = ""
    data: Literal["stays", "schema", "samples"] = "schema"
    python: str | None = None
    timed: Timed | None = None
    submission: str = Field(default="submission.csv", pattern=r"^[A-Za-z0-9_*-][A-Za-z0-9_.*-]*$")


def read_text(path: Path, what: str) -> str:
    """Return the text of `path`. Raises UsageError where it is missing, no file, or not UTF-8."""
    try:
        # Line ends as `Path.read_text` gives them.
        text = io.TextIOWrapper(io.BytesIO(read_plain(path)), encoding="utf-8-sig").read()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: missing: {what}; add this file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): {what}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    before, nul, _ = text.partition("\0")
    if nul:
        line = before.count("\n") + 1
        raise UsageError(f"{path}:{line}: holds a NUL byte, as UTF-16 without a mark does; save it as UTF-8")
    return text


def read_task_file(path: Path) -> TaskFile:
    """Read and check `path`. Raises UsageError `file:line: field: what is wrong, what to do`."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    from memory import yaml_text

    text = read_text(path, "the description of the task")
    try:
        _, tree = yaml_text.load(text, "rt")
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = (error.problem or "malformed").splitlines()[0]
        raise UsageError(f"{path}:{line}: not valid YAML: {problem}") from None
    except YAMLError as error:
        raise UsageError(f"{path}:1: not valid YAML: {str(error).splitlines()[0]}") from None
    except (RecursionError, ValueError, TypeError, AttributeError, LookupError):
        raise UsageError(
            f"{path}:1: not valid YAML: a value in it is malformed, or nested too deeply"
        ) from None
    if not isinstance(tree, dict):
        raise UsageError(f"{path}:1: must be a mapping with the keys {', '.join(TaskFile.model_fields)}")
    try:
        return TaskFile.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(key) for key in first["loc"])
        raise UsageError(f"{path}:{_line(tree, first['loc'])}: {field}: {_problem(first)}") from None


def _line(tree: Any, loc: tuple[int | str, ...]) -> int:
    """The line of the key at `loc`, or of the nearest key above it where it is missing."""
    line = 1
    for key in loc:
        if not isinstance(tree, dict) or key not in tree:
            break
        line = tree.lc.key(key)[0] + 1  # type: ignore[attr-defined]  # ruamel's own mapping knows its lines
        tree = tree[key]
    return line


def _problem(error: ErrorDetails) -> str:
    """Pydantic's finding as words that say what to write instead."""
    loc, given = error["loc"], error["input"]
    if error["type"] == "missing":
        return "is missing; add it"
    if error["type"] == "extra_forbidden":
        models: dict[Any, type[BaseModel]] = {"metric": Metric, "limits": Limits, "timed": Timed}
        keys = list(models.get(loc[0] if len(loc) > 1 else "", TaskFile).model_fields)
        return f"unknown key; {nearest(str(loc[-1]), keys)}The keys are {', '.join(keys)}"
    if error["type"] == "string_too_short":
        return "is empty; fill it in"
    remedies = {
        "literal_error": f"write {error.get('ctx', {}).get('expected', '')}",
        "model_type": "write a mapping with keys of its own",
        "value_error": error["msg"].removeprefix("Value error, "),
        "string_pattern_mismatch": "write a plain name of letters, digits, '.', '_' and '-'",
    }
    return f"is {given!r}; {remedies.get(error['type'], error['msg'][0].lower() + error['msg'][1:])}"
