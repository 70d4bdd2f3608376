"""Floor 0: one Markdown file per prompt - `## system` and `## user` sections, Jinja2 - and this loader."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@cache
def _template(path: Path) -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(path.read_text(encoding="utf-8"))


def render(name: str, /, **values: Any) -> list[Mapping[str, str]]:
    """Render prompt `name` (a file here, or a path to a user's own .md) into chat messages."""
    path = Path(name) if name.endswith(".md") else FOLDER / f"{name}.md"
    parts = re.split(r"^## (system|user|assistant)\n", _template(path).render(values), flags=re.MULTILINE)
    return [
        {"role": role, "content": text.strip()} for role, text in zip(parts[1::2], parts[2::2], strict=True)
    ]
