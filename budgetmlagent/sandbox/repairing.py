"""Repairs without a model, bound to the libraries that the scripts use (`nodes.deps.Repairs`)."""

from collections.abc import Sequence

from budgetmlagent.sandbox.execution import ScriptSandbox
from nodes.craft.repairs.cures import cure_runtime, cure_static


class LibraryRepairs:
    """Mends by rules, with the static check and the index of public names of the sandbox's interpreter."""

    def __init__(self, sandbox: ScriptSandbox) -> None:
        self._sandbox = sandbox

    def before(self, script: str, sources: Sequence[str]) -> tuple[str, list[str]]:
        """Mend what the static check finds."""
        return cure_static(script, self._sandbox.check(script), self._sandbox.names(), sources)

    def after(self, script: str, tail: str, sources: Sequence[str]) -> tuple[str, list[str]]:
        """Mend what the error at the end of the output says."""
        return cure_runtime(script, tail, self._sandbox.names(), sources)
