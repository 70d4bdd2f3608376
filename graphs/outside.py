"""What a graph names beyond this program and the current folder: used to run it, and only after the person was told."""

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import prompts
from prompts.packages import found, installed

OURS = frozenset({"budgetmlagent", "graphs", "memory", "nodes", "prompts"})


def is_loaded(module: str) -> bool:
    """Whether nothing of anybody else's runs where `module` is imported: it is ours, or has been imported."""
    return module in sys.modules or module.partition(".")[0] in OURS


def loaded(module: str) -> ModuleType:
    """Import `module`, of the current folder if it is nowhere else, having said so. Raises as an import does."""
    if not is_loaded(module) and (spec := found(module)):
        top = module.partition(".")[0]
        where = spec.origin or ", ".join(spec.submodule_search_locations or ())
        print(f"budgetml: runs code that is not its own: {module} ({where})", file=sys.stderr)
        if installed(top) is None:
            # Behind all else, so that no file there takes the place of an installed module.
            sys.path.append(str(Path.cwd()))
    return importlib.import_module(module)


def told_of_prompts(names: Iterable[str]) -> None:
    """Say which files from elsewhere models will be shown as prompts: a stranger's graph may name any file here."""
    given = set(names)
    for name in sorted(given | {prompts.variant(name, prompts.FREE) for name in given}):
        if name.endswith(".md") and not prompts.IN_PACKAGE.fullmatch(name):
            path = Path(name).resolve()
            if not path.is_relative_to(Path.cwd().resolve()):
                print(
                    f"budgetml: models are shown a file from elsewhere as a prompt: {path}", file=sys.stderr
                )
