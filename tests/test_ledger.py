"""The ledger: the cap holds whatever happens, and nothing that was paid is forgotten."""

import json
import math
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import forked
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money.carried import as_text, of_text
from budgetmlagent.money.database import TABLES
from budgetmlagent.money.ledger import (
    PAID,
    RECORDED,
    Answer,
    Call,
    Ledger,
    Refused,
    Reservation,
    Total,
)
from budgetmlagent.postgres import Address
from memory.state import NANO


def call(key: str = "r/step-1/coder", run: str = "r", **more: object) -> Call:
    fields = {
        "step": 1,
        "node": "coder",
        "model": "small",
        "served": "any-name",
        "price": "p",
        "prompt": "abc",
    }
    return Call(key=key, run=run, **(fields | more))  # type: ignore[arg-type]


SERVER = pytest.mark.scale
BOTH = pytest.mark.parametrize("kind", ["file", pytest.param("server", marks=SERVER)])


def place(kind: str, folder: Path | str) -> Path | Address:
    """Return where a ledger may be made: in a file, or in a database of the server that the tests start."""
    if kind == "file":
        return Path(folder) / "ledger.sqlite"
    from servers import postgres  # which `make test` does not need

    return Address(postgres().database())


@pytest.fixture(params=["file", pytest.param("server", marks=SERVER)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    book = Ledger(place(request.param, tmp_path))
    book.open_run("r", NANO)
    return book


@pytest.fixture
def in_file(tmp_path: Path) -> Ledger:
    book = Ledger(place("file", tmp_path))
    book.open_run("r", NANO)
    return book


def reserved(ledger: Ledger, worst: int, **of: object) -> Reservation:
    room = ledger.reserve(call(**of), worst)  # type: ignore[arg-type]
    assert isinstance(room, Reservation)
    return room


def test_a_reservation_counts_until_it_is_settled(ledger: Ledger) -> None:
    room = reserved(ledger, 900)
    assert ledger.spent("r") == 900
    ledger.settle(room.id, 300, Answer(text="hello", reply="f00", tokens_in=10, tokens_out=5, cached=4))
    assert ledger.spent("r") == 300
    (entry,) = ledger.calls("r")
    assert (entry.id, entry.state, entry.nano, entry.text) == ("r/step-1/coder/1", "settled", 300, "hello")
    assert entry.closed is not None and entry.closed >= entry.created


def test_the_cap_is_met_exactly_and_not_passed(ledger: Ledger) -> None:
    reserved(ledger, NANO)
    assert ledger.reserve(call(), 1) == Refused(worst=1, remaining=0, cap="run")
    assert isinstance(ledger.reserve(call(), 0), Reservation)  # what is free always fits


def settled(ledger: Ledger, nano: int, text: str = "hello", **of: object) -> str:
    room = reserved(ledger, nano, **of)
    ledger.settle(room.id, nano, Answer(text=text, reply="f00", tokens_in=10, tokens_out=5))
    return room.id


def test_a_fork_has_no_money_of_its_own(ledger: Ledger) -> None:
    before = settled(ledger, 600)
    ledger.open_fork("f", "r")
    ledger.open_fork("g", "f")
    after = settled(ledger, 100, key="r/step-2/coder")
    own = settled(ledger, 50, key="f/step-9/coder", run="f")
    leaf = settled(ledger, 7, key="g/step-9/coder", run="g")
    assert ledger.spent("r") == ledger.spent("f") == ledger.spent("g") == 757
    assert ledger.cap("g") == NANO and ledger.reserve(call(run="g"), NANO - 756) == Refused(
        NANO - 756, NANO - 757, "run"
    )
    # What a fork tells as its cost begins with what its origin had spent when it was made.
    assert [entry.id for entry in ledger.calls("r")] == [before, after]
    assert [entry.id for entry in ledger.calls("f")] == [before, own]
    assert [entry.id for entry in ledger.calls("g")] == [before, leaf]
    ledger.set_cap("f", 757)
    assert ledger.cap("r") == 757 and isinstance(ledger.reserve(call(run="r"), 1), Refused)


def test_a_reply_is_used_again_for_the_same_request_alone(ledger: Ledger) -> None:
    settled(ledger, 600, text="first")
    settled(ledger, 600, text="third", key="r/step-3/coder", step=3)
    there = call(key="r/other-branch/coder")
    assert ledger.stored(there) is None
    again = ledger.again(there, [])
    assert again is not None and again.text == "first" and ledger.spent("r") == 1200
    assert ledger.stored(there).text == "first"  # type: ignore[union-attr]
    (entry,) = [entry for entry in ledger.calls("r") if entry.price == PAID]
    assert (entry.nano, entry.tokens_in, entry.text) == (0, 0, "first") and again.id in entry.note
    for other in ({"prompt": "xyz"}, {"node": "planner"}, {"served": "other"}, {"step": 2}):
        assert ledger.again(call(key="r/new/coder", **other), []) is None
    # A fork takes the nearest step of the run that it comes from, and nothing where it is not told to.
    ledger.open_fork("f", "r")
    assert ledger.again(call(key="f/a/coder", run="f", step=4), []) is None
    assert ledger.again(call(key="f/a/coder", run="f", step=4), ["r"]).text == "third"  # type: ignore[union-attr]


def test_a_reply_is_used_again_where_the_run_is_overspent(ledger: Ledger) -> None:
    room = reserved(ledger, 10)
    ledger.settle(room.id, 2 * NANO, Answer(text="dear", tokens_in=10))
    assert isinstance(ledger.reserve(call(), 0), Refused)
    assert ledger.again(call(key="r/other-branch/coder"), []) is not None


def test_a_true_price_above_the_reservation_is_entered_and_stops_the_run(ledger: Ledger) -> None:
    ledger.settle(reserved(ledger, 10).id, 2 * NANO, Answer(text=""))
    assert ledger.spent("r") == 2 * NANO
    assert ledger.reserve(call(), 1) == Refused(worst=1, remaining=-NANO, cap="run")


def test_release_gives_back_what_was_never_sent(ledger: Ledger) -> None:
    ledger.release(reserved(ledger, 10).id)
    assert (ledger.spent("r"), ledger.calls("r")) == (0, [])


def test_a_call_is_settled_or_released_once(ledger: Ledger) -> None:
    room = reserved(ledger, 10)
    ledger.settle(room.id, 5, Answer(text="a"))
    with pytest.raises(KeyError, match="no open reservation"):
        ledger.settle(room.id, 5, Answer(text="a"))
    with pytest.raises(KeyError, match="no open reservation"):
        ledger.release(room.id)
    assert ledger.spent("r") == 5


def test_a_repeated_step_finds_its_reply_and_only_its_own(ledger: Ledger) -> None:
    lost = reserved(ledger, 10)  # its outcome is never known
    kept = reserved(ledger, 10)
    refused = reserved(ledger, 10)
    assert [lost.id, kept.id, refused.id] == [f"r/step-1/coder/{n}" for n in (1, 2, 3)]
    ledger.settle(refused.id, 0, Answer(note="HTTP 429"))
    assert ledger.stored(call()) is None
    ledger.settle(kept.id, 7, Answer(text="hello", finish="length"))
    found = ledger.stored(call())
    assert found is not None and (found.text, found.finish) == ("hello", "length")
    for other in (
        call(key="r/step-1"),
        call(prompt="def"),
        call(served="another"),
        call(key="r/step-%/coder"),
    ):
        assert ledger.stored(other) is None


def test_a_cap_can_be_raised_and_reopening_keeps_it(ledger: Ledger) -> None:
    ledger.set_cap("r", 5)
    ledger.open_run("r", 99)
    assert ledger.cap("r") == Ledger(ledger.place).cap("r") == 5
    assert isinstance(ledger.reserve(call(), 6), Refused)
    ledger.set_cap("r", 6)
    assert isinstance(ledger.reserve(call(), 6), Reservation)
    with pytest.raises(UsageError, match="no run 'other'"):
        ledger.set_cap("other", 1)
    with pytest.raises(UsageError, match="no run 'other'"):
        ledger.reserve(call(run="other"), 0)


def test_the_tightest_cap_refuses_and_is_named(ledger: Ledger) -> None:
    ledger.open_run("s", NANO)
    ledger.set_project_cap(1000)
    reserved(ledger, 600, key="s/1/coder", run="s")
    assert ledger.reserve(call(), 401) == Refused(401, 400, "project")
    assert ledger.reserve(call(), 401, role_cap=500) == Refused(401, 400, "project")
    assert ledger.reserve(call(), 301, role_cap=300) == Refused(301, 300, "node")
    assert isinstance(ledger.reserve(call(), 300, role_cap=300), Reservation)
    assert ledger.reserve(call(), 1, role_cap=300) == Refused(1, 0, "node")
    assert isinstance(ledger.reserve(call(node="planner"), 1, role_cap=300), Reservation)  # of another node
    assert (ledger.project_spent(), ledger.left("r"), ledger.left("s")) == (901, 99, 99)
    ledger.set_project_cap(900)
    assert (
        ledger.reserve(call(), 0) == Refused(0, -1, "project") and Ledger(ledger.place).project_cap() == 900
    )
    ledger.set_project_cap(2 * NANO)
    assert ledger.reserve(call(), NANO) == Refused(NANO, NANO - 301, "run")


def test_the_cap_of_a_role_is_shared_with_forks_and_not_with_other_runs(ledger: Ledger) -> None:
    settled(ledger, 70)
    ledger.open_fork("f", "r")
    ledger.open_run("s", NANO)
    assert ledger.reserve(call(run="f"), 31, role_cap=100) == Refused(31, 30, "node")
    assert isinstance(ledger.reserve(call(key="s/1/coder", run="s"), 100, role_cap=100), Reservation)


def test_what_is_replayed_is_money_of_its_run_and_not_of_the_project(ledger: Ledger) -> None:
    ledger.set_project_cap(0)
    room = reserved(ledger, 600, price=RECORDED)
    ledger.settle(room.id, 500, Answer(text="x"))
    assert (ledger.spent("r"), ledger.project_spent(), ledger.totals("run")) == (500, 0, [])
    assert [total.settled for total in ledger.totals("run", "r")] == [500]
    assert ledger.reserve(call(), 1) == Refused(1, 0, "project")


def test_totals_are_by_node_model_day_and_run(ledger: Ledger) -> None:
    for n, (node, model) in enumerate([("coder", "small"), ("coder", "large"), ("coder", "small")]):
        room = reserved(ledger, 10, key=f"r/{n}/coder", node=node, model=model)
        if n:
            ledger.settle(
                room.id, n, Answer(text="", tokens_in=100, tokens_out=10, cached=1, thought=4, thought_nano=1)
            )
    assert ledger.totals("model") == [
        Total(
            "small",
            2,
            settled=2,
            reserved=10,
            tokens_in=100,
            cached=1,
            tokens_out=10,
            thought=4,
            thought_nano=1,
        ),
        Total(
            "large",
            1,
            settled=1,
            reserved=0,
            tokens_in=100,
            cached=1,
            tokens_out=10,
            thought=4,
            thought_nano=1,
        ),
    ]
    ledger.open_fork("f", "r")
    ledger.again(call(key="f/1/coder", run="f", model="large"), ["r"])
    settled(ledger, 5, key="f/2/planner", run="f", node="planner")
    settled(ledger, 6, key="r/9/coder")
    assert [(total.name, total.calls, total.settled) for total in ledger.totals("run")] == [
        ("r", 4, 9),
        ("f", 1, 5),
    ]
    assert [(total.name, total.settled) for total in ledger.totals("node", "f")] == [
        ("coder", 3),
        ("planner", 5),
    ]
    (day,) = ledger.totals("day", "r")
    assert day.name == time.strftime("%Y-%m-%d", time.gmtime()) and day.settled + day.reserved == 19
    assert sum(t.settled + t.reserved for t in ledger.totals("node")) == ledger.spent("r") == 24


def test_the_ratio_is_believed_after_three_calls_and_within_reason(ledger: Ledger) -> None:
    for tokens, expected in [(30, 1.0), (50, 1.0), (40, 0.6), (95, 1.0)]:
        ledger.settle(reserved(ledger, 1, bytes=100).id, 0, Answer(text="", tokens_in=tokens))
        assert ledger.ratio(call()) == pytest.approx(expected)
    assert ledger.ratio(call(price="another host's")) == 1.0
    for _ in range(3):
        ledger.settle(reserved(ledger, 1, bytes=100, served="liar").id, 0, Answer(text="", tokens_in=1))
    assert ledger.ratio(call(served="liar")) == 1 / 8


@BOTH
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 4), st.integers(0, 64)), min_size=4, max_size=20),
    st.integers(100, 20_000),
)
def test_a_bound_that_was_too_low_is_noted_counts_and_ends_the_money(
    kind: str, calls: list[tuple[int, int, int]], cap: int
) -> None:
    """Texts whose tokens per byte leap: what was observed before does not bound what comes."""
    with tempfile.TemporaryDirectory() as folder:
        book, above = Ledger(place(kind, folder)), 0
        book.open_run("r", cap)
        for n, (size, part, marks) in enumerate(calls):
            asked = call(key=f"r/{n}/coder", bytes=size)
            bound = 112 + math.ceil(size * book.ratio(asked))
            room = book.reserve(asked, bound)
            assert isinstance(room, Refused) == (book.spent("r") + bound * isinstance(room, Refused) > cap)
            if isinstance(room, Refused):
                continue
            actual = size // part + marks
            book.settle(room.id, actual, Answer(text="", tokens_in=actual, note="odd"))
            entry = book.calls("r")[-1]
            assert entry.note == (
                f"odd; ${(actual - bound) / NANO:.9f} above the reservation" if actual > bound else "odd"
            )
            above += max(0, actual - bound)
        assert book.spent("r") == sum(entry.nano for entry in book.calls("r")) <= cap + above


def test_eight_threads_never_pass_a_cap(ledger: Ledger) -> None:
    def spend(thread: int) -> int:
        bought = 0
        for n in range(20):
            room = ledger.reserve(call(key=f"r/{thread}-{n}/coder"), NANO // 10)
            if isinstance(room, Reservation):
                ledger.settle(room.id, NANO // 10, Answer(text="x"))
                bought += 1
        return bought

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(8))) == 10
    assert ledger.spent("r") == NANO


def buy(at: Path | Address, worker: int) -> int:
    book = Ledger(at)
    book.open_run("r", NANO)
    rooms = [book.reserve(call(key=f"r/{worker}-{n}/coder"), NANO // 10) for n in range(5)]
    return sum(isinstance(room, Reservation) for room in rooms)


@BOTH
def test_what_is_carried_to_another_ledger_is_there_once_and_stays_spent(tmp_path: Path, kind: str) -> None:
    one, other = Ledger(place("file", tmp_path / "one")), Ledger(place(kind, tmp_path / "other"))
    one.open_run("r", NANO)
    done, open_ = reserved(one, 900, key="r/step-1/coder"), reserved(one, 500, key="r/step-2/coder")
    one.settle(done.id, 300, Answer(text="a", tokens_in=7))
    one.open_fork("f", "r")
    reserved(one, 40, key="f/step-1/coder", run="f")
    other.open_run("mine", NANO)
    reserved(other, 11, key="mine/step-1/coder", run="mine")
    for run in ("r", "f", "r"):
        other.bring(of_text(as_text(one.carried(run)), run))
    assert (other.spent("r"), other.spent("f"), other.project_spent()) == (840, 840, 851)
    assert other.calls("f") == one.calls("f") and other.cap("f") == NANO
    one.settle(open_.id, 100, Answer(text="b"))  # heard of later
    other.set_cap("r", 5)
    other.bring(of_text(as_text(one.carried("r")), "r"))
    other.bring(of_text(as_text(one.carried("f")), "f"))
    assert (other.spent("r"), other.cap("r")) == (440, 5), "a cap that was given here stays"
    assert other.carried("r") == replace(one.carried("r"), cap=5)


@pytest.mark.parametrize(
    "change",
    [
        {"run": "s"},
        {"forks": [{"run": "r", "origin": "", "root": "", "born": 1.0}]},
        {"forks": [{"run": "r", "origin": "o", "root": "x", "born": 1.0}]},
        {"forks": [{"run": "r", "origin": "r", "root": "r", "born": 1.0}]},
        {"forks": [{"run": "x", "origin": "y", "root": "y", "born": 1.0}]},
        {"cap": -1},
        {"cap": 1 << 63},
    ],
)
def test_lines_that_are_no_run_are_not_carried(ledger: Ledger, change: dict[str, object]) -> None:
    reserved(ledger, 1)
    whole = json.loads(as_text(ledger.carried("r")))
    assert of_text(json.dumps(whole).encode(), "r") == ledger.carried("r")
    with pytest.raises(UnavailableError, match="the ledger's lines of run r"):
        of_text(json.dumps(whole | change).encode(), "r")


@BOTH
def test_processes_that_make_the_ledger_together_share_one_cap(tmp_path: Path, kind: str) -> None:
    at = place(kind, tmp_path / "new")
    with forked.SERVER.Pool(4) as pool:
        bought = pool.starmap(buy, [(at, worker) for worker in range(4)])
    assert sum(bought) == 10
    assert Ledger(at).spent("r") == NANO


def test_a_file_that_is_no_ledger_is_one_error_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database, " * 400)
    with pytest.raises(UnavailableError, match=r"ledger .*ledger.sqlite: file is not a database"):
        Ledger(path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnavailableError, match="folder: is no plain file"):
        Ledger(tmp_path / "folder")
    with pytest.raises(UnavailableError, match="choose another --runs-dir"):
        Ledger(path / "below" / "ledger.sqlite")


def test_a_ledger_that_is_replaced_in_use_is_one_error_with_its_path(in_file: Ledger, tmp_path: Path) -> None:
    ledger = in_file
    reserved(ledger, 1)
    ledger.place.rename(ledger.place.with_name("away"))
    with pytest.raises(UnavailableError, match=r"ledger\.sqlite: it was moved away or replaced while in use"):
        ledger.reserve(call(), 1)
    for rest in tmp_path.glob("ledger.sqlite-*"):
        rest.unlink()
    with pytest.raises(UnavailableError, match=r"ledger\.sqlite: no such table"):
        ledger.reserve(call(), 1)


@pytest.mark.parametrize("had", ["DROP TABLE sums", "PRAGMA user_version = 1"])
def test_an_older_ledger_gets_what_it_lacks(tmp_path: Path, had: str) -> None:
    path = tmp_path / "ledger.sqlite"
    less = "".join(
        f"ALTER TABLE calls DROP COLUMN {name};" for name in ("answered", "thought", "thought_nano")
    )
    with sqlite3.connect(path) as db:
        db.executescript(f"{TABLES} {less} {had}")
        row = "('{0}', '{0}', 1, '{1}', 1, 'coder', 'm', 'm', '{2}', '', 1, 9, {3}, 0, 0, 0, '', '', NULL, '', '', 1, 1)"
        db.execute("INSERT INTO runs VALUES ('r', 100)")
        db.execute("INSERT INTO forks VALUES ('f', 'r', 'r', 1)")
        for values in [("a", "r", "p", 5), ("b", "f", "p", "NULL"), ("c", "r", RECORDED, 1)]:
            db.execute(f"INSERT INTO calls VALUES {row.format(*values)}")
    db.close()
    book = Ledger(path)
    assert (book.spent("r"), book.spent("f"), book.project_spent(), book.cap("f")) == (15, 15, 14, 100)
    assert book.reserve(call(run="f"), 6, role_cap=20) == Refused(6, 5, "node")
    book.settle("b", 2, Answer(text="x", answered="m-2026"))
    assert [entry.answered for entry in book.calls("f")] == ["m-2026"]
    assert (Ledger(path).spent("r"), book.project_spent()) == (8, 7)


def test_a_newer_ledger_is_refused_in_one_line_and_harms_no_run_that_is_underway(
    in_file: Ledger,
) -> None:
    ledger = in_file
    ledger.settle(reserved(ledger, 9).id, 5, Answer(text="hello"))
    with closing(sqlite3.connect(ledger.place)) as db:
        db.executescript("ALTER TABLE calls ADD COLUMN later TEXT; PRAGMA user_version = 99")
    (paid,) = ledger.calls("r")
    assert ledger.stored(call()) == ledger.again(call(key="r/other/coder"), ["r"]) == paid
    with pytest.raises(
        UnavailableError, match=r"ledger .*ledger\.sqlite: a newer version of budgetml made it"
    ):
        Ledger(ledger.place)


class Books(RuleBasedStateMachine):
    """Any order of reservations, settlements and releases, against a model of the same in a dictionary."""

    open_rooms = Bundle("open_rooms")
    kind = "file"

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = Ledger(place(self.kind, self.folder.name))
        self.cap, self.project, self.worth = 100, 130, dict[str, int]()
        self.ledger.open_run("r", self.cap)
        self.ledger.open_run("s", self.cap)
        self.ledger.open_fork("f", "r")
        self.ledger.set_project_cap(self.project)

    def teardown(self) -> None:
        self.folder.cleanup()

    def sum(self, *runs: str) -> int:
        return sum(nano for id, nano in self.worth.items() if id.startswith(runs))

    @rule(
        target=open_rooms,
        worst=st.integers(0, 60),
        run=st.sampled_from("rsf"),
        node=st.sampled_from("ab"),
        role_cap=st.none() | st.integers(0, 70),
    )
    def reserve(self, worst: int, run: str, node: str, role_cap: int | None) -> Reservation | None:
        room = self.ledger.reserve(call(key=f"{run}/{node}", run=run, node=node), worst, role_cap)
        family = ("r", "f") if run != "s" else ("s",)
        left = [("run", self.cap - self.sum(*family)), ("project", self.project - self.sum(""))]
        if role_cap is not None:
            left.append(("node", role_cap - self.sum(*(f"{member}/{node}" for member in family))))
        fits = worst <= min(nano for _, nano in left)
        assert isinstance(room, Reservation if fits else Refused)
        if isinstance(room, Refused):
            assert (room.cap, room.remaining) in left and room.remaining == min(nano for _, nano in left)
            return None
        assert room.id not in self.worth
        self.worth[room.id] = worst
        return room

    @rule(room=consumes(open_rooms), part=st.floats(0, 1))
    def settle(self, room: Reservation | None, part: float) -> None:
        if room:
            self.worth[room.id] = int(room.worst * part)
            self.ledger.settle(room.id, self.worth[room.id], Answer(text="x"))

    @rule(room=consumes(open_rooms))
    def release(self, room: Reservation | None) -> None:
        if room:
            del self.worth[room.id]
            self.ledger.release(room.id)

    @rule(room=consumes(open_rooms))
    def lose(self, room: Reservation | None) -> None:
        """Nobody ever hears of it again: it stays what it was."""

    @rule()
    def reopen(self) -> None:
        self.ledger = Ledger(self.ledger.place)

    @invariant()
    def the_books_agree(self) -> None:
        assert self.ledger.spent("r") == self.ledger.spent("f") == self.sum("r", "f") <= self.cap
        assert self.ledger.spent("s") == self.sum("s") <= self.cap
        assert self.ledger.project_spent() == self.sum("") <= self.project
        written = [*self.ledger.calls("f"), *self.ledger.calls("r"), *self.ledger.calls("s")]
        assert {entry.id: entry.nano for entry in written} == self.worth


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)


class BooksOnAServer(Books):
    """The same in a database."""

    kind = "server"


TestBooksOnAServer = pytest.mark.scale(BooksOnAServer.TestCase)
TestBooksOnAServer.settings = TestBooks.settings
