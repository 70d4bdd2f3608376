"""Floor 0: one Markdown file per prompt - `## system` and `## user` sections, Jinja2 - and this loader."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["needs", "path_of", "render", "shipped"]

FOLDER = Path(__file__).parent
IN_PACKAGE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([^:]+\.md)")


def path_of(name: str) -> Path:
    """Return the file of prompt `name`: one here, a user's own .md by its path, or `package:file.md`.

    Raises LookupError, with one sentence, where there is no such package or it has no such file.
    """
    if found := IN_PACKAGE.fullmatch(name):
        return _in_package(*found.groups())
    return Path(name) if name.endswith(".md") else FOLDER / f"{name}.md"


def _in_package(package: str, file: str) -> Path:
    from prompts.packages import found

    if ".." in Path(file).parts or Path(file).is_absolute():
        raise LookupError(f"prompt '{package}:{file}': the file must lie in the package")
    spec = found(package)
    folders = (spec and spec.submodule_search_locations) or ()  # a module that is no package has none
    if not folders:
        what = f"no package {package!r} can be imported; is it installed?"
        raise LookupError(f"prompt '{package}:{file}': {what}")
    path = next((path for folder in folders if (path := Path(folder) / file).is_file()), None)
    if path is None:
        raise LookupError(f"prompt '{package}:{file}': package {package!r} has no file {file!r}")
    return path


def shipped() -> list[str]:
    """Names of the prompts that come with the program."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _template(text: str) -> Any:
    return _environment().from_string(text)


def render(name: str, /, **values: Any) -> list[Mapping[str, str]]:
    """Render prompt `name` (see `path_of`) into chat messages."""
    rendered = _template(path_of(name).read_text(encoding="utf-8")).render(values)
    parts = re.split(r"^## (system|user|assistant)\n", rendered, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return [{"role": role, "content": text.strip()} for role, text in pairs]


def needs(name: str) -> frozenset[str]:
    """Return the values without which prompt `name` cannot be rendered.

    Raises OSError or LookupError where there is no such file and ValueError, in one line, where it is no template.
    """
    from jinja2 import TemplateSyntaxError, meta, nodes

    environment = _environment()
    try:
        tree = environment.parse(path_of(name).read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from None
    asked = [t for t in tree.find_all(nodes.Test) if t.name in ("defined", "undefined")]
    defaults = [f for f in tree.find_all(nodes.Filter) if f.name in ("default", "d")]
    spared = {place.node.name for place in (*asked, *defaults) if isinstance(place.node, nodes.Name)}
    return frozenset(meta.find_undeclared_variables(tree) - set(environment.globals) - spared)
