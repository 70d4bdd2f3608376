"""models.yaml: which endpoint and which price stand behind each name that a graph's ladders use."""

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    StrictBool,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from budgetmlagent.errors import UsageError
from budgetmlagent.instead import EMBEDDED, REPLAY
from budgetmlagent.models.embedded.weights import KNOWN, is_file
from budgetmlagent.models.proxies import is_local
from budgetmlagent.money.prices import Rates
from memory.files import SMALL, read_plain

TAKEN = ("recall", "auto")  # on ladders
SHIPPED = Path(__file__).with_name("models.yaml")

# Nothing but a scheme, a host, a port and a path: a name and password, a query or a backslash in an address would let two
# readers see two different hosts, and `data: stays` depends on the host.
_URL = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")

# What stands for one kind of a value in the place of a problem, and is no field.
TAGS = ("zero", "table", "level", "budget", "constrained-float")

# What classes of LangChain and servers call the limit of a reply, the usual name first.
LIMIT_NAMES = ("max_completion_tokens", "max_tokens", "max_output_tokens", "num_predict", "max_new_tokens")
# In `params`, what would undo the limits of a request or its money, and what would put a key into a file.
_OURS = frozenset({"model", "messages", "stream", "n", "best_of", *LIMIT_NAMES, "n_predict"})
_SECRET = re.compile(
    r"(?i)(api|access|auth)[_-]?(key|token)|^token$|authorization|secret|password|credential"
)


def _kind_of_price(value: Any) -> str:
    return "table" if isinstance(value, Mapping | Rates) else "zero"


def _kind_of_reasoning(value: Any) -> str:
    return "budget" if isinstance(value, Mapping | ThinkingBudget) else "level"


def _no_boolean(value: Any) -> Any:
    return None if isinstance(value, bool) else value  # Python takes false for 0


def _names(value: JsonValue) -> Iterator[str]:
    """All names within a value, however deep."""
    if isinstance(value, dict):
        yield from value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inner:
        yield from _names(part)


class ThinkingBudget(BaseModel):
    """Thinking, limited in tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: int = Field(ge=1, strict=True)


class ModelSpec(BaseModel):
    """One model of models.yaml."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    name: str
    base_url: str = ""
    """`embedded`, or the address of an OpenAI-compatible endpoint; "" where `chat` says who asks."""
    chat: str | None = None
    """`package.module:Class`, a chat model of LangChain in the place of `base_url`."""
    model: str = Field(min_length=1)
    """The endpoint's name of the model; for `embedded` a known model's name or the path of a .gguf file."""
    key: str | None = None
    """The environment variable that holds the key, never the key itself."""
    price: (
        Annotated[
            Annotated[Literal[0], BeforeValidator(_no_boolean), Tag("zero")] | Annotated[Rates, Tag("table")],
            Discriminator(_kind_of_price),
        ]
        | None
    ) = None
    list_price_of: str | None = None
    """Count the tokens at this model's list price."""
    max_tokens: int | None = Field(default=None, ge=1, strict=True)
    """The most output tokens that one reply may have."""
    context: int | None = Field(default=None, ge=512)
    """The model's window, in tokens."""
    temperature: Annotated[float, Field(ge=0, le=2, strict=True)] | Literal[False] | None = None
    """Sent in the place of what a node asks for; False: none is sent."""
    seed: StrictBool | None = None
    """False: none is sent."""
    schema_form: Literal["strict", "json", "words"] | None = Field(default=None, alias="schema")
    """How JSON is asked for: by its schema, as any JSON object, or by words alone."""
    reasoning: (
        Annotated[
            Annotated[Literal["low", "medium", "high", "none"], Tag("level")]
            | Annotated[ThinkingBudget, Tag("budget")],
            Discriminator(_kind_of_reasoning),
        ]
        | None
    ) = None
    """How much the model is to think before it answers."""
    timeout: float | None = Field(default=None, gt=0, le=86_400, strict=True)
    """Seconds that a reply may take."""
    params: dict[str, JsonValue] = {}
    """Further fields of a request, or arguments of the class `chat`, handed on as they are."""

    @field_validator("params")
    @classmethod
    def _may_be_handed_on(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            raise ValueError("it holds a number that JSON has not") from None
        for key in _names(value):
            if _SECRET.search(key):
                raise ValueError(f"{key!r} looks like a key: name its environment variable in `key:` instead")
        for key in value:
            if key in _OURS:
                raise ValueError(f"{key!r} is set by budgetml, so that what a reply may cost is known before")
        return value

    @field_validator("chat")
    @classmethod
    def _is_class(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", value):
            raise ValueError("package.module:Class, a chat model of LangChain, is wanted")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and value != EMBEDDED and not _URL.fullmatch(value):
            raise ValueError(f"{EMBEDDED!r} or an address like https://host:port/v1 is wanted")
        return value.rstrip("/")

    @field_validator("key")
    @classmethod
    def _is_variable(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
            raise ValueError("the name of an environment variable is wanted, never the key itself")
        return value

    @model_validator(mode="after")
    def _is_at_hand(self) -> Self:
        if bool(self.base_url) == bool(self.chat):
            raise ValueError("base_url: this or `chat` is required, one of them")
        if self.chat and self.schema_form not in (None, "words"):
            raise ValueError("schema: a model of `chat` is asked for JSON by words alone")
        if isinstance(self.reasoning, ThinkingBudget) and self.reasoning.tokens >= (self.max_tokens or inf):
            raise ValueError("max_tokens: the tokens of `reasoning` leave no room for an answer")
        if self.base_url == EMBEDDED and self.model not in KNOWN and not is_file(self.model):
            raise ValueError(
                f"model: no embedded model {self.model!r}: take one of {', '.join(KNOWN)}, or a .gguf file"
            )
        return self


def load_models(path: Path | None = None) -> dict[str, ModelSpec]:
    """Read a models.yaml (None, or the word `embedded`: the shipped one) into specs by name, in the file's order.

    Raises UsageError as `file:line: field: what`.
    """
    path = SHIPPED if path is None or str(path) == EMBEDDED else path
    if str(path).startswith(REPLAY):
        raise UsageError(f"--models {path}: a recorded run has no models to ask; name a models.yaml")
    tree = _read(path)
    models = tree.get("models") if isinstance(tree, Mapping) else None
    if not isinstance(models, Mapping) or not models:
        raise UsageError(f"{path}:1: models: a table `models:` of name: {{base_url, model, …}} is wanted")
    for key in tree:
        if key != "models":
            raise UsageError(f"{path}:{_line(tree, key)}: {key}: unknown; the file has `models:` alone")
    return {name: _spec(path, models, name) for name in models}


def _read(path: Path) -> Any:
    from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError

    from memory import yaml_text

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML allows it: the newest counts
            return yaml_text.load(read_plain(path, SMALL).decode("utf-8"), "rt")[1]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no UTF-8 text; save it as UTF-8") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: not YAML: {error.problem}") from error
    except YAMLError as error:
        raise UsageError(f"{path}:1: not YAML: {str(error).splitlines()[0]}") from error
    except (RecursionError, ValueError, TypeError, AttributeError, LookupError):
        raise UsageError(f"{path}:1: not YAML: a value in it is malformed, or nested too deeply") from None


def _spec(path: Path, models: Any, name: Any) -> ModelSpec:
    entry, line = models[name], _line(models, name)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or name in TAKEN:
        raise UsageError(
            f"{path}:{line}: {name}: no model's name (letters, digits, . _ -; `recall` and `auto` are taken)"
        )
    if not isinstance(entry, Mapping):
        raise UsageError(f"{path}:{line}: {name}: {{base_url, model, …}} is wanted")
    if "name" in entry:
        raise UsageError(
            f"{path}:{_line(entry, 'name')}: {name}.name: unknown; the name is the key, {name!r}"
        )
    try:
        return ModelSpec(name=name, **{str(key): value for key, value in entry.items()})
    except ValidationError as error:
        raise UsageError(_first(path, models, name, error)) from error


def _first(path: Path, models: Any, name: str, error: ValidationError) -> str:
    """Word the first problem; its line is that of the deepest field of it which the file has."""
    problem = error.errors(include_url=False, include_input=False)[0]
    node, line, field = models[name], _line(models, name), [name]
    for part in problem["loc"]:
        if isinstance(node, Mapping) and part in node:
            line, node = _line(node, part), node[part]
        if part not in TAGS:
            field.append(str(part))
    what = str(problem["msg"]).removeprefix("Value error, ")
    if problem["loc"][-1:] == ("zero",):
        what = "0 or {input: $, output: $, cached: $} per million tokens is wanted"
    if not problem["loc"]:  # a check over several fields names the one that it is about itself
        about, _, what = what.partition(": ")
        line, field = _line(models[name], about) if about in models[name] else line, [name, about]
    return f"{path}:{line}: {'.'.join(field)}: {what}"


def _line(node: Any, key: Any) -> int:
    """The line, from 1, on which `key` stands in a mapping read by ruamel.yaml."""
    return int(node.lc.key(key)[0]) + 1


def host(spec: ModelSpec) -> str:
    """The host that requests to this model are sent to, without its port; the class where that alone knows it."""
    if spec.chat:
        own = spec.params.get("base_url")
        return (urlsplit(own).hostname if isinstance(own, str) else None) or spec.chat
    return "127.0.0.1" if spec.base_url == EMBEDDED else urlsplit(spec.base_url).hostname or ""


def is_loopback(spec: ModelSpec) -> bool:
    """Whether what is sent to this model stays on this machine."""
    return is_local(host(spec))
