"""The tables of docs/security.md: made from what happened when every attack was carried out here and now."""

import re
import sys
from pathlib import Path

from attacks import ATTACKS, Attack
from fences import FENCES, Fence
from rich.console import Console
from rich.progress import track
from users import USERS, Attacker

PAGE = Path(__file__).resolve().parents[1] / "docs" / "security.md"
FLAG = re.compile(r"(prlimit )?--[a-z-]+( ALL)?")
HEAD = (
    "| Attack | Script in tests/hostile/ | What is looked at | Held by | As root | As an ordinary user | "
    "Without the sandbox |\n| --- | --- | --- | --- | --- | --- | --- |\n"
)
FENCE_HEAD = "| Without | this is open | As root | As an ordinary user |\n| --- | --- | --- | --- |\n"


def main() -> None:
    """Attack, and print the tables; with --write put them into the page. Status 1 where anything escaped."""
    users, console = {user: Attacker(user) for user in USERS}, Console(stderr=True)
    try:
        rows = [attack_row(attack, users) for attack in track(ATTACKS, "attacks", console=console)]
        fence_rows = [fence_row(fence, users) for fence in track(FENCES, "flags", console=console)]
    finally:
        for one in users.values():
            one.close()
    parts = {"attacks": HEAD + "".join(rows), "flags": FENCE_HEAD + "".join(fence_rows)}
    if "--write" in sys.argv:
        text = PAGE.read_text(encoding="utf-8")
        for name, table in parts.items():
            before, _, after = _split(text, name)
            text = before + table + after
        PAGE.write_text(text, encoding="utf-8")
    else:
        print("\n".join(parts.values()))
    if bad := [row.split("|")[1].strip() for row in rows + fence_rows if "**" in row]:
        sys.exit("not as it should be: " + ", ".join(bad))


def attack_row(attack: Attack, users: dict[str, Attacker]) -> str:
    """Carry out an attack for each user, and return its row. What should not be is bold."""
    held, free = {}, {}
    for user in ("root", "ordinary"):
        lack = _lack(users, user, attack)
        held[user] = lack or ("**escaped**" if users[user].ask("held", attack.name) else "held")
        free[user] = lack or ("succeeds" if users[user].ask("free", attack.name) else "**does nothing**")
    script = f"`{attack.script}.py`" if attack.script else "one that sleeps"
    outside = sorted(set(free.values()) & {"succeeds", "**does nothing**"}) or ["not tried"]
    cells = [attack.tries, script, attack.judge.words, attack.held_by, held["root"], held["ordinary"]]
    return _row([*cells, ", ".join(outside)])


def fence_row(fence: Fence, users: dict[str, Attacker]) -> str:
    """Try what a fence is for without it, for each user, and return its row."""
    cells = [FLAG.sub(r"`\g<0>`", fence.flag), fence.opens.replace("_", " ")]
    for user in ("root", "ordinary"):
        lack = _lack(users, user, fence)
        cells.append(lack or ("open" if users[user].ask("down", fence.name) else "**no difference**"))
    return _row(cells)


def stale(text: str) -> list[str]:
    """Return what the page's tables lack, or have too much, compared with the attacks and flags there are."""
    known = {
        "attacks": {attack.tries for attack in ATTACKS},
        "flags": {f"{fence.flag}: {fence.opens.replace('_', ' ')}" for fence in FENCES},
    }
    shown = {name: _names(text, name) for name in known}
    return sorted(row for name in known for row in known[name] ^ shown[name])


def _names(text: str, part: str) -> set[str]:
    rows = [line.strip("| ").split(" | ") for line in _split(text, part)[1].splitlines()[2:]]
    return {row[0] if part == "attacks" else f"{row[0].replace('`', '')}: {row[1]}" for row in rows}


def _split(text: str, part: str) -> tuple[str, str, str]:
    """Return the page before a part's table, the table, and the page after it."""
    before, start, rest = text.partition(f"<!-- {part} -->\n")
    table, end, after = rest.partition(f"<!-- end of {part} -->\n")
    return before + start, table, end + after


def _lack(users: dict[str, Attacker], user: str, row: Attack | Fence) -> str:
    if user not in row.users:
        return "cannot anyway" if isinstance(row, Attack) else "held anyway"
    if user not in users:
        return "not run"
    lack = users[user].lacks(row.needs)
    return f"not run: {lack}" if lack else ""


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
