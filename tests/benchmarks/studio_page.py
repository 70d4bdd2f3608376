"""What the studio's page takes for 1,000 steps and a graph of 100 nodes: `python tests/benchmarks/studio_page.py` prints milliseconds.

In Debian's chromium without a graphics card; it needs the extra `browser`.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from chromium import chromium
from recorded import REPLAY
from studio import NODES, STEPS, large, lengthened
from studio_page import Looked, studio

from budgetmlagent.cli import call
from budgetmlagent.records.rundir import all_runs

FRAMES = """async () => {
    const taken = [];
    let last = performance.now();
    for (let frame = 0; frame < 90; frame++) {
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        taken.push(now - last);
        last = now;
        window.benchmark(frame);
    }
    return taken.slice(5);
}"""


def frames(look: Looked, what: str, each: str) -> None:
    """Print how long a frame takes while `each` is done in every one."""
    look.page.evaluate(f"window.benchmark = {each}")
    taken = sorted(look.page.evaluate(FRAMES))
    print(
        f"{what:44s} median {statistics.median(taken):5.1f} ms   95% {taken[int(0.95 * len(taken))]:5.1f} ms"
    )


def opened(look: Looked, what: str, selector: str) -> None:
    """Print when something of the page is first painted, and when what was asked for is there."""
    begin = time.perf_counter()
    look.page.reload()
    look.page.locator(selector).first.wait_for()
    there = 1000 * (time.perf_counter() - begin)
    paint = look.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"{what:44s} first paint {paint:5.0f} ms   there {there:5.0f} ms")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        assert call([*REPLAY, "--runs-dir", str(folder / "runs")]) == 0
        run = all_runs(folder / "runs")[0]
        lengthened(run, STEPS)
        (folder / "large.yaml").write_text(large(NODES))
        with studio(folder) as address:
            look = Looked(browser, address, "run", run.run_id)
            opened(look, f"a run of {STEPS} steps", ".timeline li")
            frames(
                look,
                "the list of steps is scrolled",
                "() => document.querySelector('.timeline ol').scrollBy(0, 200)",
            )
            look.go("graph", "large.yaml")
            opened(look, f"a graph of {NODES} nodes", "[data-card]")
            wheel = "new WheelEvent('wheel', {deltaX: 12, deltaY: 9, bubbles: true, cancelable: true})"
            frames(
                look,
                "the graph is moved",
                f"() => document.querySelector('.react-flow__pane').dispatchEvent({wheel})",
            )


if __name__ == "__main__":
    main()
