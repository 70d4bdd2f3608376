"""A run as one file, and the page in a notebook: hostile texts stay texts, nothing of the machine goes along."""

import base64
import hashlib
import json
import re
import shutil

import pytest
from recorded import REPLAY

from budgetmlagent import studio
from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.records.rundir import all_runs
from budgetmlagent.run.view import RunView
from budgetmlagent.studio import widget
from budgetmlagent.studio.bundle import STATIC
from budgetmlagent.studio.place import Place
from budgetmlagent.studio.whole import html
from graphs.finding import GraphError
from graphs.spec import GraphSpec

HOSTILE = "</script><img src=x onerror=alert(1)><!-- \u202e \u2028 \ud800"


@pytest.fixture(scope="module")
def view(tmp_path_factory) -> RunView:
    runs = tmp_path_factory.mktemp("whole") / "runs"
    assert call([*REPLAY, "--runs-dir", str(runs)]) == 0
    return RunView(all_runs(runs)[0])


def data_of(page: str) -> dict:
    (found,) = re.findall(r'<script type="application/json" id="studio-data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def test_the_file_holds_the_run_and_allows_nothing_but_itself(view):
    page = html(view).decode()
    told = data_of(page)
    assert [step["row"]["step"] for step in told["steps"]] == [event.step for event in view.timeline]
    assert told["run"]["row"]["run_id"] == view.run_id
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert (
        policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "connect-src" not in policy
    )
    for kind, tag in (("script-src", '<script type="module">'), ("style-src", "<style>")):
        inside = page.split(tag)[1].split(f"</{tag[1:].split()[0].rstrip('>')}>")[0]
        hashed = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind} 'sha256-{hashed}'" in policy
    assert html(RunView(view.folder)) == page.encode(), "the same run gives the same bytes"
    assert str(view.folder.root) not in page and told["run"]["live"]["pid"] is None


def test_hostile_texts_end_no_element(view, tmp_path):
    shutil.copytree(view.folder.root.parent, tmp_path / "runs")
    run = RunView(next(iter(all_runs(tmp_path / "runs"))))
    told = json.dumps({"a": HOSTILE})
    run.artifacts.put(told)
    plain = html(run).decode().count("</script")
    run.folder.write(
        "ended.json",
        {"status": "stopped", "reason": HOSTILE.encode("utf-8", "replace").decode(), "seconds": 1.0},
    )
    page = html(run).decode()
    assert (
        page.count("</script") == plain
        and "<img" not in page.split('id="studio-data">')[1].split("</script>")[0]
    )
    assert "onerror" in data_of(page)["run"]["summary"]["reason"]


def test_export_writes_the_page_alone_and_beside_the_rest(view, tmp_path, capsys):
    runs = str(view.folder.root.parent)
    assert call(["export", view.run_id, "--runs-dir", runs, "--out", str(tmp_path / "x.html")]) == 0
    assert (tmp_path / "x.html").read_bytes() == html(view)
    assert call(["export", view.run_id, "--runs-dir", runs, "--out", str(tmp_path / "all")]) == 0
    assert (tmp_path / "all" / "view.html").read_bytes() == html(view)
    assert "view.html" in (tmp_path / "all" / "SHA256SUMS").read_text()
    assert call(["export", view.run_id, "--runs-dir", runs, "--out", str(tmp_path / "no" / "x.html")]) == 3
    assert "cannot be written" in capsys.readouterr().err


def test_a_notebook_asks_as_the_browser_does(view, tmp_path):
    answers = widget.Answers(Place(tmp_path, view.folder.root.parent))
    told = widget.reply(answers, {"id": 7, "name": "run", "asked": {"run": view.run_id}})
    assert (told["id"], told["status"]) == (7, 200) and told["reply"]["at"] == 35
    assert widget.reply(answers, {"id": 8, "name": "burn"})["reply"]["error"].startswith("no request 'burn'")
    assert widget.reply(answers, {})["status"] == 404


def test_a_graph_of_the_notebook_changes_in_place_and_both_sides_know(tmp_path):
    spec = GraphSpec.load("paper")
    answers = widget.InMemory(Place(tmp_path, tmp_path / "runs"), "paper.yaml", spec)

    def ask(name, **asked):
        return widget.reply(answers, {"id": 1, "name": name, "asked": asked})

    read = ask("graph", graph="paper.yaml")["reply"]
    assert read["text"] == spec.dump() and not read["read_only"]
    edited = ask(
        "edit", graph="paper.yaml", text=read["text"], operations=[{"do": "set_name", "name": "mine"}]
    )["reply"]
    assert spec.name == "paper"
    saved = ask("save", path="paper.yaml", text=edited["text"], hash=read["hash"])["reply"]
    assert spec.name == "mine" and saved["hash"] == edited["hash"] and not list(tmp_path.iterdir())
    spec.set_name("again")  # in a cell
    late = ask("save", path="paper.yaml", text=edited["text"], hash=saved["hash"])
    assert late["status"] == 409 and spec.name == "again"
    now = ask("graph", graph="paper.yaml")["reply"]
    assert (
        ask("save", path="paper.yaml", text="name: [", hash=now["hash"])["status"] == 400
        and spec.name == "again"
    )
    assert (
        ask("save", path="copy.yaml", text=now["text"])["status"] == 200
        and (tmp_path / "copy.yaml").is_file()
    )


def test_what_a_notebook_cannot_show_is_one_line(view, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="unknown run"):
        studio.view("nothing")
    with pytest.raises(GraphError, match="unknown graph"):
        studio.edit("nothing")
    try:
        import anywidget  # noqa: F401
    except ImportError:
        with pytest.raises(UnavailableError, match=r"pip install 'budgetmlagent\[notebook\]'"):
            studio.view(view)
    else:
        made = studio.view(view)
        assert (made.place == ["run", view.run_id] and "React" in made._esm) or made._css
        made.close()
    assert STATIC.is_dir()
