"""The static check: what would certainly fail is found in a tenth of a second, without running the script."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages.interpreter import Interpreter
from budgetmlagent.sandbox.compiled import holds_compiled
from budgetmlagent.sandbox.process.scratch import scratch
from nodes.deps import Finding

MOST_MEMORY = (
    512 << 20
)  # bytes that the checker may take; 256 MiB are enough for scripts with all our libraries
SECONDS = 20  # a checker that needs longer says nothing
# ty's names of the findings that are certain, older and newer, and ours.
RULES = {
    "unresolved-reference": "unresolved-reference",
    "unresolved-import": "unresolved-import",
    "import-not-found": "unresolved-import",
    "missing-module-member": "unresolved-import",
    "unresolved-attribute": "unresolved-attribute",
    "missing-attribute": "unresolved-attribute",
}
QUOTED = re.compile(r"`([^`]+)`")


def check(script: str, python: Interpreter, env: Path) -> Sequence[Finding]:
    """Return what would certainly fail in `script`, in the order of its lines.

    `env` holds modules that the script may import. Raises UnavailableError where ty is not installed.
    """
    try:
        tree = ast.parse(script)
    except SyntaxError as error:
        return [Finding(error.lineno or 1, "invalid-syntax", "", error.msg)]
    except (ValueError, RecursionError, MemoryError) as error:
        return [Finding(1, "invalid-syntax", "", f"Python cannot read the script: {error}")]
    guarded = _guarded(tree)
    findings = [_finding(item, python) for item in _ty(script, python, env)]
    certain = [finding for finding in findings if finding and finding.line not in guarded]
    return sorted(certain, key=lambda finding: finding.line)


def _ty(script: str, python: Interpreter, env: Path) -> list[dict[str, Any]]:
    with scratch("static") as folder:
        path = folder / "train.py"
        path.write_text(script, encoding="utf-8", errors="replace")
        command = [
            _binary(), "check", "--project", str(folder), "--python", str(python.path), "--output-format", "gitlab",
        ]  # fmt: skip
        command = [*limited(), *command]
        command += [*(["--extra-search-path", str(env)] if env.is_dir() else []), str(path)]
        # A configuration of the user's own must not decide what is found.
        clean = {"PATH": os.defpath, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        try:
            done = subprocess.run(
                command, capture_output=True, encoding="utf-8", errors="replace", env=clean, cwd=folder,
                timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return []
    # A checker that breaks on a script says nothing of it: the script is run, and its own error is seen.
    return list(json.loads(done.stdout)) if done.stdout.startswith("[") else []


def limited() -> list[str]:
    """Return what keeps the checker's memory bounded, [] without prlimit: a script may be made to be hard to check."""
    prlimit = shutil.which("prlimit", path="/usr/bin:/bin") or shutil.which("prlimit")
    return [prlimit, f"--data={MOST_MEMORY}", "--core=0"] if prlimit else []


def _binary() -> str:
    from ty import find_ty_bin

    try:
        return os.fspath(find_ty_bin())
    except FileNotFoundError:
        if found := shutil.which("ty"):
            return found
        why = "ty, which checks scripts, is not installed; install budgetmlagent anew"
        raise UnavailableError(why) from None


def _finding(item: Mapping[str, Any], python: Interpreter) -> Finding | None:
    """Read one of ty's findings; None where it is not certain to fail."""
    rule = RULES.get(item["check_name"])
    message = item["description"].partition(": ")[2]
    if rule is None or (rule == "unresolved-attribute" and not message.startswith("Module ")):
        return None
    quoted = QUOTED.findall(message)
    if message.startswith("Module ") and len(quoted) > 1 and holds_compiled(quoted[0], python.packages):
        return None
    line = int(item["location"]["positions"]["begin"]["line"])
    return Finding(line, rule, quoted[-1] if quoted else "", message)


def _guarded(tree: ast.Module) -> set[int]:
    """Lines of `try` bodies with handlers: what fails there is not certain to end the script."""
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and node.handlers]
    bodies = [statement for node in tries for statement in node.body]
    return {line for body in bodies for line in range(body.lineno, (body.end_lineno or body.lineno) + 1)}
