"""How many tokens a reply may have: by what is asked, and of whom. What money does not pay for, the ledger takes off."""

from nodes.deps import Able

BYTES, BYTES_MOST = 2.5, 3.3  # of code in a token
EDIT = 300  # tokens of a change said as search/replace blocks, at least
SHORT_SCRIPT, SCRIPT = 600, 4_000  # tokens of a script beside what it is made from
DRAFT = 8_000  # of a whole new one
CHOICE, PLAN = 200, 3_000  # of a choice from a list, and of a plan said freely
ADVICE, IDEAS = 400, 2_000  # of ideas in words, and of ideas with a sketch of code


def for_script(able: Able, base: str, *, draft: bool = False) -> int:
    """Return the room for the script `base` written out again with a change, or for a `draft`, a new one."""
    if not able.is_free:
        return SHORT_SCRIPT + len(base) // 2
    wanted = SCRIPT + round(2 * len(base.encode("utf-8", "replace")) / BYTES)
    return _within(max(wanted, DRAFT) if draft else wanted, able)


def at_least(able: Able, base: str, *, whole: bool) -> int:
    """Return the room without which a script is not worth asking for: one that is cut off is paid for in vain."""
    if not able.is_free:
        return 0
    return round(len(base.encode("utf-8", "replace")) / BYTES_MOST) if whole else EDIT


def for_plan(able: Able) -> int:
    """Return the room for a planner's choice."""
    return _within(PLAN, able) if able.is_free else CHOICE


def for_ideas(able: Able) -> int:
    """Return the room for an expert's ideas."""
    return _within(IDEAS, able) if able.is_free else ADVICE


def _within(tokens: int, able: Able) -> int:
    """Leave the half of the model's window to what it is asked."""
    return min(tokens, max(SHORT_SCRIPT, able.window // 2))
