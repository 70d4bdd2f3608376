"""Supervises one confined command: `python -I sandlocked.py POLICY COMMAND...`, POLICY being JSON. Stands alone."""

import json
import sys

from sandlock import ExitReason, Sandbox, SandlockError

KILLED = 137  # as a shell says it; which signal it was is not told


def main() -> int:
    """Run the command to its end and return its exit status as a shell tells it."""
    policy, *command = sys.argv[1:]
    try:
        result = Sandbox(**json.loads(policy)).popen(command).wait()
    except (SandlockError, RuntimeError) as error:
        print(f"sandlock: {error}", file=sys.stderr)
        return 1
    return KILLED if result.reason is ExitReason.KILLED else int(result.exit_code)


if __name__ == "__main__":
    sys.exit(main())
