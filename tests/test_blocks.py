"""Search/replace blocks: what a model writes in their form is made exactly, and whatever else it writes is a clear fault."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.able import Able
from nodes.craft.blocks import Block, applied, blocks
from nodes.craft.form import answered, form_for

SCRIPT = "import os\n\ndef f(x):\n    return x + 1\n\ndef g(x):\n    return x + 1\n\nprint(f(1))\n"
LINE = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=12
)
MARKS = ("<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE")


def block(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


def made(reply: str, base: str = SCRIPT) -> tuple[str, str]:
    return answered(reply, base, edits=True)


def plain(line: str) -> bool:
    return not re.match(r"[<=>]", line)


@given(st.lists(LINE.filter(plain), min_size=1, max_size=12), st.data())
def test_any_change_of_lines_said_as_a_block_is_made_and_nothing_else(lines, data):
    numbered = [f"{i} {line}".rstrip() for i, line in enumerate(lines)]  # each line stands once
    begin = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(begin + 1, len(lines)))
    new = data.draw(st.lists(LINE.filter(plain), max_size=4))
    reply = "Here it is.\n" + "\n".join([MARKS[0], *numbered[begin:end], MARKS[1], *new, MARKS[2]])
    # A script is compared with trailing blanks left out; it is changed only where the block stands.
    found = blocks(f"```python\n{reply}\n```")
    assert isinstance(found, list)
    script, wrong = applied("\n".join(numbered), found)
    assert wrong == ""
    assert script.split("\n") == ([*numbered[:begin], *new, *numbered[end:]] or [""])


@given(st.integers(1, 4), st.integers(0, 6), st.integers(1, 4), st.booleans())
def test_of_many_lines_the_first_and_the_last_are_enough(first, between, last, keeps):
    lines = [f"x{i} = {i}" for i in range(16)]
    end = 2 + first + between + last
    search = [*lines[2 : 2 + first], "  ...", *lines[end - last : end]]
    new = ["begin", "...", "end"] if keeps else ["new"]
    script, wrong = made(block("\n".join(search), "\n".join(new)), "\n".join(lines))
    kept = ["begin", *lines[2 + first : end - last], "end"] if keeps else ["new"]
    assert wrong == "" and script.split("\n") == [*lines[:2], *kept, *lines[end:]]


@pytest.mark.parametrize(
    ("search", "wrong"),
    [
        ("import os\n...\n    return x + 1", "'    return x + 1', stands 2 times in the script behind the line '...'"),
        ("print(f(1))\n...\nimport os", "'import os', does not stand in the script behind the line '...'"),
        ("    return x + 1\n...\nprint(f(1))", "'    return x + 1', stands 2 times in the script: add"),
        ("import os\n...\ndef f(x):\n...\nprint(f(1))", "does not stand in the script"),
        ("...\nprint(f(1))", "'...', does not stand in the script"),
    ],
)  # fmt: skip
def test_what_is_left_out_of_a_search_is_found_only_where_it_is_certain(search, wrong):
    script, why = made(block(search, "x"))
    assert not script and wrong in why


NEAR = "def f(x):\n    return x\n\nnear = f(1)\nprint(near)\n"
HELPED = "<<<<<<< DEF f\ndef near(x):\n    return x\n\ndef f(x):\n    return near(x)\n>>>>>>> REPLACE\n"


def test_a_helper_may_have_a_name_that_the_same_reply_takes_away():
    script, wrong = made(HELPED + block("near = f(1)\nprint(near)", "print(f(1))"), NEAR)
    assert wrong == "" and script.endswith("return near(x)\n\nprint(f(1))\n")
    for reply in (HELPED, HELPED + block("near = f(1)", "near = f(2)")):
        script, wrong = made(reply, NEAR)
        assert script == "" and "defines near, too, which" in wrong


def test_a_constant_may_be_set_beside_a_definition_and_again_by_another_block():
    reply = "<<<<<<< DEF f\nmuted = True\n\ndef f(x):\n    return muted\n>>>>>>> REPLACE\n"
    assert made(reply + block("print(near)", "muted = False\nprint(near)"), NEAR)[1] == ""
    for twice in ("def muted():\n    return 1\nprint(near)", "import muted\nprint(near)"):
        assert (
            "defines muted, too, which another block sets"
            in made(reply + block("print(near)", twice), NEAR)[1]
        )


TWO = "class A:\n    def fit(self):\n        return 1\n\nclass B:\n    def fit(self):\n        return 2\n"


@pytest.mark.parametrize(
    ("reply", "base"),
    [
        ("<<<<<<< DEF A.fit\ndef fit(self):\n    return 3\n>>>>>>> REPLACE\n<<<<<<< DEF B.fit\ndef fit(self):\n    return 4\n>>>>>>> REPLACE", TWO),
        ("<<<<<<< DEF f\nK = []\nK = K + [1]\ndef f(x):\n    return K\n>>>>>>> REPLACE", NEAR),
        ("<<<<<<< DEF f\ntotal = 0\nfor i in range(3):\n    total += i\n\ndef f(x):\n    return total\n>>>>>>> REPLACE", NEAR),
    ],
)  # fmt: skip
def test_what_one_block_sets_twice_or_two_classes_have_is_no_clash(reply, base):
    assert made(reply, base)[1] == ""


@pytest.mark.parametrize(
    "reply",
    [
        block("a = 1\nb = 2\nc = 3\nd = 4", "a = 10\n...\nd = 4"),
        block("a = 1\n...\nd = 4", "a = 10\n...\nx = 1\n...\nd = 4"),
        "<<<<<<< DEF f\ndef f(x):\n    y = x\n    ...\n>>>>>>> REPLACE",
    ],
)
def test_lines_that_are_left_out_of_the_new_ones_are_not_lost(reply):
    script, wrong = made(reply, "a = 1\nb = 2\nc = 3\nd = 4\n\ndef f(x):\n    return x\n")
    assert script == "" and "write those lines" in wrong


def test_a_line_of_dots_that_the_script_has_is_that_line():
    stub = "class A:\n    ...\n\nclass B:\n    x = 1\n"
    assert made(block("class A:\n    ...", "class A:\n    y = 2"), stub)[0] == stub.replace("...", "y = 2")


@given(st.lists(st.one_of(st.sampled_from(MARKS), LINE), max_size=12))
def test_any_lines_are_blocks_or_one_clear_fault(lines):
    found = blocks("\n".join(lines))
    assert found is None or isinstance(found, str | list)
    if isinstance(found, str):
        assert "\n" not in found and found
    if isinstance(found, list):
        script, wrong = applied(SCRIPT, found)
        assert not (script and wrong)


@pytest.mark.parametrize(
    ("reply", "wrong"),
    [
        (block("    return x + 1", "    return x"), "stands 2 times in the script"),
        (block("    return x + 2", "    return x"), "does not stand in the script"),
        (block("return x + 1", "return x"), "does not stand in the script"),  # without its indentation
        (block("", "import re"), "block 1 has nothing to search for"),
        (
            block("import os", "import re") + block("import os\n", "import io"),
            "two blocks change the same lines",
        ),
        (
            block("import os", "import re") + block("prin", "x"),
            "block 2 searches for, beginning with 'prin', does not",
        ),
        ("<<<<<<< SEARCH\nimport os\n=======\nimport re\n", "block 1 has no end"),
        ("<<<<<<< SEARCH\nimport os\n", "======= is missing"),
        ("import os\n=======\nimport re\n>>>>>>> REPLACE", "no beginning"),
        ("<<<<<<< SEARCH\na\n=======\nb\n=======\nc\n>>>>>>> REPLACE", "block 1 is malformed"),
        ("<<<<<<< SEARCH\na\n<<<<<<< SEARCH\nb\n=======\nc\n>>>>>>> REPLACE", "block 1 is malformed"),
        (block("import os", "import re") * 61, "at most 60"),
        ("I cannot do that.", "holds no Python script"),
    ],
)
def test_what_cannot_be_made_changes_nothing_and_says_why(reply, wrong):
    script, why = made(reply)
    assert script == "" and wrong in why and "\n" not in why


def test_all_blocks_that_cannot_be_made_are_named_at_once():
    _, why = made(block("import os", "import re") + "".join(block(f"none {n}", "x") for n in range(7)))
    assert [f"block {n}" in why for n in range(1, 9)] == [False, *[True] * 5, False, False]
    assert why.endswith("; 2 more")


def test_blocks_are_looked_for_in_the_script_as_it_was_in_any_order_and_in_any_fence():
    swapped = (
        block("import os", "import sys") + "and\n```python\n" + block("print(f(1))", "import os") + "```"
    )
    assert made(swapped)[0] == SCRIPT.replace("import os", "import sys").replace("print(f(1))", "import os")
    both = block("def f(x):\n    return x + 1", "def f(x):\n    return x") + block("def g(x):", "def h(x):")
    assert made(both) == (SCRIPT.replace("x + 1", "x", 1).replace("g(x)", "h(x)"), "")
    assert made(block("import os   ", ""))[0] == "\n" + SCRIPT.removeprefix("import os\n")
    thought = "<think>\n" + block("import os", "import bad") + "</think>\n" + block("import os", "import re")
    assert made(thought)[0].startswith("import re")


def test_a_whole_script_is_taken_from_one_who_edits_and_marks_are_no_change_from_one_who_does_not():
    assert made("```python\nprint(2)\n```") == ("print(2)\n", "")
    assert "no Python" in answered(block("import os", "x"), SCRIPT, edits=False)[1]
    assert blocks("x" * 300_000) is None


@pytest.mark.parametrize(
    ("able", "lines", "kind", "form"),
    [
        (Able(edits=True, lines=300), 60, {}, "whole"),
        (Able(edits=True, lines=300), 61, {}, "either"),
        (Able(edits=True, lines=300), 301, {}, "edit"),
        (Able(edits=True, lines=300), 301, {"new": True}, "whole"),
        (Able(edits=True, lines=300), 301, {"short": True}, "either"),  # a look at a long script may be short
        (Able(edits=True, lines=300), 60, {"short": True}, "whole"),
        (Able(edits=True, lines=59), 60, {}, "edit"),  # by its profile it cannot write sixty
        (Able(edits=False, lines=20), 301, {}, "whole"),
        (Able(edits=False, lines=20), 301, {"short": True}, "whole"),
    ],
)
def test_the_form_of_an_answer_goes_by_what_the_model_can_write(able, lines, kind, form):
    assert form_for(able, "x\n" * lines, **kind) == form


def test_a_block_is_what_stands_between_its_marks():
    assert blocks(block("a", "b\n")) == [Block(("a",), ("b", ""))]
    assert blocks("<<<<< SEARCH\na\n=====\n>>>>> REPLACE") == [Block(("a",), ())]


CLASSES = (
    'import os\n\n\n@cached\ndef f(x):\n    """A\nb"""\n    return x\n\n\nclass Net(Base):\n    def f(self, x):\n        return x\n\n'
    "    def g(self):\n        return 2\n\n\ndef twice():\n    pass\n\n\ndef twice():\n    pass\n\n\nprint(f(1))\n"
)


def named(name: str, text: str) -> str:
    return f"<<<<<<< DEF {name}\n{text}\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("name", "text", "old"),
    [
        ("f", "def f(x):\n    return x + 1", '@cached\ndef f(x):\n    """A\nb"""\n    return x'),
        (
            "f",
            '\n@cached\n@again\ndef f(y):\n    """No\nindent"""\n',
            '@cached\ndef f(x):\n    """A\nb"""\n    return x',
        ),
        ("Net.f", "    async def f(self, x):\n        return 3", "    def f(self, x):\n        return x"),
        ("Net.g", "    def g(self):\n        return '''a\nb'''", "    def g(self):\n        return 2"),
    ],
)
def test_a_definition_is_replaced_by_its_name_and_nothing_else_changes(name, text, old):
    assert made(named(name, text), CLASSES) == (CLASSES.replace(old, text.strip("\n")), "")


def test_a_method_that_is_not_indented_is_moved_and_other_blocks_can_stand_beside_it():
    reply = (
        named("Net.g", "def g(self):\n    # three\n    return 3")
        + block("import os", "import re")
        + named("f(x):", "def f(x): return 9")
    )
    script, wrong = made(reply, CLASSES)
    assert wrong == "" and "    def g(self):\n        # three\n        return 3\n" in script
    assert script.startswith("import re\n\n\ndef f(x): return 9\n\n\nclass Net(Base):")
    assert (
        made(named("Net", "class Net:\n    x = 1"), CLASSES)[0].count("class Net:\n    x = 1\n\n\ndef twice")
        == 1
    )


def test_a_definition_may_bring_new_helpers():
    new = "def half(x):\n    return x / 2\n\n\ndef f(x):\n    return half(x)"
    script, wrong = made(named("f", new), CLASSES)
    assert wrong == "" and script.count(new) == 1 and script.count("def f(") == CLASSES.count("def f(")
    constant = "import re\nKINDS = (1, 2)\n\n\ndef f(x):\n    return KINDS"
    assert constant in made(named("f", constant), CLASSES)[0]
    method = "    def g(self):\n        return self.h()\n\n    def h(self):\n        return 4"
    assert method in made(named("Net.g", method), CLASSES)[0]


def test_others_may_come_in_the_place_of_a_definition_that_nothing_uses_any_more():
    new = "def k(x):\n    return h(x)\n\n\ndef h(x):\n    return x"
    script, wrong = made(named("f", new) + block("print(f(1))", "print(k(1))"), CLASSES)
    assert wrong == "" and script.count(new) == 1 and "def f(x)" not in script


def test_a_new_helper_may_have_the_name_of_a_variable_in_some_function():
    script = "def g():\n    number = 1\n    return number\n\n\ndef f(x):\n    return x\n"
    new = "def number():\n    return 2\n\n\ndef f(x):\n    return number()"
    assert made(named("f", new), script)[1] == ""
    for set_outside in ("number = 1\n", "def h():\n    global number\n    number = 1\n"):
        assert "defines number, too" in made(named("f", new), set_outside + script)[1]


@pytest.mark.parametrize(
    "line",
    [
        "assert f(1) == 1",
        "assert os.sep",
        "f.seen = {}",
        "os.environ['A'] = '1'",
        "print('ready')",
        '"A note."',
        "os.umask(0)",
        "for key in ('B', 'C'):\n    os.environ[key] = '1'",
        "if os.sep == '/':\n    WIDTHS = [1, 2]",
    ],
)
def test_a_line_that_defines_nothing_stays_beside_a_definition_where_it_can_run(line):
    new = f"def f(x):\n    kept = [y for y in [x]]\n    return half(*kept)\n\ndef half(x):\n    return x\n\n{line}"
    script, wrong = made(named("f", new), CLASSES)
    assert wrong == "" and script.count(new) == 1 and script.index(line) < script.index("class Net")


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("f", '@cached\ndef f(x):\n    """A\nb"""\n    return x\n'),
        ("Net.g", "    def g(self):\n        return 2\n"),
        ("Net", CLASSES[CLASSES.index("class Net") : CLASSES.index("\n\ndef twice")]),
    ],
)
@pytest.mark.parametrize("body", ["", "\n  \n"])
def test_a_definition_without_a_new_one_is_deleted(name, old, body):
    assert made(named(name, body), CLASSES) == (CLASSES.replace(old, "", 1), "")
    assert made(f"<<<<<<< DEF {name}\n>>>>>>> REPLACE\n", CLASSES)[0] == CLASSES.replace(old, "", 1)


def test_the_only_definition_of_a_class_cannot_be_deleted():
    alone = "class Net:\n    def f(self):\n        return 1\n"
    assert "block 1: Net.f cannot be deleted: it is all that" in made(named("Net.f", ""), alone)[1]


@pytest.mark.parametrize(
    ("reply", "wrong"),
    [
        (named("h", "def h(): pass"), "block 1: h is not defined in the script"),
        (named("Net.h", "def h(): pass"), "block 1: Net.h is not defined in the script"),
        (named("f.x", "def x(): pass"), "block 1: f.x is not defined in the script"),
        (named("twice", "def twice(): pass"), "block 1: twice is defined 2 times in the script"),
        (block("import os", "import re") + named("f", "def f(x:"), "block 2: the new f does not parse"),
        (
            named("f", "def h(x): pass"),
            "block 1: the new f does not define it, and it is still used",
        ),
        (
            named("f", "KINDS = 1"),
            "block 1: the new f has to be the definition of f, once, perhaps with new helpers, constants and imports",
        ),
        (
            named("f", "A, B = 1, 2\ndef f(x): pass\nif A: f(B)"),
            "the new f has a line beside it that would run a part of the script there like if A:: put that",
        ),
        (
            named("f", "def f(x): pass\nwhile True: break"),
            "beside it that is neither a definition nor an assert, a call, a loop or an assignment like while True:",
        ),
        (
            named("f", "def f(x): pass\nfor os in range(2): print(os)"),
            "beside it that sets os, which the script sets, too like for os in range(2):",
        ),
        (
            named("f", "def f(x): pass\nfor one in LATER: print(one)"),
            "beside it that needs LATER, which is not set yet there",
        ),
        (
            named("f", "def f(x): pass\ndef twice(): pass"),
            "block 1: the new f defines twice, too, which is in the script",
        ),
        (
            named("f", "def f(x): pass\ndef os(): pass"),
            "block 1: the new f defines os, too, which is in the script",
        ),
        (
            named("Net.g", "KINDS = 1\ndef g(self): return KINDS"),
            "the new Net.g has to be the definition of Net.g, perhaps with new methods",
        ),
        (named("Net.g", "def h(x): pass\ndef g(self): return h(1)"), "perhaps with new methods"),
        (named("f", "f = 1\ndef f(x): pass"), "block 1: the new f defines f, too"),
        (
            named("f", "def f(x): pass\nprint(f(1))"),
            "beside it that would run a part of the script there like print(f(1)): put that where it is to run, by a block with SEARCH",
        ),
        (
            named("f", "def f(x): pass\nos, f.x = 1, 2"),
            "sets os, which the script sets, too like os, f.x",
        ),
        (
            named("f", "assert f(1)\ndef f(x): pass"),
            "beside it that needs f, which is not set yet there like assert f(1)",
        ),
        (
            named("f", "def f(x): return half(x)\n\ndef half(x): return Net()\n\nassert f(1)"),
            "beside it that needs Net, which is not set yet there like assert f(1)",
        ),
        (
            named("Net.g", "def g(self): pass\nassert 1"),
            "and nothing else like assert 1: put that where it is to run, by a block with SEARCH",
        ),
        (named("f", "def f(x): pass\ndef f(y): pass"), "has to be the definition of f, once, perhaps"),
        (named("h", ""), "block 1: h is not defined in the script"),
        (named("twice", ""), "block 1: twice is defined 2 times in the script"),
        (named("Net", "") + named("Net.g", ""), "two blocks change the same lines"),
        (
            named("Net.g", "def g(self):\n    return '''a\nb'''"),
            "the new Net.g has strings of several lines: indent it by 4",
        ),
        (
            named("Net", "class Net: pass") + named("Net.g", "def g(self): pass"),
            "two blocks change the same lines",
        ),
        ("<<<<<<< DEF f\ndef f(x):\n    pass\n", "block 1 has no end"),
        ("<<<<<<< DEF f\na\n=======\nb\n>>>>>>> REPLACE", "block 1 is malformed"),
        (
            block("import os", "import re") + "<<<<<<< DEF\ndef f(x): pass\n>>>>>>> REPLACE",
            "a block has no beginning",
        ),
    ],
)
def test_a_definition_that_cannot_be_replaced_is_a_clear_fault(reply, wrong):
    script, why = made(reply, CLASSES)
    assert script == "" and wrong in why and "\n" not in why


def test_all_methods_of_a_class_cannot_be_deleted_one_by_one():
    script = "class A:\n    def f(self): pass\n    def g(self): pass\nA()\n"
    assert made(named("A.f", ""), script)[0] == "class A:\n    def g(self): pass\nA()\n"
    changed, why = made(named("A.f", "") + named("A.g", ""), script)
    assert changed == "" and why.startswith("with all blocks the script does not parse")


def test_no_definition_is_found_in_what_does_not_parse():
    assert (
        "block 1: f cannot be looked for, as the script does not parse"
        in made(named("f", "def f(): pass"), "def f(:\n")[1]
    )
    assert "cannot be looked for" in made(named("f", "def f(): pass"), "x = 1\rdef f(): pass\n")[1]
