"""Scripts out of replies, equality of programs, and the identity of errors."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetmlagent.inside.briefing.metric import own_function
from budgetmlagent.inside.briefing.reading import calls
from budgetmlagent.scoring.reported.source import printed
from nodes.craft.crashed import crash
from nodes.craft.fingerprint import error_line, failure, fingerprint
from nodes.craft.scripts import ast_key, extract, parse, same
from nodes.craft.tuning import changes, outline, tune

CODE = "import os\nx = 1\n"


@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n{CODE}```",
        f"Sure!\n\n```py\n{CODE}\n```\nIt works.",
        f"```\n{CODE}```",
        f"<think>```python\ny = 2\n```</think>```python\n{CODE}```",
        f"no opening tag </think>\n```python\n{CODE}```",
        f"```python\n{CODE}",  # cut off
        "1. Do it:\n   ```python\n   import os\n   x = 1\n   ```\n",
        f"```bash\npip install everything-there-is-and-more\n```\n```python\n{CODE}```",
        f"```python\nimport os\nx = = 1111111\n```\n```python\n{CODE}```",  # one that parses first
        f"```python\nimport os\nx = 2\n```\nBetter:\n```python\n{CODE}```",  # the last of two alike
        f"```python\n{CODE}```\nUse it so:\n```python\nf()\n```",  # a short example after it
        "```python title=\"train.py\"\r\nimport os\r\nx = 1\r\n```",
        CODE,
        f"Here is the script:\n\n{CODE}",
        "```python\nimport os\0\nx = 1\n```",
    ],
)  # fmt: skip
def test_the_script_is_found(reply: str) -> None:
    assert extract(reply) == CODE


@pytest.mark.parametrize(
    "reply", ["", "I cannot.", "yes", "```python\n```", "```bash\nls\n```", "<think>```python\nx = 1\n```"]
)
def test_no_script_is_none(reply: str) -> None:
    assert extract(reply) is None


def test_a_script_that_does_not_parse_is_still_returned() -> None:
    assert extract("```python\nx = (1\n```") == "x = (1\n"


PIECES = st.sampled_from(
    ["```", "```python", "\n", "<think>", "</think>", "import os", "x = 1", "\0", "\ud800", "(", "'''", " "]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES | st.text(max_size=8)).map("".join))
def test_extract_takes_any_reply(reply: str) -> None:
    script = extract(reply)
    assert script is None or (script.strip() and "\0" not in script)
    ast_key(reply)


@pytest.mark.parametrize(
    "piece",
    ["```python\n", "<think>", "</think>", "x\n", "(", "\0", "-", "a.", "import a\n", "'''", "lambda:"],
)
def test_extract_takes_megabytes(piece: str) -> None:
    reply = piece * (2_000_000 // len(piece))
    extract(reply)
    assert ast_key(reply) == ast_key(reply)
    assert len(ast_key("(" * 5000)) == len(ast_key("-" * 50_000 + "1"))


def test_same_program() -> None:
    assert same("x=1 # one\n", '"""Doc."""\n\nx = (1)')
    assert same("def f():\n    'doc'\n    return 1", "def f():\n\treturn 1")
    assert not same("x = 1", "x = 2")
    assert not same("x = 1", "x = 1.0")
    assert same("x = (", "x = (") and not same("x = (", "y = (")
    assert parse("re = '\\d'") is not None


@pytest.mark.parametrize(
    ("script", "kind", "code", "message"),
    [
        ("x = 1\nprint(undefined)\n", "NameError", "print(undefined)", "name 'undefined' is not defined"),
        ("import json\njson.loads('{')\n", "JSONDecodeError", "json.loads('{')", "Expecting property name"),
        ("def f():\n    raise KeyError('a')\nf()\n", "KeyError", "raise KeyError('a')", "'a'"),
        ("x = (\n", "SyntaxError", "x = (", "'(' was never closed"),
        ("open('/data/secret/home/x.csv')\n", "FileNotFoundError", "open(", "[Errno 2] No such file or directory: 'x.csv'"),
        ("raise ValueError('\\nAll fits failed.')\n", "ValueError", "raise", "All fits failed."),
        ("class E(Exception): pass\ntry: 1/0\nexcept Exception as e: raise RuntimeError('two') from e\n", "RuntimeError", "except", "two"),
        ("print('Error: 3')\nassert False\nprint('x')\n", "AssertionError", "assert False", ""),
    ],
)  # fmt: skip
def test_real_failures_are_read(script: str, kind: str, code: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(script)
    result = subprocess.run(
        [sys.executable, tmp_path / "train.py"], capture_output=True, text=True, timeout=120, check=False
    )
    tail = result.stderr + result.stdout  # what was buffered comes after the traceback
    error = failure(tail)
    assert error and error.kind == kind and error.code.startswith(code) and error.message.startswith(message)
    assert error.line == 1 + script[: script.index(code)].count("\n")
    assert str(tmp_path) not in error_line(tail) and error_line(tail).startswith(kind)
    assert fingerprint(tail).startswith(f"{kind}-")
    assert fingerprint(tail) == fingerprint(tail.replace(str(tmp_path), "/elsewhere"))


def tail_of(message: str, code: str = "m.fit(X, y)") -> str:
    library = '  File "/opt/lib/python3.11/site-packages/sklearn/base.py", line 9, in fit\n    check(X)\n'
    return f'Traceback (most recent call last):\n  File "/w/train.py", line 3, in main\n    {code}\n{library}{message}\n'


def test_fingerprint_forgets_data_and_keeps_names() -> None:
    def equal(a: str, b: str) -> bool:
        return fingerprint(tail_of(a)) == fingerprint(tail_of(b))

    assert equal(
        "ValueError: could not convert string to float: 'red'",
        "ValueError: could not convert string to float: 'b c'",
    )
    assert equal("ValueError: shapes (3, 4) and 5e-3", "ValueError: shapes (30, 40) and 6e-7")
    assert equal("a.b.E1Error: one of {'x', 'y'}", "E1Error: one of {'y', 'x'}")
    assert equal("OSError: no '/home/me/x.csv'", "OSError: no '/root/x.csv'")
    assert not equal("KeyError: 'price'", "KeyError: 'sales'")
    assert not equal("NameError: name 'a' is not defined", "NameError: name 'b' is not defined")
    assert fingerprint(tail_of("E1Error: x", "f()")) != fingerprint(tail_of("E1Error: x", "g()"))
    error = failure(tail_of("E1Error: x"))
    assert error and (error.line, error.function, error.code) == (3, "main", "m.fit(X, y)")


def test_no_error_is_empty() -> None:
    for tail in ("", "score 0.9\n", "ValueError: said the script itself\n", "Killed\n"):
        assert fingerprint(tail) == error_line(tail) == ""


def test_error_line_is_short_and_without_paths() -> None:
    line = error_line(tail_of("ImportError: cannot import name 'a' from 'b' (/home/me/x/b.py) " + "x" * 999))
    assert len(line) == 300 and "/home" not in line and "(b.py)" in line
    assert "https://scikit-learn.org/stable/x.html" in error_line(
        tail_of("E1Error: see https://scikit-learn.org/stable/x.html")
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ['  File "/a/b.py", line 3', ", in f", "\n", "XError: ", "Traceback (most recent call last):"]
        )
        | st.text(max_size=9)
    ).map("".join)
)
def test_any_tail_is_read(tail: str) -> None:
    assert (fingerprint(tail) == "") == (error_line(tail) == "")
    assert len(error_line(tail)) <= 300


TAIL = 'Traceback (most recent call last):\n  File "train.py", line 1, in <module>\n    x\nValueError: x\n'
ODD = {
    "a number of 5,000 hexadecimal digits": "x = 0x" + "f" * 5000,
    "one in a metric": f"def score(a, b): return 0x{'f' * 5000}\nprint(score(1, 2))",
    "a setting of 400 digits": f"Ridge(max_iter=1{'0' * 400})",
    "no finite setting": "Ridge(alpha=1e308, C=1e400)",
}
DEEP = {
    "signs": "x = {0}1\nRidge({0}1)\ndef score(a, b): return {0}1\nprint(score(1, 2))",
    "sums": "print('a'{1})\nRidge('a'{1})\ndef score(a, b): return a{1}\nprint(score(1, 2))",
    "attributes": "x = y{2}\nRidge(y{2})\ndef score(a, b): return a{2}\nprint(score(1, pred{2}))",
}
LEVELS = (60, 140, 160, 250, 330, 500, 950, 2500, 9000)
BUILT = {
    f"{n} {kind}": text.format("-" * n, "+'a'" * n, ".a" * n) for kind, text in DEEP.items() for n in LEVELS
}


@pytest.mark.parametrize("script", [*ODD.values(), *BUILT.values()], ids=[*ODD, *BUILT])
def test_whoever_reads_an_odd_script_comes_to_an_end(script: str) -> None:
    """Python reads more than can be written down again: numbers of many digits, and thousands of levels."""
    assert ast_key(script) == ast_key(script)
    for tuned in changes(script):
        assert "inf" not in tuned and tune(script, tuned)
    outline(script), printed(script), extract(f"```python\n{script}\n```")
    assert calls(script) == {} and isinstance(own_function(script), dict)
    found = crash(script, TAIL)
    assert found is None or found.met_by(script)


def test_numbers_as_scripts_have_them_are_read() -> None:
    assert changes("Ridge(max_iter=1000, alpha=1.5)") and parse(f"x = {2**63} + 0xffff_ffff")
    assert parse("x = " + "(a or " * 100 + "b" + ")" * 100)
