"""Between starting bubblewrap and beginning the script: the first process inside is found and put into its groups."""

import os
import signal
import subprocess
from contextlib import ExitStack, suppress

from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages import seccomp
from budgetmlagent.sandbox.cages.cgroup import Fence


class Door(ExitStack):
    """The pipes to one bubblewrap. Nothing runs inside before `open`, whatever becomes of the process that holds it.

    `filter`, `told`, `wait` and `go` are the descriptors that bubblewrap inherits: the filter of system calls, where it tells
    its first process, where that waits for the word, and where the word comes from. It holds the last one, too: were it
    ours alone, our death would be the word.
    """

    def __init__(self, *, network: bool = False) -> None:
        super().__init__()
        self._theirs = self.enter_context(ExitStack())
        self.filter = _closed(self._theirs, seccomp.descriptor(network=network))
        info, told = os.pipe()
        self._info, self.told = _closed(self, info), _closed(self._theirs, told)
        wait, go = os.pipe()
        self.wait, self.go = _closed(self._theirs, wait), _closed(self, go)

    @property
    def inherited(self) -> tuple[int, ...]:
        """What bubblewrap is given."""
        return self.filter, self.told, self.wait, self.go

    def enter(self, process: "subprocess.Popen[bytes]", fence: Fence) -> int | None:
        """Put the tree into its groups; return a pidfd of the first process inside, which takes all others along.

        None where bubblewrap has ended with a complaint. Raises UnavailableError where the groups cannot be joined.
        """
        self._theirs.close()
        pid = 0
        try:
            # Joining takes the kernel some milliseconds, in which bubblewrap mounts what it has to.
            fence.take(process.pid)
            pid = self._first()
            if pid:  # it may have been born before its parent had joined
                fence.take(pid)
            return _closed(self, os.pidfd_open(pid)) if pid else None
        except ProcessLookupError:
            return None
        except UnavailableError:
            if pid := pid or self._first():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)  # it waits, and would do so for ever
            process.kill()
            process.communicate()
            raise

    def _first(self) -> int:
        """Read which process is the first one inside, 0 where there is none."""
        text = b""
        while b"}" not in text and (part := os.read(self._info, 4096)):
            text += part
        return int(text.partition(b'"child-pid":')[2].split(b",")[0].strip(b" \n}") or 0)

    def open(self) -> None:
        """Let the script begin."""
        with suppress(BrokenPipeError):  # bubblewrap has ended, with a complaint
            os.write(self.go, b"!")


def _closed(stack: ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor
