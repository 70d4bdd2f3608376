"""Templates that a stranger may have written, rendered within bounds: Jinja2's sandbox holds what they reach, this how much they do.

Each body (of a loop, a macro, a template that is included) is charged when it is entered, each value where it is read by its
name, each call, filter and operator before it is carried out, by what it will make at most.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, update_wrapper
from types import BuiltinFunctionType, BuiltinMethodType
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

LARGEST = 200_000  # characters of a template with what it includes, and of what is rendered
MOST = (
    5_000_000  # what may be charged: characters that are read or made, and STEP for each part of a template
)
STEP = 10
COMPILED = 250  # for each part of a template when it is compiled: some 100 µs
# Their time is no multiple of what they are given, or they lay out by numbers that stand in a text.
WITHOUT = ("format", "pprint", "striptags", "urlize", "wordwrap", "xmlattr")
WIDE = re.compile(r"%(?![sdr])")
BODIES = (nodes.Template, nodes.For, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.Block)


class TemplateBoundsError(ValueError):
    """A template cannot be rendered: it is none, lacks a value, or does more than is allowed."""


def rendered(
    text: str,
    values: Mapping[str, Any],
    *,
    shared: Mapping[str, str] | None = None,
    filters: Mapping[str, Callable[..., Any]] | None = None,
) -> str:
    """Render the template `text`, which may include those of `shared`, with `values`.

    Raises TemplateBoundsError, in one line.
    """
    shared = shared or {}
    if len(text) + sum(map(len, shared.values())) > LARGEST:
        raise TemplateBoundsError(f"the template has more than {LARGEST} characters")
    environment = Bounded(loader=DictLoader(shared), filters=filters or {})
    with _one_line():
        made = environment.from_string(text).render(values)
    if len(made) > LARGEST:
        raise TemplateBoundsError(f"it renders to more than {LARGEST} characters")
    return made


def parsed(text: str) -> nodes.Template:
    """Return the tree of a template that can be compiled, which is not rendered. Raises TemplateBoundsError, in one line."""
    environment = Bounded(filters={})
    with _one_line():
        environment.from_string(text)  # its filters and tests, too, are there
        return environment.parse(text)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except TemplateSyntaxError as error:
        raise TemplateBoundsError(f"line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise TemplateBoundsError(str(error.message or error)) from error
    except (RecursionError, MemoryError) as error:  # Python's own compiler says the latter
        raise TemplateBoundsError("it is nested too deeply") from error
    except (
        ArithmeticError, AssertionError, AttributeError, LookupError, NameError, SyntaxError, TypeError, ValueError,
    ) as error:  # fmt: skip  # whatever an expression of a stranger's may raise
        raise TemplateBoundsError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error


class _Charging(CodeGenerator):
    """Writes a charge into the program of a template wherever one is due."""

    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:
        bounds: Any = self.environment
        for body in (
            node,
            *node.find_all(BODIES),
        ):  # the compiler looks for names through each, and all in it
            bounds.due(None, COMPILED * sum(1 for _ in body.find_all(nodes.Node)))
        _charge(node)
        _rewrite(node)
        node.set_environment(self.environment)
        super().visit_Template(node, frame)


def _charge(node: Any) -> int:
    """Put a charge for all that stands in it at the beginning of each body below `node`; return what `node` costs."""
    size = STEP + len(str(getattr(node, "data", getattr(node, "value", ""))))
    size += sum(map(_charge, node.iter_child_nodes()))
    if isinstance(node, BODIES):
        due = nodes.Filter(nodes.Const(""), "due", [nodes.Const(size)], [], None, None, lineno=node.lineno)
        node.body.insert(0, nodes.Output([due], lineno=node.lineno))
    return size


def _rewrite(node: nodes.Node) -> None:
    """Put a charge around each name that is read below `node`, and let `~` join as the filter does."""
    for field, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            _rewrite(value)
            setattr(node, field, _charged(value))
        elif isinstance(value, list):
            for i, part in enumerate(value):
                if isinstance(part, nodes.Node):
                    _rewrite(part)
                    value[i] = _charged(part)


def _charged(node: nodes.Node) -> nodes.Node:
    if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem) and node.ctx == "load":
        return nodes.Filter(node, "read", [], [], None, None, lineno=node.lineno)
    if isinstance(node, nodes.Concat):
        whole = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(whole, "join", [], [], None, None, lineno=node.lineno)
    return node


class Bounded(SandboxedEnvironment):
    """Jinja2's sandbox that counts what the templates of one rendering do.

    Raises SecurityError, a TemplateError, where that is more than `MOST`.
    """

    code_generator_class = _Charging
    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def __init__(self, *, filters: Mapping[str, Callable[..., Any]], **given: Any) -> None:
        super().__init__(
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
            finalize=self.read,
            **given,
        )
        self.left: float = MOST
        del self.globals["lipsum"]
        plain = {name: f for name, f in {**self.filters, **filters}.items() if name not in WITHOUT}
        self.filters = {name: update_wrapper(partial(self.filtered, name, f), f) for name, f in plain.items()}
        # With a context, they are not carried out while the template is compiled.
        self.filters |= {
            "due": pass_context(lambda _, value, size: self.due(value, size)),
            "read": pass_context(lambda _, value: self.read(value)),
        }

    def due(self, value: Any, size: float) -> Any:
        """Charge `size` and return `value`."""
        self.left -= size
        if self.left < 0:
            raise SecurityError(
                f"it does or makes more than is allowed to a template ({MOST} characters and steps)"
            )
        return value

    def read(self, value: Any) -> Any:
        """Charge what there is to read of `value`, and return it."""
        return self.due(value, size_of(value))

    def filtered(self, name: str, filter_: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        """Carry a filter out: what it makes is no larger than the product of all that it is given."""
        if name not in ("default", "d"):
            value, *others = [*args[hasattr(filter_, "jinja_pass_arg") :], *named.values()]
            self.due(None, size_of(value) * math.prod(map(factor_of, others)))
        made = filter_(*args, **named)
        return list(made) if isinstance(made, Iterator) else made

    def call(self, context: Any, obj: Any, /, *args: Any, **named: Any) -> Any:
        """Call what a template calls; what is Python's own makes no more than the product of all that it is given."""
        given = [*args, *named.values()]
        if getattr(obj, "__name__", "") in ("format", "format_map"):
            raise SecurityError("str.format is not allowed to a template")
        if isinstance(obj, BuiltinFunctionType | BuiltinMethodType | type) or obj is self.globals["range"]:
            own = size_of(getattr(obj, "__self__", None))
            self.due(None, own * math.prod(map(factor_of, given)))
        return super().call(context, obj, *args, **named)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Carry an operator out."""
        if operator == "%" and not isinstance(left, int | float) and WIDE.search(str(left)):
            raise SecurityError("only %s, %d and %r are filled in in a template, without a width")
        if operator == "**" or (operator == "*" and not _are_numbers(left, right)):
            self.due(None, factor_of(left) * factor_of(right))
        elif operator == "*":
            self.due(None, size_of(left) * size_of(right))
        else:
            self.due(None, size_of(left) + size_of(right))
        return super().call_binop(context, operator, left, right)


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def size_of(value: Any) -> int:
    """Return how much there is to read of a value, in characters: at least 1."""
    if isinstance(value, str | bytes | range):
        return 1 + len(value)
    if isinstance(value, int):
        return 1 + value.bit_length() // 3
    if isinstance(value, Mapping):
        return 1 + sum(size_of(key) + size_of(part) for key, part in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return 1 + sum(map(size_of, value))
    return 1


def factor_of(value: Any) -> float:
    """Return how many times as much a call may make for this argument."""
    if isinstance(value, int | float):
        return max(1.0, float(abs(value))) if abs(value) <= MOST else math.inf
    return float(size_of(value))
