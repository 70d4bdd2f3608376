"""README.md and docs/: links lead somewhere, commands are commands, and Python imports and calls what is there."""

import ast
import importlib.util
import inspect
import re
import shlex
from pathlib import Path

import pytest
from typer.exceptions import TyperException

from budgetmlagent import GraphSpec, Session

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")
CLASSES = {"session": Session, "fork": Session, "graph": GraphSpec}  # what a page's names stand for
SHELL = {"cd", "export", "mkdir", "ls", "head", "git", "pip", "python", "python3", "pytest", "make"}


def of(kind: str) -> list:
    """Each block of a kind, by its page and line."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            if block[1] == kind:
                line = text.count("\n", 0, block.start()) + 1
                found.append(pytest.param(block[2], id=f"{page.name}:{line}"))
    return found


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        to = (page.parent / target).resolve() if target else page
        assert to.exists(), target
        assert not anchor or anchor in anchors(to), f"{target}#{anchor}"


# -- commands


def typed(script: str) -> list[list[str]]:
    """The words of each command of a block, without its comments; one within `$(…)` or behind a pipe is the shell's own."""
    lines = [re.sub(r"\$\([^)]*\)", "A-RUN", line) for line in re.sub(r"\\\n", "", script).splitlines()]
    return [words for line in lines if (words := shlex.split(line.partition("|")[0], comments=True))]


def parsed(words: list[str]) -> None:
    """Have the real command line read a command; it says what is wrong with it and runs nothing."""
    from typer.main import get_command

    from budgetmlagent.cli.app import app

    command, name, rest = get_command(app), "budgetml", words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"{name} {rest[0]}: no such command"
        command, name, rest = command.commands[rest[0]], f"{name} {rest[0]}", rest[1:]
    command.make_context(name, list(rest), resilient_parsing=rest == ["--install-completion"])


@pytest.mark.parametrize("script", of("sh"))
def test_each_command_is_one(script: str) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in typed(script):
        program = Path(words[0]).name
        if program == "budgetml":
            parsed([word.replace("…", "A-RUN") for word in words])
        elif program == "make":
            assert set(words[1:]) <= targets
        else:
            assert program in SHELL or "=" in program, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_in_a_sentence_is_one(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for said in re.findall(r"`budgetml ([a-z][^`]*)`", text):
        names = re.match(r"[a-z |]+", said)
        assert names
        for alternative in names[0].split("|"):
            assert known(alternative.split(), names[0].split()), said


def known(words: list[str], all_of_them: list[str]) -> bool:
    """Whether words begin with a command, of the group that the first one names where they are a list of its commands."""
    from typer.main import get_command

    from budgetmlagent.cli.app import app

    command = get_command(app)
    group = command.commands.get(all_of_them[0])
    inner = getattr(group, "commands", {})
    return bool(words) and (words[0] in command.commands or words[0] in inner)


# -- Python


@pytest.mark.parametrize("script", of("python"))
def test_python_imports_and_calls_what_is_there(script: str) -> None:
    tree = ast.parse(script)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and ours(node.module or ""):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, name.name) or is_module(node.module, name.name) for name in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = CLASSES.get(node.value.id)
            assert used is None or hasattr(used, node.attr) or node.attr in used.model_fields, node.attr
        if isinstance(node, ast.Call):
            bound(node)


def is_module(package: str, name: str) -> bool:
    return importlib.util.find_spec(f"{package}.{name}") is not None


def ours(module: str) -> bool:
    return module.partition(".")[0] in {"budgetmlagent", "graphs", "nodes", "memory"}


def bound(call: ast.Call) -> None:
    """Bind a call's arguments to the function that it names, where that is a method of a session or a graph."""
    function = call.func
    named = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    if named and (used := CLASSES.get(function.value.id)):
        given = {argument.arg: 0 for argument in call.keywords if argument.arg}
        inspect.signature(getattr(used, function.attr)).bind(None, *call.args, **given)


def test_a_rule_that_is_changed_by_its_number_is_the_one_that_is_meant() -> None:
    """The shipped graph gets new rules, and a number then names another one: what is changed here keeps its predicate."""
    changed = re.compile(r'set_rule\(\s*"(\w+)", (\d+), when="(\w+)"')
    found = [each for page in PAGES for each in changed.findall(page.read_text(encoding="utf-8"))]
    rules = GraphSpec.load("budgetml").rules
    assert found and all(rules[node][int(number) - 1].when == when for node, number, when in found), found


@pytest.mark.parametrize(
    "check, wrong",
    [
        (test_each_command_is_one, "budgetml runn digits"),
        (test_each_command_is_one, "budgetml run digits --buget 1"),
        (test_each_command_is_one, "budgetml run"),
        (test_each_command_is_one, "make demos"),
        (test_python_imports_and_calls_what_is_there, "from budgetmlagent import Sesion"),
        (test_python_imports_and_calls_what_is_there, "session.forks()"),
        (test_python_imports_and_calls_what_is_there, "session.run(untl='planner')"),
    ],
)
def test_what_is_none_is_found(check, wrong: str) -> None:
    with pytest.raises((AssertionError, TyperException, TypeError, AttributeError)):
        check(wrong)


# -- files


@pytest.mark.parametrize("text", [block for block in of("yaml") if "extending" not in block.id])
def test_yaml_is_yaml(text: str) -> None:  # what docs/extending.md has, its own test uses
    from ruamel.yaml import YAML

    assert YAML(typ="safe").load(text)


def test_the_site_has_each_page_of_the_docs() -> None:
    import tomllib

    told = (ROOT / "docs" / "site.toml").read_text(encoding="utf-8")
    tomllib.loads(told)
    assert {f'"docs/{page.name}"' for page in PAGES[1:]} <= set(re.findall(r'"docs/[\w.]+"', told))
