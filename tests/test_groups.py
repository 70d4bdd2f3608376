"""Groups are offered by what columns hold and by what they are called, in several languages; categories are none."""

import numpy as np
import pandas as pd
import pytest

from budgetmlagent.new import groups

N = 400
RNG = np.random.default_rng(7)
OWNERS = RNG.integers(0, 40, N)
X, AGE = RNG.normal(size=N), RNG.integers(18, 80, N)


def offered(frame: pd.DataFrame) -> set[str]:
    return set(groups.found(frame, list(frame.columns), {}))


@pytest.mark.parametrize(
    "name",
    [
        "email", "username", "patient_name", "student", "employee", "player", "device", "client_code", "MRN", "Kunde", "KundenNr", "Schüler", "Élève", "Paciente",
        "numero cliente", "store", "StationID", "Geräte-Nr", "drivers", "subject", "customer_no", "id", "Mitarbeiter",
    ],
)  # fmt: skip
def test_a_column_called_after_whom_rows_are_of_is_offered(name: str) -> None:
    frame = pd.DataFrame({name: [f"v{n}" for n in OWNERS], "x": X})
    assert offered(frame) == {name}


@pytest.mark.parametrize(
    "name",
    ["customer_age", "store_type", "player_height", "colour", "subjective", "user rating", "school_kind", "city", "driven", "storey", "device price", "models"],
)  # fmt: skip
def test_what_is_said_of_them_is_no_group(name: str) -> None:
    assert not offered(pd.DataFrame({name: AGE, "x": X}))


def test_a_thing_of_few_values_is_a_category() -> None:
    for few in ("store", "device", "school"):
        assert not offered(pd.DataFrame({few: OWNERS % 4, "x": X}))
    assert not offered(pd.DataFrame({"email": range(N), "x": X}))  # each row has its own


def test_numbers_of_things_are_amounts_unless_they_are_many() -> None:
    for name, values in (
        ("school", OWNERS % 14),
        ("teachers", OWNERS * 3),
        ("employee", OWNERS / 4),
        ("stores", OWNERS),
    ):
        assert not offered(pd.DataFrame({name: values, "x": X}))
    assert offered(pd.DataFrame({"store": OWNERS, "school_no": OWNERS % 14, "x": X})) == {
        "store",
        "school_no",
    }


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("shuffled", [False, True])
def test_what_another_column_counts_within_is_a_group(start: int, shuffled: bool) -> None:
    sizes = RNG.integers(5, 30, 20)
    units = np.repeat([f"u{n}" for n in range(20)], sizes)
    cycles = np.concatenate([np.arange(size) + start for size in sizes])
    frame = pd.DataFrame({"thing": units, "cycle": cycles, "x": RNG.normal(size=len(units))})
    assert offered(frame.sample(frac=1, random_state=0) if shuffled else frame) == {"thing"}
    assert not offered(frame.assign(cycle=cycles + 5))
    assert not offered(frame.assign(cycle=RNG.permutation(cycles)))


def test_where_each_counts_the_other_the_rows_that_lie_together_are_the_group() -> None:
    for groups_, rows in ((12, 30), (40, 11), (10, 10)):
        frame = pd.DataFrame(
            {"unit": np.repeat(np.arange(groups_) + 1, rows), "step": np.tile(np.arange(rows) + 1, groups_)}
        )
        frame = frame.assign(left=rows - frame.step, x=RNG.normal(size=len(frame)))
        assert offered(frame) == {"unit"}


def test_what_several_numbers_are_said_by_is_a_group() -> None:
    tall, born = RNG.normal(170, 9, 40).round(1), RNG.integers(1930, 2000, 40)
    frame = pd.DataFrame(
        {"code": [f"k{n}" for n in OWNERS], "tall": tall[OWNERS], "born": born[OWNERS], "x": X}
    )
    assert offered(frame) == {"code"}
    assert not offered(frame.assign(tall=X))
    assert not offered(frame.assign(code=[f"k{n % 12}" for n in OWNERS]))
    assert offered(frame.assign(code=OWNERS * 7 + 1000)) == {"code"}


def test_a_number_and_its_conversions_are_no_group() -> None:
    frame = pd.DataFrame({"age": AGE, "born": 2020 - AGE, "days": AGE * 365, "months": AGE * 12, "x": X})
    assert not offered(frame)
    assert not offered(
        pd.DataFrame({"kg": AGE, "lb": (AGE * 2.2046).round(1), "stone": (AGE / 6.35).round(2), "x": X})
    )
