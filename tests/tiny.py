"""A task and a team small enough for tests that run the whole graph: real sandbox, ledger, history and scorer.

The task: tell whether x is positive. The starter always says 0. The team is the scripted model behind the fault server;
it answers by what it is asked, in a response_format or in the system prompt's words.
"""

import json
import re
from pathlib import Path
from typing import Any

from fault_server import Turn

from budgetmlagent import Session

STARTER = """\
import csv

rows = list(csv.DictReader(open("test.csv")))
print("validation accuracy 0.5")
with open("submission.csv", "w") as file:
    file.write("id,label\\n" + "".join(f"{row['id']},0\\n" for row in rows))
"""
GOOD = STARTER.replace("{row['id']},0", "{row['id']},{int(float(row['x']) > 0)}")
EVAL = """\
import csv, os
HIGHER = True
def get_score(folder):
    truth = {r["id"]: r["label"] for r in csv.DictReader(open(os.path.join(os.path.dirname(__file__), "answers.csv")))}
    said = {r["id"]: r["label"] for r in csv.DictReader(open(os.path.join(folder, "submission.csv")))}
    return sum(said[k] == v for k, v in truth.items()) / len(truth)
"""
# Of sizes that choose from a list: what capable models are asked is tested where it is meant.
MODELS = """\
models:
  small: {{base_url: {url}, model: small-7b, price: {{input: 1, output: 2}}}}
  large: {{base_url: {url}, model: large-14b, price: {{input: 10, output: 30}}}}
"""


def task(
    folder: Path, starter: str = STARTER, metric: str = EVAL, name: str = "tiny", **limits: float
) -> Path:
    """Write the task folder and return it."""
    env, scoring = folder / name / "env", folder / name / "scoring"
    env.mkdir(parents=True)
    scoring.mkdir()
    (folder / name / "task.yaml").write_text(
        f"name: {name}\ntext: Tell whether x is positive.\nmetric: {{name: share of right rows, direction: max}}\n"
        f"limits: {{seconds: {limits.get('seconds', 20)}, memory_gb: 1}}\n"
    )
    rows = [(i, (i * 37 % 41) - 20.5) for i in range(40)]
    (env / "train.csv").write_text("id,x,label\n" + "".join(f"{i + 100},{x},{int(x > 0)}\n" for i, x in rows))
    (env / "test.csv").write_text("id,x\n" + "".join(f"{i},{x}\n" for i, x in rows))
    (env / "train.py").write_text(starter)
    (scoring / "answers.csv").write_text("id,label\n" + "".join(f"{i},{int(x > 0)}\n" for i, x in rows))
    (scoring / "eval.py").write_text(metric)
    return folder / name


def models(folder: Path, url: str) -> Path:
    """Write a models.yaml that points at `url` and return it."""
    path = folder / "models.yaml"
    path.write_text(MODELS.format(url=url))
    return path


def session(folder: Path, url: str, **options: Any) -> Session:
    """Make a run of the task in `folder`, which is written where it is not there yet, by models at `url`."""
    place = folder / "tiny"
    if not place.exists():
        task(folder)
    given = {"models": models(folder, url), "turns": 2, "history": "off", "runs_dir": folder / "runs"}
    return Session(str(place), **given | options)


def team(body: dict[str, Any]) -> Turn:
    """Answer as planner (a schema, or words that ask for JSON), expert (by its system prompt) or coder.

    Each script differs a little.
    """
    system, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
    if "response_format" in body or "JSON" in system:
        tried = len(re.findall(r"^- (?:.*: (?:keep|discard|crash)|attempt \w+, )", asked, re.MULTILINE))
        plan = {"action": "improve", "case": "", "instruction": f"use the sign of x, way {tried}"}
        return Turn(json.dumps(plan), tokens_in=100, tokens_out=20)
    if "senior" in system:
        return Turn("Diagnosis: the sign is ignored. Plan: compare x with zero.", tokens_in=80, tokens_out=30)
    way = re.search(r"way (\d+)", asked)
    script = GOOD + f"way = {way[1] if way else -1}\n"
    return Turn(f"Here it is:\n```python\n{script}```\n", tokens_in=200, tokens_out=90, cached=50)
