"""The oldest attempts: like ones are told as one, no approach is lost before another that brought less, and the room holds."""

from hypothesis import given
from hypothesis import strategies as st

from memory.attempts import Attempt
from nodes.craft.earlier import earlier
from nodes.craft.tried import ROOM, tried


def made(turn, what, score=None, action="improve", status="discard", fault=""):
    plan = {"action": action, "instruction": what}
    status = status if score is not None else "crash"
    attempt = Attempt(script="", plan=plan, status=status, score=score, turn=turn, fault=fault)
    return attempt, str(turn)


RUN = [
    made(1, "Encode the carrier and the route by their mean air time, smoothed.", 4.5, status="keep"),
    made(2, "LGBMRegressor.learning_rate = 0.05", 4.43, "tune"),
    made(3, "Fit a neural network of three layers.", fault="time"),
    made(4, "LGBMRegressor.learning_rate = 0.2", 4.41, "tune"),
    made(5, "Blend it with ridge regression on the distance.", 4.47),
    made(6, "Fit a neural network of two layers.", fault="crash"),
    made(7, "LGBMRegressor.num_leaves = 62", 4.44, "tune", status="keep"),
]


def test_each_approach_keeps_what_it_was_and_what_came_of_it():
    assert earlier(RUN, 600) == [
        "attempt 1: Encode the carrier and the route by their mean air time, smoothed. - 4.5, kept",
        "attempts 2, 4: LGBMRegressor.learning_rate - 4.41 to 4.43, none kept",
        "attempts 3, 6: Fit a neural network of three layers. - 1 crash, 1 time",
        "attempt 5: Blend it with ridge regression on the distance. - 4.47, not kept",
        "attempt 7: LGBMRegressor.num_leaves - 4.44, kept",
    ]


def test_where_room_is_scarce_the_words_grow_fewer_and_then_what_brought_least_is_one():
    short = earlier(RUN, 330)
    assert len(short) == 5 and short[0].startswith("attempt 1: Encode the carrier") and "..." in short[0]
    scarce = earlier(RUN, 230)
    assert (
        scarce[0].startswith("attempts 2, 3, ")
        and "other ways - 4.41 to 4.43, none kept, 1 crash, 1 time" in scarce[0]
    )
    assert [line[:10] for line in scarce[1:]] == ["attempt 1:", "attempt 5:", "attempt 7:"]
    assert earlier(RUN, 70) == ["attempts 1, 2, 3, 4, ... 7 (7): 4.41 to 4.5, 2 kept, 1 crash, 1 time"]
    assert earlier([], 70) == []


@given(
    st.lists(st.tuples(st.text(max_size=200), st.none() | st.floats(0, 1)), max_size=60), st.integers(80, 700)
)
def test_no_run_takes_more_than_its_room_and_none_of_its_attempts_is_lost(ways, room):
    run = [made(turn, what, score) for turn, (what, score) in enumerate(ways, 1)]
    lines = earlier(run, room)
    assert sum(map(len, lines)) <= room and bool(lines) is bool(run)
    assert sum(map(len, tried([attempt for attempt, _ in run]))) <= ROOM
