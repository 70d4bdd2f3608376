"""Timed tasks: what counts is when right results are back, whatever the script says, patches or keeps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetmlagent import Session
from budgetmlagent.errors import RunFailedError
from budgetmlagent.inside.timed import pack, unpack
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.scoring.timed import TimedScorer
from budgetmlagent.tasks.folder import load_task
from memory.artifacts import Artifacts
from nodes.deps import Execution

WAIT = 0.5  # seconds that the starter takes, without work for the machine
SLOW = f"""import select
import numpy as np


def total(numbers, factor):
    select.select([], [], [], {WAIT} / 2)
    return (numbers * factor).sum()
"""
FAST = SLOW.replace("    select.select", "    # select.select")
EVAL = """import numpy as np


def make_inputs(seed):
    random = np.random.default_rng(seed)
    return [(random.random(5), 2), (random.random(7), int(random.integers(3, 9)))]


def check(inputs, results):
    for i, ((numbers, factor), said) in enumerate(zip(inputs, results, strict=True)):
        if not np.allclose(said, numbers.sum() * factor):
            raise ValueError(f"call {i}: the total differs")
"""
TASK = """name: totals
text: Make total in train.py faster.
metric: {name: seconds, direction: min}
limits: {seconds: 30, memory_gb: 1}
timed: {function: total, repeats: 3}
"""


@pytest.fixture(scope="session")
def cage() -> Cage:
    return probe()


class Bench:
    """A timed task and its scorer."""

    def __init__(
        self, folder: Path, cage: Cage, *, starter: str = SLOW, scorer: str = EVAL, task: str = ""
    ) -> None:
        if not task:
            task = str(folder / "task")
            for name, text in {"task.yaml": TASK, "env/train.py": starter, "scoring/eval.py": scorer}.items():
                (folder / "task" / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / "task" / name).write_text(text)
        self.task, self.cage = load_task(task), cage
        self.artifacts, self.work = Artifacts(folder / "artifacts"), folder / "work"

    def scorer(self, *, seconds: float = 30.0, repeats: int = 2) -> TimedScorer:
        assert self.task.timed is not None
        timed = self.task.timed.model_copy(update={"repeats": repeats})
        return TimedScorer(replace(self.task, seconds=seconds), timed, self.cage, self.artifacts, self.work)

    def execution(self, script: str) -> Execution:
        return Execution(self.artifacts.put(script), 0, 1.0, self.artifacts.put("seconds 0.0001\n"))


@pytest.fixture(scope="module")
def bench(cage: Cage, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("timed"), cage)


def test_a_score_is_the_median_of_fresh_measurements(bench: Bench) -> None:
    score = bench.scorer(repeats=3).score(bench.execution(SLOW))
    assert len(score.samples) == 3 and not score.paired and not score.reported and not score.problem
    assert score.value == sorted(score.samples)[1] >= WAIT <= min(score.samples)


def test_the_end_measures_both_and_a_script_that_won_by_wrong_results_has_none(bench: Bench) -> None:
    slow, fast = map(bench.execution, (SLOW, FAST))
    ended = bench.scorer().final(slow, fast)
    baseline, best = ended.baseline, ended.best
    assert baseline is not None and best is not None and best < WAIT <= baseline
    ended = bench.scorer(repeats=1).final(slow, slow)
    baseline, best = ended.baseline, ended.best
    assert baseline == best and baseline is not None and baseline >= WAIT
    assert bench.scorer().final(slow, bench.execution(FAST.replace("* factor", "* 2"))).best is None


def test_without_a_sandbox_it_is_timed_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, UNSAFE)
    score = bench.scorer().score(bench.execution(SLOW))
    assert score.value is not None and score.value >= WAIT
    wrong = bench.scorer().score(bench.execution(FAST.replace("* factor", "* 2")))
    assert wrong.problem == "total returned wrong results: call 1: the total differs"


# --- what is no faster, whatever it does: its time is the starter's

SENT = "for name in os.listdir('/proc/self/fd'):\n    fd = int(name)\n    try:\n        is_socket = stat.S_ISSOCK(os.fstat(fd).st_mode)\n    except OSError:\n        continue\n    if is_socket:\n        "
TRICKS = {
    "stops the clocks and prints a time": "import time\ntime.time = time.monotonic = time.perf_counter = lambda: 0.0\nprint('seconds 0.0001')\n"
    + SLOW,
    "keeps results on the disk": SLOW.replace(
        "    select.select",
        """    import os, pathlib
    kept = [p for d in ('/workspace', '/tmp', '/dev/shm') for p in pathlib.Path(d).glob('kept')]
    for folder in ('/workspace', '/tmp', '/dev/shm'):
        pathlib.Path(folder, 'kept').write_text('x')
    if not kept or len(numbers) == 7: select.select([], [], [], 0.25)
    if not kept: select.select""",
    ),
    "looks for the answers and the inputs": "import pathlib\nseen = [p for d in ('/scoring', '/code', 'HERE', '/workspace') for p in pathlib.Path(d).rglob('*.py')]\n"
    "assert [p.name for p in seen] == ['timed.py', 'train.py'], seen\nassert not list(pathlib.Path('/tmp').glob('budgetml*'))\n" + SLOW,
    "reads the inputs before the clock runs": f"import os, stat\n{SENT}os.set_blocking(fd, False)\n"
    "        try:\n            raise SystemExit(f'leaked {os.read(fd, 9)}')\n        except BlockingIOError:\n            os.set_blocking(fd, True)\n"
    + SLOW,
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_makes_nothing_faster(trick: str, bench: Bench) -> None:
    score = bench.scorer().score(bench.execution(TRICKS[trick].replace("HERE", str(bench.task.root))))
    assert score.problem == "" and score.value is not None and score.value >= WAIT


# --- what has no score

SENDS = f"import os, stat\nimport numpy as np\n{SENT}"
WRONG = {
    "wrong": (SLOW.replace(".sum()", ".max()"), "total returned wrong results: call 0: the total differs"),
    "returns early from a thread": (
        "import threading, time\nimport numpy as np\ndef total(numbers, factor):\n    out = np.zeros(())\n"
        "    def late():\n        time.sleep(0.1)\n        out[...] = (numbers * factor).sum()\n"
        "    threading.Thread(target=late).start()\n    return out\n",
        "wrong results: call 0: the total differs",
    ),
    "keeps results of the call before": (
        FAST + "first = total\nkept = []\ndef total(numbers, factor):\n"
        "    kept.append(kept[0] if kept else first(numbers, factor))\n    return kept[-1]\n",
        "wrong results: call 1: the total differs",
    ),
    "answers before it is asked": (f"{SENDS}os.write(fd, b'r' + (3).to_bytes(8, 'big') + b'abc')\n" + FAST, "wrong results: "),
    "sends a pickle": (
        "import io, os, stat\nimport numpy as np\nclass Bad:\n    def __reduce__(self):\n        return (os.system, ('touch /workspace/ran',))\n"
        "file = io.BytesIO()\nnp.savez(file, lengths=np.array([Bad()], dtype=object))\ndata = file.getvalue()\n"
        f"{SENT}os.write(fd, b'r' + len(data).to_bytes(8, 'big') + data)\n" + FAST,
        "wrong results: Object arrays cannot be loaded when allow_pickle=False",
    ),
    "sends too much": (f"{SENDS}os.write(fd, b'r' + (1 << 40).to_bytes(8, 'big'))\n" + FAST, "the results have 1048576.0 MiB, 64 are the most"),
    "ends": ("import sys\nsys.exit(0)\n", "the script ended before total had returned its results"),
    "fails": ("def total(*a):\n    raise OSError('no\\nluck')\n", "total failed when it was timed: luck"),
    "has lost the function": ("x = 1\n", "total failed when it was timed: AttributeError: "),
    "returns no numbers": ("def total(*a):\n    return {}\n", "TypeError: a dict is no number, array of numbers or tuple of these"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_script_without_right_results_has_no_score(name: str, bench: Bench) -> None:
    script, problem = WRONG[name]
    score = bench.scorer().score(bench.execution(script))
    assert score.value is None and score.samples == () and "\n" not in score.problem
    assert problem in score.problem


def test_a_function_that_does_not_end_is_stopped(bench: Bench) -> None:
    score = bench.scorer(seconds=2).score(bench.execution(SLOW.replace(str(WAIT), "99")))
    assert score.problem == "total was stopped when it was timed: it went over its limit of time"


def test_threads_that_are_left_keep_nobody_waiting(bench: Bench) -> None:
    late = "import threading, time\nthreading.Thread(target=time.sleep, args=(300,)).start()\n"
    score = bench.scorer(seconds=60).score(bench.execution(late + FAST))
    assert score.value is not None and score.value < WAIT


# --- faults of the task itself

FAULTS = {
    "eval.py:6: make_inputs: NameError: name 'rng' is not defined": {"scorer": EVAL.replace("random.random(5)", "rng")},
    "eval.py:12: check: ValueError: call 0: the total differs, on the starter's own": {"starter": SLOW.replace("sum()", "max()")},
    "train.py: the starter: total failed when it was timed: KeyError: 'no'": {"starter": "def total(*a):\n    raise KeyError('no')\n"},
}  # fmt: skip


@pytest.mark.parametrize("said", FAULTS)
def test_a_fault_of_the_task_ends_the_run(said: str, cage: Cage, tmp_path: Path) -> None:
    bench = Bench(tmp_path, cage, **FAULTS[said])
    with pytest.raises(RunFailedError) as caught:
        bench.scorer().score(bench.execution(bench.task.starter))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_inputs_are_new_each_time(cage: Cage, tmp_path: Path) -> None:
    bench = Bench(tmp_path, cage, scorer=EVAL.replace('"call {i}: the total differs"', '"{numbers[0]}"'))
    assert "numbers[0]" in (bench.task.scoring / "eval.py").read_text()
    wrong = bench.execution(FAST.replace("sum()", "max()"))
    assert bench.scorer().score(wrong).problem != bench.scorer().score(wrong).problem


# --- large results, and the form in which values travel


def test_large_inputs_and_results_arrive_whole(cage: Cage, tmp_path: Path) -> None:
    scorer = """import numpy as np
def make_inputs(seed):
    return [(np.random.default_rng(seed).random((1000, 500)), True)]
def check(inputs, results):
    (x, flag), (y, names) = inputs[0], results[0]
    assert flag is True and np.array_equal(y, x.T) and names.tolist() == ["a", "bc"]
"""
    starter = "def total(x, flag):\n    assert flag is True\n    return x.T, ['a', 'bc']\n"
    bench = Bench(tmp_path, cage, starter=starter, scorer=scorer)
    assert bench.scorer().score(bench.execution(starter)).value is not None


SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text("aé\n ", min_size=1).map(str.strip)
)
VALUES = st.one_of(SCALARS, st.lists(st.integers(-9, 9), min_size=1, max_size=4).map(np.array))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(VALUES, st.lists(VALUES, max_size=3).map(tuple)), max_size=4))
def test_what_is_packed_is_unpacked_alike(items: list[object]) -> None:
    again = unpack(pack(items))
    assert len(again) == len(items)
    for before, after in zip(items, again, strict=True):
        assert type(after) is type(before)
        np.testing.assert_equal(after, before)


# --- the bundled task, and a whole run


def test_the_solution_of_the_bundled_task_beats_its_starter(cage: Cage, tmp_path: Path) -> None:
    bench = Bench(tmp_path, cage, task="distances")
    solution = (Path(__file__).parent / "solutions/distances.py").read_text()
    ended = bench.scorer().final(bench.execution(bench.task.starter), bench.execution(solution))
    baseline, best = ended.baseline, ended.best
    assert baseline is not None and best is not None
    assert best < 0.5 * baseline


def test_a_run_of_a_timed_task_and_its_replay(cage: Cage, tmp_path: Path) -> None:
    task = Bench(tmp_path, cage).task.root
    session = Session(str(task), "recall", budget=0, history="run", runs_dir=tmp_path / "runs")
    told = session.run()
    assert told["status"] == "finished" and told["feedback"] == "public" and told["metric"] == "seconds"
    assert told["best"] >= WAIT and told["private_best"] == told["private_baseline"] >= WAIT
    assert told["integrity"]["ok"]
    again = Session(
        str(task), "recall", f"replay:{told['run_dir']}", 0, history="run", runs_dir=tmp_path / "again"
    ).run()
    assert {key: again[key] for key in ("best", "private_best", "turns", "steps")} == {
        key: told[key] for key in ("best", "private_best", "turns", "steps")
    }
