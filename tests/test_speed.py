"""Edits of scripts that are timed: less work, the same results."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forked import run
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.craft.edits import apply_edit

SLOW = '''
import numpy as np

scale = 2.0


def turned(v, k):
    """Loops over v."""
    v = v.copy()
    for i in range(len(v)):
        v[i] = v[i] * scale + np.sqrt(k) + k
    return v


def table(X, Y, w):
    D = np.zeros((len(X), len(Y)))
    for i in range(X.shape[0]):
        for j in range(Y.shape[0]):
            s = 0.0
            for k in range(X.shape[1]):
                s += (X[i, k] - Y[j, k]) ** 2 * np.sqrt(w)
            D[i, j] = s
    return D


def run(X, n):
    found = []
    for step in range(n):
        for k in range(step):
            found.append(turned(X[k], k))
    return np.array(found), table(X, X, 3.0)
'''


def edit(script: str, *operations: str) -> str | None:
    """The script with each of the edits made."""
    for operation in operations:
        changed = apply_edit(script, {"op": operation}, {})
        if changed is None:
            return None
        script = changed
    return script


def outcome_of(script: str) -> Any:
    """What run returns, twice, and what it leaves of its argument."""
    names: dict[str, Any] = {}
    exec(script, names)
    X = np.random.RandomState(0).rand(6, 5)
    return *names["run"](X, 5), *names["run"](X, 5), X


def alike(one: str, other: str) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(outcome_of(one), outcome_of(other), strict=True))


@pytest.mark.parametrize(
    "operations", [["numbers"], ["remember"], ["remember", "numbers"], ["numbers", "remember"]]
)
def test_a_quicker_script_returns_the_same(operations: list[str]) -> None:
    script = edit(SLOW, *operations)
    assert script is not None and alike(SLOW, script)
    assert ("_X = X.tolist()" in script and "_X[i][k]" in script) == ("numbers" in operations)
    assert ("@_remember\ndef turned" in script and "    _forget()\n" in script) == ("remember" in operations)
    assert all(edit(script, operation) is None for operation in operations)  # it is not made twice


def test_a_script_with_other_letters_is_edited_like_any() -> None:
    script = (
        SLOW.replace("scale", "größe")
        .replace("Loops over v.", "Läuft über v → w.")
        .replace("s = 0.0", "s = 0.0; 'é'")
    )
    for operation in ("numbers", "remember", "hoist"):
        changed = edit(script, operation)
        assert changed is not None and "Läuft über v → w." in changed and alike(script, changed)
        assert changed == edit(SLOW, operation).replace("scale", "größe").replace("Loops over v.", "Läuft über v → w.").replace("s = 0.0", "s = 0.0; 'é'")  # fmt: skip


# --- remember


@pytest.mark.parametrize(
    "change",
    [
        "scale = 2.0|scale = [2.0]",  # reads what may change
        "scale = 2.0|scale = 2.0\nscale = 2.5",
        "k + k|np.random.rand()",
        "return v|print(v)\n    return v",
        "    v = v.copy()|    global scale\n    v = v.copy()",
        "def turned(v, k)|def turned(v, k=[])",
        "    v = v.copy()|    v = v.copy()\n    np.kept[0] = 1",
        "    v = v.copy()|    v = v.copy()\n    v.shape = 5",
        "def table|def other():\n    global scale\n    scale = 3.0\ndef table",
        "def table|exec('scale = 3.0')\ndef table",
    ],
)
def test_functions_that_do_more_than_compute_are_left_alone(change: str) -> None:
    old, new = change.split("|")
    script = SLOW.replace("np.sqrt(k) + k", "k + k")
    assert "@_remember\ndef turned" in (edit(script, "remember") or "")
    assert old in script and "@_remember\ndef turned" not in (
        edit(script.replace(old, new), "remember") or ""
    )


@pytest.mark.parametrize(
    "change",
    [
        "v = v.copy()|v = v",  # changes its argument
        "v = v.copy()|v += 1",
        "    return v\n|    return v[:]\n",
        "    return v\n|    return (1, v)\n",  # a result that the caller may change
        "    return v\n|    return list(v)\n",
        "turned(X[k], k)|turned(v=X[k], k=k)",
        "turned(X[k], k)|turned(X, k) * -0.0",
    ],
)
def test_what_cannot_be_kept_is_computed_again(change: str) -> None:
    old, new = change.split("|")
    script = SLOW.replace(old, new).replace("np.array(found)", "np.array([np.sum(f[-1]) for f in found])")
    changed = edit(script, "remember")
    assert (
        old in SLOW and changed is not None and "@_remember\ndef turned" in changed and alike(script, changed)
    )


def test_an_argument_that_is_returned_stays_the_callers() -> None:
    script = SLOW.replace("    v = v.copy()\n", "").replace("v[i] = v[i]", "w = v[i]")
    script = script.replace(
        "found.append(turned(X[k], k))",
        "y = turned(X[k], k)\n            y += 1\n            found.append(y)",
    )
    changed = edit(script, "remember")
    assert changed is not None and "@_remember\ndef turned" in changed and alike(script, changed)


LISTS = """
def grown(parts, n):
    for i in range(n):
        parts.append(i)
    return len(parts)


def first(parts):
    for part in parts:
        return part


def run(X, n):
    parts, rows, found = [0] * 998, [X[0], X[1]], []
    for k in range(n):
        row = first(rows)
        row += k
        found.append(grown(parts, 1) + row[0])
    return found, [first([[k % 2], k % 2])[0] for k in range(n)]
"""


def test_lists_that_are_changed_outgrown_or_handed_back_stay_the_callers() -> None:
    changed = edit(LISTS, "remember")
    assert changed is not None and changed.count("@_remember") == 2 and alike(LISTS, changed)


def test_only_what_is_called_over_and_over_is_remembered() -> None:
    script = edit(SLOW, "remember")
    assert script is not None and script.count("@_remember") == 1  # table is called once
    shown = "\nif __name__ == '__main__':\n    print(table(1, 2, 3), [table(1, 2, 3) for _ in range(3)])\n"
    again = edit(SLOW + shown, "remember")
    assert again is not None and again.count("@_remember") == 1
    assert "@_remember\ndef table" in (edit(SLOW + shown.replace("__name__", "'__main__'"), "remember") or "")
    once = (
        SLOW.replace("        for k in range(step):\n", "")
        .replace("[k], k", "[0], 0")
        .replace("for step", "if")
    )
    assert edit(once.replace("if in range(n)", "if n"), "remember") is None


FIB = """import math
STEPS = 3
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def total(a, b):
    s = 0
    for i in range(a):
        s += i * STEPS + math.sqrt(b)
    return s
print(fib(21), [total(i % 3, 2.0) for i in range(10)], total(3, 2))
"""


def test_functions_of_numbers_are_remembered_without_numpy(tmp_path: Path) -> None:
    script = edit(FIB, "remember")
    assert script is not None and script.count("@_remember") == 2
    assert run(script, tmp_path) == run(FIB, tmp_path)
    deep, calls = FIB.replace("fib(21)", "fib(200)"), FIB.replace("    s = 0", "    s = 0 * len('s')")
    assert run(edit(deep, "remember") or "", tmp_path)[1].startswith(
        "280571172992510140037611932413038677189525 "
    )
    assert run(edit(calls, "remember") or "", tmp_path) == run(FIB, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return s", "    print(s)\n    return s"),  # an effect
        ("    s = 0", "    global STEPS\n    s = 0"),
        ("STEPS = 3", "STEPS = 3\nSTEPS = 4"),
        ("STEPS = 3", "STEPS = []"),
        ("import math", "import math\nmath = open('x')"),
        ("STEPS = 3", "STEPS = 3\nglobals()['STEPS'] = 4"),
        ("STEPS = 3", "STEPS = 3\nfor STEPS in range(3): pass"),
    ],
)
def test_functions_of_numbers_that_are_not_certainly_pure_are_left_alone(old: str, new: str) -> None:
    assert old in FIB
    script = edit(FIB.replace(old, new), "remember")
    assert script is None or (script.count("@_remember") == 1 and "@_remember\ndef fib" in script)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total(3, 2)", "total([3], 2)"),  # an argument that cannot be hashed
        ("total(3, 2)", "total(input(), 2)"),
        ("total(3, 2)", "list(map(total, [1], [2]))"),  # called out of sight
        ("total(3, 2)", "total(a=3, b=2)"),
        ("total(3, 2)", "(total(True, 2), total(1, 2), total(1, 2.0))"),  # equal, yet not the same
        (
            "print(",
            "def said(x):\n    for _ in range(2):\n        y = str(x)\n    return y\n"
            "print([said(x) for x in (0.0, -0.0, 0, False, 1.0, 1, True, 1 + 0j, complex(1, -0.0))], ",
        ),
        ("    return s", "    return [s]"),  # a result that the caller may change
        ("def total(a, b)", "def total(a, b=1)"),
        ("    s = 0", "    s = 0\n    b[0] = 1"),
        ("    s = 0", "    s = 0\n    b *= 1"),
        ("    return s", "    return s, -0.0 * a, str(b), None"),
    ],
)
def test_whatever_a_function_is_called_with_the_program_is_the_same(
    old: str, new: str, tmp_path: Path
) -> None:
    before = FIB.replace(old, new)
    after = edit(before, "remember")
    assert old in FIB and after is not None
    (status, output), (status_after, output_after) = run(before, tmp_path), run(after, tmp_path)
    assert status == status_after and output.splitlines()[-1] == output_after.splitlines()[-1]


# --- numbers


def test_arrays_that_are_used_otherwise_stay_arrays() -> None:
    for use in (
        "X[i, k] = 0",
        "s += X[i, :].sum()",
        "X = X + 1",
        "s += X.sum()",
        "s += X[i][k] if X[i] is None else 0",
    ):
        body = f"def f(X):\n    s = 0\n    for i in range(3):\n        for k in range(3):\n            s += X[i, k]\n            {use}\n    return s\n"
        assert edit(body, "numbers") is None


FIND = """
def f(X, low):
    n = 0
    for i in range(len(X)):
        for k in range(len(low) - 1):
            n = n + (low[k] <= X[i]) * (X[i] < low[k + 1]) * k
    return n
"""


def test_what_is_read_by_one_number_becomes_a_list_where_it_is_no_row() -> None:
    quick = edit(FIND, "numbers")
    assert quick is not None and "_low[k + 1]" in quick and "_X[i]" in quick and "len(X)" in quick
    names: list[dict[str, Any]] = [{}, {}]
    exec(FIND, names[0])
    exec(quick, names[1])
    low, numbers = np.arange(5.0), np.random.RandomState(0).rand(20) * 5
    for X in (numbers, numbers.tolist(), numbers.reshape(5, 4), list(numbers.reshape(5, 4))):
        before, after = (np.asarray(each["f"](X, low)) for each in names)
        assert np.array_equal(before, after) and before.shape == after.shape and before.any()
    for never in ("d['a']", "d[0]", "d[:i]", "d[i].sum() + d.sum()"):
        assert edit(f"def f(d):\n    for i in range(3):\n        g({never})\n", "numbers") is None
    assert edit("def f(d): return [d[i, k] for i in range(3) for k in range(i)]\n", "numbers") is None


# --- hoist


def test_constants_are_hoisted(tmp_path: Path) -> None:
    starter = (
        "import math\nimport numpy as np\nD = 64\nk = 2\n\n\ndef f(x):\n    for i in range(3):\n"
        "        for j in range(2):\n            x += i / np.sqrt(D * 2) + math.sqrt(k) + math.log(i + 1)  # scaled\n"
        "    return x\n\n\nfor k in range(3):\n    print(f(k))\n"
    )
    script = edit(starter, "hoist")
    assert script is not None
    assert (
        "    _hoisted_0 = np.sqrt(D * 2)\n    for i in" in script
        and "+ math.sqrt(k)" in script
        and "# scaled" in script
    )
    assert run(script, tmp_path) == run(starter, tmp_path)
    assert edit(starter.replace("D = 64", "D = -64"), "hoist") is None


def test_what_changes_in_the_loop_is_not_hoisted() -> None:
    script = """
import numpy as np
def f(a, b):
    s, c = 0, [b]
    for i in range(3):
        b = b + 1
        c[0] = b
        s += np.sqrt(a) + np.sqrt(b) + np.sqrt(i) + np.sqrt(a + a) + np.sqrt(c)[0] + max(map(lambda z: np.sqrt(z), c))
    while s > np.sqrt(a):
        s -= np.sqrt(a) * 2
    for i in range(int(np.sqrt(a))):
        s += 1
    return s
"""
    changed = edit(script, "hoist")
    assert changed is not None
    assert (
        all(changed.count(f"np.sqrt({name})") == 1 for name in "bicz")
        and "= np.sqrt(a)\n    for i" in changed
    )
    assert "    _hoisted_2 = np.sqrt(a)\n    while s > _hoisted_2:\n        s -= _hoisted_2 * 2" in changed
    assert "range(int(np.sqrt(a)))" in changed  # it is computed once as it is
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    exec(script, before)
    exec(changed, after)
    assert before["f"](2.0, 3.0) == after["f"](2.0, 3.0)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abX[](),:=+ \n.0123defornpsqrté", max_size=200))
def test_any_text_is_survived(text: str) -> None:
    for operation in ("hoist", "numbers", "remember"):
        assert edit(text, operation) is None or edit(text, operation) != text


def test_names_that_are_taken_or_bound_otherwise_are_left_alone() -> None:
    taken = (
        "import numpy as np\ndef f(X):\n    _X = 5\n    s = 0\n    for i in range(len(X)):\n"
        "        for j in range(len(X)):\n            s += X[i, j] * _X\n    return s\n"
    )
    assert "_X = X.tolist()" not in (apply_edit(taken, {"op": "numbers"}, {}) or taken)
    bound = (
        "import numpy as np\ndef f(rows):\n    for row in rows:\n        match row:\n            case [d, *rest]:\n"
        "                print(np.sqrt(d))\n"
    )
    assert apply_edit(bound, {"op": "hoist"}, {}) is None
