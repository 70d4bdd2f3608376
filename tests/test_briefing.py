"""The data briefing on layouts of every sort, and on odd tables: it describes, and never crashes."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from array_tasks import checked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from budgetmlagent import testing
from nodes.craft import described

ROOT = Path(__file__).parent.parent
program = importlib.import_module("budgetmlagent.inside.briefing.__main__")
metric = program.load("metric")


@pytest.fixture
def task(tmp_path):
    """A function that writes tables and a submission, and returns the briefing made in this process."""

    def make(files, submission, name="submission.csv", starter="", metric="", direction="max", data="schema"):
        env, out = tmp_path / "env", tmp_path / "out"
        env.mkdir(exist_ok=True)
        out.mkdir(exist_ok=True)
        for file, frame in files.items():
            (env / file).parent.mkdir(exist_ok=True)
            frame.to_csv(env / file, index=False, sep="\t" if ".tsv" in file else ",")
        if isinstance(submission, np.ndarray):
            np.save(out / name, submission)
        else:
            submission.to_csv(out / name, index=False)
        meta = {"text": "", "metric": metric, "direction": direction, "starter": starter, "data": data}
        return checked(program.plain(program.brief(env, out, meta)))

    return make


def flowers(rows=60, start=0):
    rng = np.random.default_rng(start)
    size = rng.normal(0, 1, rows)
    return pd.DataFrame({
        "id": np.arange(start, start + rows), "size": size, "hue": rng.choice(["red", "blue"], rows),
        "kind": np.where(size > 0, "big", "small"),
    })  # fmt: skip


def test_train_and_test(task):
    train, test = flowers(), flowers(30, 60)
    b = task(
        {"train.csv": train, "test.csv": test.drop(columns="kind")}, test[["id", "kind"]], metric="accuracy"
    )
    assert {"table", "classification", "binary", "categorical", "small", "label"} <= set(b["kinds"])
    assert b["table"]["targets"] == ["kind"]
    assert b["table"]["numeric"] == ["size"]
    assert b["table"]["categorical"] == ["hue"]
    assert b["table"]["drop"] == ["id"]
    assert b["table"]["keys"] == [["id", 'test["id"]']]
    assert b["submission"]["rows"] == 30
    assert b["samples"] == []
    assert "kind" in b["summary"]


def test_rows_only_where_the_policy_allows(task):
    files = {"train.csv": flowers(), "test.csv": flowers(30, 60).drop(columns="kind")}
    assert task(files, flowers(30, 60)[["id", "kind"]], data="samples")["samples"]


def test_labels_in_a_file_of_their_own_and_a_further_table(task):
    train, test = flowers(), flowers(30, 60)
    colours = pd.DataFrame({"hue": ["red", "blue"], "wave": [700, 450]})
    files = {
        "features_train.csv": train.drop(columns="kind"), "labels_train.csv": train[["id", "kind"]],
        "features_test.csv": test.drop(columns="kind"), "colours.tsv": colours,
    }  # fmt: skip
    b = task(files, test[["id", "kind"]])
    assert b["table"]["targets"] == ["kind"]
    assert sorted(b["table"]["numeric"]) == ["size", "wave"]
    scope = {"pd": pd}
    assert any("labels_train.csv" in line for line in b["table"]["load"])
    assert sum("colours.tsv" in line for line in b["table"]["load"]) == 2
    assert scope


@pytest.mark.parametrize("mark", ["column", "gap"])
def test_one_table_with_both_parts(task, mark):
    whole = flowers(90)
    whole["part"] = np.where(whole.id < 60, "train", "test")
    if mark == "gap":
        whole = whole.drop(columns="part")
    whole.loc[60:, "kind"] = None
    b = task({"data.csv": whole}, flowers(90)[["id", "kind"]][60:])
    assert (b["table"]["rows_train"], b["table"]["rows_test"]) == (60, 30)
    assert b["table"]["features"] == ["size", "hue"]


def test_one_column_a_class(task):
    train, test = flowers(), flowers(30, 60)
    submission = pd.DataFrame({"id": test.id, "P_small": 0.4, "P_big": 0.6})
    b = task(
        {"train.csv": train, "test.csv": test.drop(columns="kind")},
        submission,
        metric="log loss",
        direction="min",
    )
    assert b["table"]["class_columns"] == ["P_big", "P_small"]
    assert b["table"]["output"] == "probabilities"
    assert b["metric"]["name"] == "log_loss"


def test_a_starter_that_is_sure_submits_probabilities_all_the_same(task):
    train, test = flowers(), flowers(30, 60)
    submission = pd.DataFrame({"id": test.id, "kind": (test.kind == "small").astype(float)})
    b = task({"train.csv": train, "test.csv": test.drop(columns="kind")}, submission, metric="roc_auc")
    assert (b["table"]["output"], b["metric"]["name"]) == ("probability", "auc")


def test_other_names_and_an_array_as_submission(task):
    train, test = flowers(), flowers(30, 60).drop(columns="kind")
    files = {
        "learn_data.csv.gz": train.drop(columns="kind").assign(price=train["size"] ** 2),
        "unlabelled.csv": test,
    }
    b = task(files, np.full(30, 0.5), "predictions.npy", direction="min")
    assert b["table"]["targets"] == ["price"]
    assert b["table"]["problem"] == "regression"
    assert b["submission"]["file"] == "predictions.npy"


def test_target_of_another_name_in_the_submission(task):
    train, test = flowers(), flowers(30, 60).drop(columns=["kind"])
    train["weight"], train["price"] = 1.5, train["size"] * 3
    submission = pd.DataFrame({"id": test.id, "prediction": 0.3})
    b = task(
        {"train.csv": train, "test.csv": test},
        submission,
        starter="y = train['price']",
        metric="rmse",
        direction="min",
    )
    assert b["table"]["targets"] == ["price"]
    assert b["table"]["submission_targets"] == ["prediction"]


def test_columns_by_kind(task):
    rng = np.random.default_rng(0)
    rows = 120
    frame = pd.DataFrame({
        "id": np.arange(rows), "amount": [f"{v:,}" if v > 2000 else "?" for v in rng.integers(0, 90_000, rows)],
        "when": pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 400, rows), unit="D"), "same": 1,
        "note": [" ".join(rng.choice(["a", "good", "bad", "day", "cat", "of", "my"], 9)) for _ in range(rows)],
        "town": rng.choice([f"town{k}" for k in range(30)], rows), "y": np.exp(rng.normal(0, 2, rows)),
    })  # fmt: skip
    b = task(
        {"train.csv": frame[:80], "test.csv": frame[80:].drop(columns="y")},
        frame[["id", "y"]][80:],
        metric="rmsle",
        direction="min",
    )
    t = b["table"]
    assert (t["coded"], t["dates"], t["text"], t["categorical"], t["many"]) == (
        ["amount"],
        ["when"],
        ["note"],
        ["town"],
        ["town"],
    )
    assert "same" in t["drop"]
    assert {"mixed", "text", "dates", "skewed_target", "high_cardinality", "positive_target"} <= set(
        b["kinds"]
    )


def test_a_long_text_is_no_date(task):
    frame = flowers(200)
    frame["told"] = [f"{'and ' * 30}on {day % 28 + 1} May {2000 + day % 20}" for day in range(200)]
    frame["dated"] = frame["told"].str[
        -14:
    ]  # the same without its words, over which the reader of dates passes
    train, test = frame[:150], frame[150:].drop(columns="kind")
    facts = task({"train.csv": train, "test.csv": test}, test[["id"]].assign(kind="big"))
    assert (facts["table"]["text"], facts["table"]["dates"]) == (["told"], ["dated"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (lambda row: f"N{row:03d}", "drop"),
        (lambda row: f"A-2024/{row}x", "drop"),
        (lambda row: f"{100 + row}/{60 + row * 7 % 50}", "text"),  # measurements
        (lambda row: f"P({row},{row * 7 % 50 + 0.5})", "text"),
        (lambda row: f"{row + 1}cm", "text"),
        (lambda row: f"{row * 2654435761 % 2**32:08x}-0f", "drop"),
        (lambda row: f"{'NSW'[row % 3]}{row:03d}", "text"),  # the letter may mean something
        (lambda row: f"C{row}H{row * 7 % 11}O{'N' * (row % 2)}", "text"),
        (lambda row: "".join("aeiouklmnt"[row // 10**place % 10] for place in range(4)), "text"),
        (lambda row: f"N{row // 20:03d}", "categorical"),
    ],
)
def test_codes_that_only_tell_rows_apart_are_no_text(task, name, kind):
    frame = pd.DataFrame({"tag": [name(row) for row in range(120)], "size": np.arange(120) * 7 % 31 / 4})
    frame["y"] = frame["size"] * 2
    t = task(
        {"train.csv": frame[:80], "test.csv": frame[80:].drop(columns="y")},
        frame[["tag", "y"]][80:],
        metric="mae",
        direction="min",
    )["table"]
    assert "tag" in t[kind]


def test_wavelengths_are_names_of_columns(task):
    rng = np.random.default_rng(0)
    spectra = pd.DataFrame(
        rng.normal(size=(90, 12)).round(3), columns=[f"{350 + 1.5 * k}" for k in range(12)]
    )
    whole = spectra.assign(y=spectra["353.0"] * 2)
    t = task({"train.csv": whole[:60], "test.csv": spectra[60:]}, whole[["y"]][60:], metric="mae")["table"]
    assert t["targets"] == ["y"] and len(t["numeric"]) == 12


@pytest.mark.parametrize(
    ("how", "kind"),
    [("group", "new_groups"), ("last_in_group", "group_history"), ("last", "time_split"), ("random", "")],
)
def test_how_rows_are_held_out(task, how, kind):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        [
            {"patient": p, "day": d, "pulse": rng.normal(), "y": rng.normal()}
            for p in range(20)
            for d in range(12)
        ]
    )
    rows.insert(0, "id", rng.permutation(len(rows)))
    if how == "last":
        rows = rows.drop(columns="patient")
    test = {"group": rows.patient >= 15 if "patient" in rows else None, "random": rows.id % 3 == 0}.get(
        how, rows.day >= 9
    )
    b = task(
        {"train.csv": rows[~test], "test.csv": rows[test].drop(columns="y")},
        rows[test][["id", "y"]],
        metric="mae",
        direction="min",
    )
    assert b["table"]["split"]["how"] == how
    assert not kind or kind in b["kinds"]


def test_what_is_not_understood_is_only_described(task):
    b = task({"train.csv": flowers(), "test.csv": flowers(30, 60)}, pd.DataFrame({"x": range(7), "y": 0.5}))
    assert "table" not in b["kinds"]
    assert "table" not in b


def test_as_a_program(tmp_path):
    (tmp_path / "env").mkdir()
    (tmp_path / "meta.json").write_text(
        json.dumps({"metric": "", "text": "", "direction": "max", "starter": "(", "data": "schema"})
    )
    command = [
        sys.executable,
        "-I",
        str(ROOT / "budgetmlagent/inside/briefing"),
        "--env",
        str(tmp_path / "env"),
    ]
    command += ["--submission", str(tmp_path / "none"), "--meta", str(tmp_path / "meta.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert checked(json.loads(done.stdout))["kinds"] == ["unknown"]


@pytest.mark.parametrize("key", ["table", "submission", "metric"])
def test_the_schema_wants_the_keys_that_it_names_and_no_others(task, key):
    files = {"train.csv": flowers(), "test.csv": flowers(30, 60).drop(columns="kind")}
    b = task(files, flowers(30, 60)[["id", "kind"]])
    with pytest.raises(ValidationError, match=rf"{key}\.more"):
        checked(b | {key: b[key] | {"more": 1}})
    b["table"].pop("load")
    with pytest.raises(ValidationError, match=r"table\.load"):
        checked(b)


@pytest.mark.parametrize(
    ("given", "text", "direction", "name"),
    [
        ("ROC AUC", "", "max", "auc"), ("", "metric: mean SMAPE(+1) of the two", "min", "smape"), ("macro_f1", "", "max", "f1_macro"),
        ("", "Scored by root mean squared log error.", "min", "rmsle"), ("", "metric: test accuracy", "max", "accuracy"),
        ("score", "nothing known", "max", ""), ("mae", "", "max", ""), ("Quadratic weighted kappa", "", "max", "qwk"), ("R2", "", "max", "r2"),
    ],
)  # fmt: skip
def test_metric_names(given, text, direction, name):
    assert metric.describe({"metric": given, "text": text, "direction": direction})["name"] == name


def test_own_metric_of_the_starter():
    starter = "import numpy as np\ndef loss(p, y):\n    return np.abs(p - y).max()\nprint('x', loss(m.predict(X), y))\n"
    own = metric.describe({"starter": starter, "direction": "min"})
    assert (own["function"], own["swap"], own["needs"]) == ("loss", True, ["import numpy as np"])
    assert "def loss" in own["code"]
    tied = "K = 3\ndef loss(y, p):\n    return K\nprint(loss(y, p))\n"
    assert "code" not in metric.describe({"starter": tied, "direction": "min"})


cells = st.one_of(
    st.none(), st.text(max_size=5), st.integers(-9, 9), st.floats(allow_infinity=True), st.booleans()
)
columns = st.sampled_from(["id", "a", "b", "text", "date", "user", "é b"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(columns, st.lists(cells, min_size=6, max_size=6), min_size=1),
    st.lists(cells, min_size=6, max_size=6),
)
@pytest.mark.filterwarnings("default")
def test_odd_tables_do_not_crash(task, table, target):
    frame = pd.DataFrame(table)
    b = task({"train.csv": frame.assign(y=target), "test.csv": frame}, frame.iloc[:, :1].assign(y=target))
    assert json.loads(json.dumps(b, allow_nan=False)) == b


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("file", ["train.csv", "train.tsv"])
def test_no_row_of_a_file_without_names_is_told_as_if_it_held_them(tmp_path, named, file):
    env, out = tmp_path / "env", tmp_path / "out"
    env.mkdir()
    out.mkdir()
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(7, 2, (40, 3)).round(3)).assign(kind=rng.choice(["oak", "elm"], 40))
    frame = frame.set_axis(["width", "height", "depth", "kind"], axis=1)
    frame.to_csv(env / file, index=False, header=named, sep="\t" if ".tsv" in file else ",")
    frame[["width"]].to_csv(out / "submission.csv", index=False, header=named)
    meta = {"text": "", "metric": "rmse", "direction": "min", "starter": "", "data": "schema"}
    made = checked(program.plain(program.brief(env, out, meta)))
    told = described.data(made, testing.Task())
    if named:
        assert f"{file}: 40 rows, 4 columns: width float" in told
        assert "submission.csv (40 rows; columns width float64)" in told
    else:
        assert (
            f"{file}: 40 rows, 4 columns without names, called by their places: 0 ... 2 (3 columns) float"
            in told
        )
        assert "submission.csv (40 rows; 1 column without names: its first row is one of values)" in told
    assert not [value for value in frame.loc[0, ["width", "height", "depth"]] if f"{value}" in told]
