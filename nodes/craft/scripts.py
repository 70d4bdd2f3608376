"""Scripts as text: take one out of a model's reply, and tell whether two are the same program."""

import ast
import hashlib
import textwrap
import warnings

from nodes.craft.replies import said

LONGEST = 200_000  # characters; parsing a larger text costs memory and no script of ours comes near it
LARGEST = (
    2**63
)  # a whole number beyond this is no setting, and one of many digits cannot be written down again
DEEPEST = 150  # levels of a tree: whoever walks through it, or writes it down, has to come back
PYTHON = {"", "python", "python3", "py", "python-script"}


def parse(script: str) -> ast.Module | None:
    """Return the syntax tree of `script`; None where it is not Python, or beyond `LONGEST`, `LARGEST` or `DEEPEST`."""
    if len(script) > LONGEST:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape such as "\\d" in a string is no error
        try:
            tree = ast.parse(script)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return tree if _is_within_bounds(tree) else None


def _is_within_bounds(tree: ast.Module) -> bool:
    """Tell whether a tree has neither too large a number nor too many levels."""
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        numbers = [node.value for node in level if isinstance(node, ast.Constant)]
        if any(isinstance(number, int) and number > LARGEST for number in numbers):
            return False
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return True
    return False


def extract(reply: str) -> str | None:
    """Return the script in a model's `reply`, or None where there is none.

    Thoughts are left out. Of several fenced blocks the last one counts that is not much shorter than the longest;
    those that parse go first. A block that does not parse is still returned: its error can be repaired.
    """
    text = said(reply)
    if len(text) > LONGEST:
        return None
    blocks = [block for block in _fenced(text) if block.strip()]
    if blocks:
        good = [block for block in blocks if parse(block)] or blocks
        longest = max(len(block) for block in good)
        return [block for block in good if 2 * len(block) >= longest][-1].strip("\n") + "\n"
    return _bare(text)


def ast_key(script: str) -> str:
    """Return a hash of the program: equal for scripts that differ in comments, docstrings and layout only."""
    tree = parse(script)
    if tree is not None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                node.body = node.body[ast.get_docstring(node, clean=False) is not None :]
        return _hash(ast.dump(tree))
    return _hash(script)


def same(a: str, b: str) -> bool:
    """Tell whether two scripts are the same program."""
    return ast_key(a) == ast_key(b)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _fenced(text: str) -> list[str]:
    """Return the Python blocks between fences; the last one may lack its end, as a reply may be cut off."""
    blocks: list[str] = []
    block: list[str] | None = None
    python = False
    for line in text.split("\n"):
        mark = line.strip()
        if not mark.startswith("```"):
            if block is not None:
                block.append(line)
            continue
        if block is not None and python:
            blocks.append("\n".join(block))
        info = mark.strip("`").strip().split()
        if block is None or info:  # an opening fence, or one that ends a block and opens the next
            block, python = [], (info[0].lower() if info else "") in PYTHON
        else:
            block = None
    if block is not None and python:
        blocks.append("\n".join(block))
    return [textwrap.dedent(block) if block.startswith((" ", "\t", "\n")) else block for block in blocks]


def _bare(text: str) -> str | None:
    """Return `text`, or what follows its first import, where that is a script without any fence."""
    lines = text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.startswith(("import ", "from "))), 0)
    for candidate in (text, "\n".join(lines[first:])):
        tree = parse(candidate)
        # A single word of prose is valid Python too: a script at least binds a name.
        if tree and any(isinstance(s, ast.Import | ast.ImportFrom | ast.Assign) for s in tree.body):
            return candidate.strip("\n") + "\n"
    return None
