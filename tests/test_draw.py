"""The graph as text, as a picture and on a card: what ran is on it, nothing hostile gets out of it, nothing is fetched."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from test_recordings import replay

from budgetmlagent.cli import call
from budgetmlagent.records import events, steps
from budgetmlagent.records.events import Event
from budgetmlagent.run.card import Card, card_of, html, terminal
from budgetmlagent.run.curve import Curve
from budgetmlagent.run.view import RunView
from graphs.drawing.mermaid import mermaid, outline
from graphs.drawing.picture import PictureError, png, svg
from graphs.policy import END
from graphs.spec import GraphSpec, shipped
from graphs.words import said

RECORDING = Path(__file__).parent / "recordings" / "digits"
EXTERNAL = re.compile(r"""(?:href|src)\s*=\s*["']?(?!["']?#)|@import|url\((?!["']?#)""", re.IGNORECASE)
HOSTILE = "<script>alert(1)</script>"
SPEC = GraphSpec.load("budgetml")
# Without the library, as it is for who did not install it.
WITHOUT = "import sys; sys.modules['mermaidx'] = None\nfrom graphs.drawing.picture import *\nfrom graphs.spec import GraphSpec\n"


def number(node: str, rule: str) -> int:
    """The number, in its own list, of the first rule of `node` that begins with `rule`."""
    return next(n for n, each in enumerate(SPEC.rules[node], 1) if str(each).startswith(rule))


def step(node: str, rule: str, usd: float = 0.0, **more) -> Event:
    """An event of `node` that took its first rule that begins with `rule`."""
    fired = SPEC.rules[node][number(node, rule) - 1]
    route = {"to": fired.to, "rule": str(fired), "saw": {}, "passed": []} | (
        {"up": fired.up} if fired.up else {}
    )
    return Event({"step": 0, "node": node, "model": None, "usd": usd, "rung": 0, "route": route} | more)


def told(*steps: Event) -> list[Event]:
    return [Event(event | {"step": number}) for number, event in enumerate(steps, 1)]


RUN = told(
    step("executor", "otherwise"),
    step("evaluator", "improved"),
    step("planner", "nothing_recalled"),
    step("planner", "otherwise", 0.01, model="small", rung=1),
    step("coder", "otherwise", 0.005, model="small"),
    step("executor", "otherwise"),
    step("evaluator", "case_left"),
    step("planner", "otherwise", 0.002, model="small", rung=1),
    step("coder", "otherwise"),
    step("executor", "otherwise"),
    step("evaluator", "stuck"),
)


def arrows(text: str) -> dict[tuple[str, str], list[str]]:
    """The arrows of Mermaid text, by their two ends: of each its label and, after a bar, its style."""
    styles = {
        int(number): line.split()[2]
        for line in text.splitlines()
        if "linkStyle" in line
        for number in line.split()[1].split(",")
    }
    found, link = defaultdict(list), 0
    for line in text.splitlines():
        links = len(re.findall(r" -[-.](-|>|->|)(?= |\|)", line))
        if not links or line.strip().startswith("%%"):
            continue
        ends = re.split(r"\W", line.split()[0])[0], re.split(r"[\[(]", line.split()[-1])[0]
        label = re.search(r'"(.*)"', line)
        if "-faults[" not in line:
            found[ends].append(
                f"{label[1] if label else ''}|{styles[link]}".replace("\u00a0", " ")
                .replace("</b><br/><b>", " ")
                .replace("<br/>", " ")
            )
        link += links
    return dict(found)


def only(text: str, *ends: str) -> str:
    (arrow,) = arrows(text)[ends]
    return arrow


@pytest.mark.parametrize("name", shipped())
def test_every_rule_stands_on_its_arrow_in_words_and_in_the_outline(name):
    spec = GraphSpec.load(name)
    text, drawn = outline(spec), arrows(mermaid(spec, detail=True))
    assert all(text.count(f"  {number}. {rule}\n") == 1 for number, rule in enumerate(spec.faults, 1))
    for node, rules in spec.rules.items():
        for number, rule in enumerate(rules, 1):
            assert f"{number}. {rule}" in text
            told = " ".join(drawn[node, "FINISH" if rule.to == END else rule.to])
            assert len(rules) == 1 or f"{number}. {said(rule)}" in told


def test_what_a_run_does_is_thick_what_is_dearer_has_its_colour_and_what_ends_it_is_told():
    text = mermaid(SPEC)
    for way in [("executor", "evaluator"), ("planner", "coder"), ("coder", "executor")]:
        assert "#1f2328,stroke-width:4px" in arrows(text)[way][-1]
    dearer, usual = arrows(text)["evaluator", "planner"]
    new, left = (number("evaluator", rule) for rule in ("improved", "case_left"))
    assert usual.startswith(f"{new}. a new best {left}. memory has more ") and "stroke-width:4px" in usual
    up = number("evaluator", "stuck attempts=6")
    assert f"{up}. after 6 attempts without gain, unless 10% better: coder moves up|stroke:#d55e00" in dearer
    stuck = number("evaluator", "stuck attempts=4")
    assert f"{stuck}. after 4 attempts without gain" in only(text, "evaluator", "expert")
    assert "stroke:#d55e00" in only(text, "planner", "expert")
    assert "2. all turns are used" in only(text, "evaluator", "FINISH")
    assert "orange: dearer help" in text and "thick: the usual way" in text


@pytest.mark.parametrize("name", shipped())
def test_faults_are_one_grey_arrow_a_node_and_each_with_detail(name):
    spec = GraphSpec.load(name)
    told = dict(
        re.findall(
            r'^ +(\w+) -.-> \1-faults\["<small>on a fault: (.*?)</small>"\]:::fault',
            mermaid(spec),
            re.MULTILINE,
        )
    )
    for node, line in told.items():
        leads = {
            rule.to
            for rule in spec.rules_of(node)
            if not rule.up
            and (rule.when in ("missed", "faulted") or rule in [f.at(node) for f in spec.faults])
        }
        assert set(line.split(", ")) == {{node: "again", END: "end"}.get(to, to) for to in leads}
    assert set(told) >= (set(spec.ladders) if spec.faults else set())
    detail = mermaid(spec, detail=True)
    assert "-faults[" not in detail and all("fault 1." in detail for _ in spec.faults[:1])


def test_a_fault_that_was_met_is_an_arrow_of_its_own():
    met = {"to": "coder", "rule": "missed → coder", "saw": {}, "passed": []}
    denied = {"to": END, "rule": "faulted kind=denied → END", "saw": {}, "passed": []}
    run = told(*(step("coder", "otherwise", route=route) for route in (met, met, denied)))
    text = mermaid(SPEC, run, brief=True)
    assert only(text, "coder", "coder").startswith("<b>fault 8. no usable reply ×2</b>|stroke:#0072b2")
    assert only(text, "coder", "FINISH").startswith(
        "<b>fault 2. a wrong key, address or name ×1</b>|stroke:#0072b2"
    )
    assert ("coder", "planner") not in arrows(text) and "|stroke:#afb8c1" in only(text, "coder", "executor")
    assert "  the faults below\n    2. faulted kind=denied → END ×1\n    8. missed → coder ×2\n" in outline(
        SPEC, run
    )
    ET.fromstring(svg(text))


def test_a_run_is_counted_and_priced_on_the_drawing():
    text = mermaid(SPEC, RUN, "expert")
    assert (
        '"<b>planner</b><br/><small>recall ×1 ↑ small ×2 ↑ large</small><br/>×3 · $0.0120"'
        in text.replace("#36;", "$")
    )
    assert '"<b>coder</b><br/><small>small ×1 ↑ large</small><br/>×2 · $0.0050"' in text.replace("#36;", "$")
    assert '"<b>executor</b><br/>×3 · $0"' in text.replace("#36;", "$")
    assert '"<b>▶ expert</b><br/><small>large</small>"):::now' in text
    assert only(text, "executor", "evaluator").startswith("<b>2. otherwise ×3</b>|")
    assert f"<b>{number('planner', 'otherwise')}. otherwise ×2</b>" in arrows(text)["planner", "coder"][-1]
    dearer, usual = arrows(text)["evaluator", "planner"]
    new, left, idea = (number("evaluator", rule) for rule in ("improved", "case_left", "idea_left"))
    assert usual.startswith(
        f"<b>{new}. a new best ×1 {left}. memory has more ×1</b> {idea}. advice is left to try"
    )
    assert f"{number('evaluator', 'stuck attempts=6')}. after" in dearer and "#afb8c1" in dearer
    assert "planner  [recall ↑ small ↑ large]  ×3 · $0.0120" in outline(SPEC, RUN)
    assert "▶ expert" in outline(SPEC, RUN, "expert")


def test_edges_taken_never_taken_and_escalated_look_different():
    text = mermaid(SPEC, RUN)
    never, usual = only(text, "evaluator", "FINISH"), arrows(text)["evaluator", "planner"][-1]
    assert "stroke-width:1px" in never and "#afb8c1" in never
    assert "#0072b2" in usual and "stroke-width:1px" not in usual
    assert "#d55e00" in only(text, "planner", "planner") and "#d55e00" in only(text, "evaluator", "expert")
    assert only(text, "START", "executor").startswith("|stroke:#0072b2")
    assert arrows(text).keys() == arrows(mermaid(SPEC)).keys()


def test_in_brief_only_what_a_run_met_and_the_usual_way_is_drawn():
    text = mermaid(SPEC, RUN[:4], "coder", brief=True)
    assert set(arrows(text)) == {
        ("START", "executor"), ("executor", "evaluator"), ("evaluator", "planner"), ("planner", "planner"), ("planner", "coder"),
        ("coder", "executor"),
    }  # fmt: skip
    assert "expert(" not in text and "LEGEND" not in text and "on a fault" not in text
    assert (
        "a new best" in text
        and "memory has more" not in text
        and 'expert("' in mermaid(SPEC, RUN, brief=True)
    )


def test_a_run_that_has_not_begun_has_taken_nothing():
    looks = {
        label.rpartition("|")[2]
        for found in arrows(mermaid(SPEC, [], "executor")).values()
        for label in found
    }
    assert len(looks) == 1 and "#afb8c1" in looks.pop()


def test_the_way_that_an_edit_changed_and_that_of_another_graph_are_drawn_as_they_were_gone():
    edits = [{"route": step("evaluator", "stuck")["route"]}]
    asked = Event(step("planner", "wants action=finish") | {"edits": edits})
    text = mermaid(SPEC, told(step("executor", "otherwise"), step("evaluator", "case_left"), asked))
    assert f"{number('evaluator', 'stuck')}. after 4" in only(
        text, "evaluator", "expert"
    ) and "#d55e00" in only(text, "evaluator", "expert")
    assert all("#afb8c1" in arrow for arrow in arrows(text)["evaluator", "planner"])
    foreign = Event(step("coder", "otherwise") | {"route": {"to": "evaluator", "rule": "of before"}})
    assert only(mermaid(SPEC, [foreign]), "coder", "evaluator").startswith(
        "under another graph ×1|stroke:#0072b2"
    )


def test_the_svg_is_whole_and_asks_for_nothing(socket_disabled):
    text = svg(mermaid(SPEC, RUN, "expert"))
    words = "".join(ET.fromstring(text).itertext()).replace("\u00a0", " ")
    assert all(name in words for name in SPEC.nodes)
    assert "×3 · $0.0120" in words and f"{number('evaluator', 'improved')}. a new best ×1" in words
    titles = [title.text for title in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}title")]
    assert "coder → executor: 4. otherwise → executor" in titles
    up = "planner → planner: 3. nothing_recalled ↑planner → planner; 4. missed times=3 ↑planner → planner"
    assert titles.count(up) == 2
    assert not EXTERNAL.search(text) and "<script" not in text
    assert set(re.findall(r"https?://[^\"'<]*", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/1999/xhtml",
    }


def test_two_pictures_on_one_page_have_their_own_ids_and_png_is_png():
    plain, other = mermaid(SPEC), mermaid(SPEC, RUN, "expert")
    ids = {ET.fromstring(svg(text)).get("id") for text in (plain, other)}
    assert len(ids) == 2 and png(plain).startswith(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(PictureError, match="Mermaid cannot draw this") as error:
        svg("flowchart TD\n a -->|x")
    assert "\n" not in str(error.value)


def test_names_and_arguments_do_not_become_markup():
    names = [HOSTILE, "end", 'a "b"', "%%{init}%%", "linkStyle"]
    rules = {
        a: [{"when": "stuck", "attempts": HOSTILE, "to": b}, {"to": END}]
        for a, b in zip(names, [*names[1:], names[0]], strict=True)
    }
    nodes = {name: {"run": "executor", "ladder": [HOSTILE]} for name in names}
    spec = GraphSpec.model_validate({"name": HOSTILE, "start": names[0], "nodes": nodes, "rules": rules})
    drawn = svg(mermaid(spec, [], "end"))
    words = "".join(ET.fromstring(drawn).itertext())
    assert "<script" not in drawn and all(name in words for name in names)


def test_a_notebook_is_given_text_mermaid_and_a_picture_that_is_not_made_to_fit():
    shown = SPEC._repr_mimebundle_(include=None, exclude=None)
    assert set(shown) == {"text/plain", "text/vnd.mermaid", "text/html"}
    drawn = ET.fromstring(shown["text/html"]).find("{http://www.w3.org/2000/svg}svg")
    assert abs(float(drawn.get("width")) - float(drawn.get("viewBox").split()[2])) < 1
    assert shown["text/plain"] == outline(SPEC) and shown["text/vnd.mermaid"] == mermaid(SPEC)


def test_without_the_library_there_is_still_text_and_one_line_says_what_to_install():
    code = f"{WITHOUT}print(*sorted(bundle(GraphSpec.load('recall'))))\ntry: svg('flowchart TD')\nexcept PictureError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    keys, error = done.stdout.splitlines()
    assert keys == "text/plain text/vnd.mermaid"
    assert error == "pictures need mermaidx: pip install 'budgetmlagent[draw]'"


CURVE = Curve(
    "mae", best=[(2, 8.0), (7, 6.0)], attempts=[(2, 8.0), (7, 6.0), (11, 9.0)], spent=[(1, 0.0), (11, 0.017)]
)
CARD = Card(
    run_id="r-1", task="tiny", graph=SPEC, events=RUN, current="expert", turn=2, turns=8, done=f"score 9 {HOSTILE}",
    why=steps.why(RUN[-1], SPEC), scripts=("a = 1\nb = 2\n", f"a = 1\nprint('{HOSTILE}\x1b[2J')\n"), curve=CURVE,
    direction="min", baseline=8.0, best=6.0, usd=0.017, budget_usd=0.25,
)  # fmt: skip


class Elements(HTMLParser):
    """Collects what a browser would make of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words += data


def test_the_card_tells_where_a_run_stands_and_nothing_of_the_inside():
    card = Elements(html(CARD))
    for words in (
        "graph budgetml · step 11 · turn 2/8 · next expert",
        "mae 8 → 6 (+25.0%; lower is better)",
        "$0.0170 of $0.25",
        "escalations: 2",
        f"step 3, planner: rule {number('planner', 'nothing_recalled')}: memory has nothing more: planner moves up → planner",
        "step 11, evaluator: score 9",
        f"because of: rule {number('evaluator', 'stuck')}: after 4 attempts without gain, unless 10% better, 5 times at most → expert",
        "the script: +1 −1 lines",
        "the whole graph",
        "▶ expert",
    ):
        assert words in card.words
    assert {"svg", "details", "pre"} <= set(card.tags) and "table" not in card.tags
    said = re.sub(r"graph-\w+", "", card.words)
    assert not re.search(r"\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{12,}\b", said) and '{"' not in said


def test_no_mathjax_takes_dollars_for_a_formula(tmp_path):
    session = replay(RECORDING, tmp_path)
    session.run(until="planner")
    shown = [
        html(CARD),
        *(
            x._repr_html_()
            for x in (
                session.timeline,
                session.why(),
                session.diff(),
                session.cost,
                session.history(),
                session.summary,
            )
        ),
    ]
    assert all(re.match(r'<div class="[^"]*\bmathjax_ignore tex2jax_ignore\b', text) for text in shown)


def test_the_card_escapes_what_is_hostile_and_fetches_nothing():
    hostile = replace(CARD, task=HOSTILE, run_id=HOSTILE, curve=replace(CURVE, metric=HOSTILE), why=HOSTILE)
    card = Elements(html(hostile))
    assert not {"script", "img", "link", "iframe"} & set(card.tags) and not EXTERNAL.search(html(hostile))
    assert card.words.count(HOSTILE) == 7


def test_the_terminal_sees_the_same_and_no_control_characters():
    console = Console(width=120, file=None, record=True, force_terminal=False)
    with console.capture() as shown:
        console.print(terminal(CARD))
    text = shown.get()
    assert "▶ expert" in text and "(+25.0%; lower is better)" in text and "$0.0170 of $0.25" in text
    assert "+print('<script>" in text and "\x1b" not in text


def test_a_session_is_viewed_as_it_stands(tmp_path):
    session = replay(RECORDING, tmp_path)
    assert card_of(session).current == "executor" and "no score yet" in card_of(session).score
    while session.next != "executor" or not session.timeline:
        session.step()
    view = card_of(session)
    assert [event.node for event in view.events] == ["executor", "evaluator", "planner", "coder"]
    assert view.turn == 1 and view.baseline == view.best and view.budget_usd == 0.25
    assert view.script_diff and view.done == "memory wrote the script"
    assert "plan.wrote" in repr(session.diff()) and "route.passed" not in repr(session.diff())
    before = sorted(path.name for path in session.folder.root.iterdir())
    assert call(["graph", "draw", "--run", str(session.folder.root), "--out", str(tmp_path / "run.mmd")]) == 0
    assert (tmp_path / "run.mmd").read_text() == mermaid(session.graph, session.timeline, "executor")
    assert sorted(path.name for path in session.folder.root.iterdir()) == before


def test_a_run_that_is_only_looked_at_shows_the_same_card(tmp_path):
    session = replay(RECORDING, tmp_path)
    session.run(until="evaluator")
    view = RunView.open(session.folder.root)
    assert card_of(view) == card_of(session) and repr(view) == repr(session)
    assert view._repr_mimebundle_() == session._repr_mimebundle_()


def test_the_command_draws_a_graph_and_a_run(tmp_path, capsys):
    assert call(["graph", "draw", "budgetml"]) == 0
    assert capsys.readouterr().out == mermaid(SPEC)
    for suffix, start in ((".svg", b"<svg "), (".png", b"\x89PNG"), (".mmd", b"flowchart TD")):
        assert call(["graph", "draw", "budgetml", "--out", str(tmp_path / f"g{suffix}")]) == 0
        assert (tmp_path / f"g{suffix}").read_bytes().startswith(start)
    assert call(["graph", "draw", "--run", "digits", "--runs-dir", str(RECORDING.parent)]) == 0
    recorded = events.read(RECORDING / "events.jsonl")
    assert f"×{sum(e.node == 'evaluator' for e in recorded)} · " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a GRAPH or --run RUN"),
        (["budgetml", "--out", "x.gif"], "x.gif: a file that ends in .svg, .png or .mmd"),
        (["nope"], "unknown graph 'nope'"),
        (["--run", "nope"], "unknown run 'nope'"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(arguments, words, capsys):
    assert call(["graph", "draw", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
