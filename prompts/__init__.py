"""Floor 0: one Markdown file per prompt - `## system` and `## user` sections, Jinja2 - and this loader.

`coder.free.md` beside `coder.md` is the same prompt for models that plan freely.
"""

import errno
import os
import re
import stat
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

__all__ = ["FREE", "PromptError", "needs", "path_of", "render", "shipped", "variant"]

FOLDER = Path(__file__).parent
FREE = "free"  # the kind of a prompt for models that may say freely what to do
LARGEST = 200_000  # bytes of a prompt's file
IN_PACKAGE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([^:]+\.md)")


def path_of(name: str) -> Path:
    """Return the file of prompt `name`: one here, a user's own .md by its path, or `package:file.md`.

    Raises LookupError, with one sentence, where there is no such package or it has no such file.
    """
    if found := IN_PACKAGE.fullmatch(name):
        return _in_package(*found.groups())
    if name.endswith(".md"):
        return Path(name)
    if Path(name).name != name:  # it would lead out of this folder, unseen
        raise LookupError(
            f"unknown prompt {name[:200]!r}: a path ends in .md, a name in prompts/ holds no '/'"
        )
    return FOLDER / f"{name}.md"


def variant(name: str, kind: str) -> str:
    """Return the name of prompt `name` as it is written for a kind of models; "" where there is no such file."""
    file = name.endswith(".md")
    written = f"{name.removesuffix('.md')}.{kind}{'.md' * file}"
    try:
        return written if path_of(written).is_file() else ""
    except (LookupError, OSError, ValueError):  # of a name that no file can have
        return ""


def _text(name: str) -> str:
    """Return the text of a prompt's file. Raises OSError, also for a pipe, a device and what is too large, and LookupError."""
    path = path_of(name)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise OSError(errno.EINVAL, f"is no plain file of at most {LARGEST} bytes", str(path))
        return file.read().decode("utf-8")


def _in_package(package: str, file: str) -> Path:
    from prompts.packages import found

    if ".." in Path(file).parts or Path(file).is_absolute():
        raise LookupError(f"prompt '{package}:{file}': the file must lie in the package")
    spec = found(package)
    folders = (spec and spec.submodule_search_locations) or ()  # a module that is no package has none
    if not folders:
        what = f"no package {package!r} can be imported; is it installed?"
        raise LookupError(f"prompt '{package}:{file}': {what}")
    inside = ((Path(folder).resolve(), (Path(folder) / file).resolve()) for folder in folders)
    path = next((path for top, path in inside if path.is_file() and path.is_relative_to(top)), None)
    if path is None:
        raise LookupError(f"prompt '{package}:{file}': package {package!r} has no file {file!r}")
    return path


def shipped() -> list[str]:
    """Names of the prompts that come with the program; their variants are found by them."""
    return sorted(path.stem for path in FOLDER.glob("*.md") if "." not in path.stem)


class PromptError(ValueError):
    """A prompt cannot be rendered. One line, with its name."""


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _template(text: str) -> Any:
    return _environment().from_string(text)


def render(name: str, /, **values: Any) -> list[Mapping[str, str]]:
    """Render prompt `name` (see `path_of`) into chat messages; one that is not ours, within bounds.

    Raises PromptError, and OSError or LookupError where there is no such file.
    """
    text = _text(name)
    made = _template(text).render(values) if _is_ours(name) else _bounded(name, text, values)
    parts = re.split(r"^## (system|user|assistant)\n", made, flags=re.MULTILINE)
    if len(parts) == 1:
        raise PromptError(f"prompt {name!r}: no line of it says '## system', '## user' or '## assistant'")
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return [{"role": role, "content": text.strip()} for role, text in pairs]


def _is_ours(name: str) -> bool:
    return not name.endswith(".md")


def _bounded(name: str, text: str, values: Mapping[str, Any]) -> str:
    from prompts.bounded import TemplateBoundsError, rendered

    try:
        return rendered(text, values)
    except TemplateBoundsError as error:
        raise PromptError(f"prompt {name!r}: {error}") from error


def needs(name: str) -> frozenset[str]:
    """Return the values without which prompt `name` cannot be rendered.

    Raises OSError or LookupError where there is no such file and ValueError, in one line, where it is no template.
    """
    return _needed(_text(name), _is_ours(name))


@lru_cache(maxsize=64)
def _needed(text: str, ours: bool) -> frozenset[str]:
    """Return what a template needs; a graph of many nodes asks that of the same few again and again."""
    from jinja2 import meta, nodes

    from prompts.bounded import parsed

    environment = _environment()
    tree = environment.parse(text) if ours else parsed(text)
    asked = [t for t in tree.find_all(nodes.Test) if t.name in ("defined", "undefined")]
    defaults = [f for f in tree.find_all(nodes.Filter) if f.name in ("default", "d")]
    spared = {place.node.name for place in (*asked, *defaults) if isinstance(place.node, nodes.Name)}
    return frozenset(meta.find_undeclared_variables(tree) - set(environment.globals) - spared)
