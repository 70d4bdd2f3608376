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
from budgetmlagent.run.curve import Curve, figure
from budgetmlagent.run.view import RunView
from graphs.drawing.mermaid import mermaid, outline
from graphs.drawing.overlay import LINE, TEXT
from graphs.drawing.picture import PictureError, png, svg
from graphs.model import Rule
from graphs.policy import END
from graphs.spec import GraphSpec, shipped
from graphs.words import condition

RECORDING = Path(__file__).parent / "recordings" / "digits"
EXTERNAL = re.compile(r"""(?:href|src)\s*=\s*["']?(?!["']?#)|@import|url\((?!["']?#)""", re.IGNORECASE)
WHITE = "#ffffff"
HOSTILE = "<script>alert(1)</script>"
SPEC = GraphSpec.load("budgetml")
SMALL = GraphSpec.load("recall")  # laid out in half the time, where any graph will do
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
        links = len(re.findall(r" (?:-->|--x|-\.->)(?= |\|)", line))
        if not links or line.strip().startswith("%%"):
            continue
        ends = re.split(r"\W", line.split()[0])[0], re.split(r"[\[(]", line.split()[-1])[0]
        label = re.search(r'"(.*)"', line)
        if not ends[0].startswith("key"):
            found[ends].append(plain(f"{label[1] if label else ''}|{styles[link]}"))
        link += links
    return dict(found)


def plain(label: str) -> str:
    return label.replace("\u00a0", " ").replace("</b><br/><b>", " ").replace("<br/>", " ")


def box(text: str, node: str) -> str:
    """What stands in the box of a node."""
    return plain(re.search(rf'^ *{node}\("(.*)"\)', text, re.MULTILINE)[1])


def only(text: str, *ends: str) -> str:
    (arrow,) = arrows(text)[ends]
    return arrow


@pytest.mark.parametrize("name", shipped())
def test_every_rule_stands_on_its_arrow_in_words_and_in_the_outline(name):
    spec = GraphSpec.load(name)
    text, picture = outline(spec), mermaid(spec, detail=True)
    drawn = arrows(picture)
    assert all(text.count(f"  {number}. {rule}\n") == 1 for number, rule in enumerate(spec.faults, 1))
    for node, rules in spec.rules.items():
        for number, rule in enumerate(rules, 1):
            assert f"{number}. {rule}" in text
            ends = node, "FINISH" if rule.to == END else rule.to
            told = box(picture, node) if rule.to == node else " ".join(drawn[ends])
            words = condition(rule).replace(", dearer help at most 5 times in all", "")
            assert len(rules) == 1 or f"{number}. {words}" in told
            assert not rule.up or f"<b>↑ {rule.up} moves up</b>" in told


@pytest.mark.parametrize("name", shipped())
def test_no_number_of_a_rule_is_missing_from_a_picture(name):
    spec = GraphSpec.load(name)
    picture = mermaid(spec)
    drawn = arrows(picture)
    for node, rules in spec.rules.items():
        told = box(picture, node) + " ".join(" ".join(drawn[ends]) for ends in drawn if ends[0] == node)
        numbers = {int(number) for number in re.findall(r"(\d+)\. ", told)}
        assert len(rules) == 1 or numbers == set(range(1, len(rules) + 1))


def test_the_usual_way_the_expert_moving_up_and_the_end_each_have_a_look_of_their_own():
    text = mermaid(SPEC)
    for way in [("executor", "evaluator"), ("planner", "coder"), ("coder", "executor")]:
        assert "#1f2328,stroke-width:4px" in arrows(text)[way][-1]
    memory, coder, usual = arrows(text)["evaluator", "planner"]
    new, left = (number("evaluator", rule) for rule in ("improved", "case_left"))
    assert f" {new}. a new best {left}. memory has another case " in usual
    assert "stroke-width:4px" in usual and "<b>↑ planner moves up</b>|stroke:#882255" in memory
    up = number("evaluator", "stuck attempts=6")
    assert coder.startswith(
        f"{up}. after 6 attempts without gain, unless 10% better than the starter <b>↑ coder moves up</b>|stroke:#882255"
    )
    stuck = number("evaluator", "stuck attempts=4")
    assert f"{stuck}. after 4 attempts without gain" in only(text, "evaluator", "expert")
    assert "stroke:#d55e00" in only(text, "planner", "expert")
    assert f"{number('evaluator', 'out_of_turns')}. all turns are used" in only(text, "evaluator", "FINISH")
    assert "at most 5 questions in all" in box(text, "expert") and "dearer help at most" not in text
    looks = [
        only(text, *ends).partition("|")[2]
        for ends in (("evaluator", "FINISH"), ("planner", "expert"), ("coder", "executor"))
    ]
    assert (
        len({*looks, memory.partition("|")[2], arrows(text)["executor", "planner"][0].partition("|")[2]}) == 5
    )


def test_the_picture_stands_on_white_whatever_page_it_lies_on_and_the_key_says_what_is_there():
    text = mermaid(GraphSpec.load("recall"))
    assert re.search(r"#graph-\w+\{background:#ffffff!important;\}", svg(text))
    plain = GraphSpec.load("recall").remove_rule("planner", 2)
    assert "“again”" not in mermaid(plain) and "“again”" in text


def test_the_key_is_drawn_with_the_strokes_of_the_arrows_and_says_what_boxes_are():
    text = mermaid(SPEC)
    key = re.findall(r' key-box (\S+)\|"(.*?)"\| key-code', text)
    assert key == [
        ("-->", "the usual way"), ("-->", "asks the expert"), ("-->", "a role moves up ↑"), ("-->", "another way"), ("--x", "ends the run"),
    ]  # fmt: skip
    styles = [line.split() for line in text.splitlines() if "linkStyle" in line]
    links = len(
        re.findall(
            r"^ .*? (?:-->|--x|-\.->)(?= |\|)", re.sub(r"^ *%%.*", "", text, flags=re.MULTILINE), re.MULTILINE
        )
    )
    last = [
        next(style for _, numbers, style, *_ in styles if str(n) in numbers.split(","))
        for n in range(links - 5, links)
    ]
    for words, style in zip([("coder", "executor"), ("planner", "expert")], last, strict=False):
        assert only(text, *words).endswith(style)
    assert (
        "blue: asks a model" in text
        and "grey: plain code" in text
        and "the first that holds is taken" in text
    )
    assert "“recall”: from memory" in text and "“recall”" not in mermaid(GraphSpec.load("paper"))
    assert "dearer" in text and "“↑”" not in mermaid(GraphSpec.load("single_agent"))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, `#rrggbb`, as WCAG defines it: 1 to 21."""
    lights = []
    for colour in (one, other):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] + 0.05)
    return max(lights) / min(lights)


def test_text_contrasts_with_white_and_lines_do_too():
    assert min(contrast(colour, WHITE) for colour in TEXT.values()) >= 4.5
    assert min(contrast(colour, WHITE) for colour in LINE.values()) >= 3


def test_the_bar_of_the_budget_is_told_from_a_light_page_and_a_dark_one_and_so_is_its_frame():
    bar, fill = (re.search(rf"\.bar{part}\{{([^}}]*)\}}", html(CARD))[1] for part in ("", " i"))
    colour = re.search(r"background:(#\w+)", fill)[1]
    assert "border:1px solid currentColor" in bar and "background" not in bar  # what is unfilled is the page
    assert all(contrast(colour, page) >= 3 for page in (WHITE, "#111111"))


def test_how_often_help_may_be_asked_is_told_at_the_box_only_where_all_rules_that_lead_there_share_it():
    free = SPEC.model_copy(
        update={"rules": SPEC.rules | {"executor": [*SPEC.rules["executor"][:1], Rule(to="expert")]}}
    )
    assert "questions in all" not in mermaid(free) and "dearer help at most 5 times in all" in plain(
        mermaid(free)
    )
    assert "questions in all" not in mermaid(GraphSpec.load("paper"))


@pytest.mark.parametrize("name", shipped())
def test_shared_faults_are_told_once_where_they_come_and_each_is_an_arrow_with_detail(name):
    spec = GraphSpec.load(name)
    told = plain(re.search(r'key-order\["(.*)"\]', mermaid(spec))[1])
    for index, rule in enumerate(spec.faults, 1):
        where = {END: " → end", "again": ": again"}.get(rule.to, f" → {rule.to}")
        assert f"{index}. {condition(rule)}{where}" in told
    for node in spec.ladders if spec.faults else ():
        first = next(i for i, (keys, _) in enumerate(spec.fork(node), 1) if keys[0] == "faults")
        assert f"{first} of {node}" in told
    detail = mermaid(spec, detail=True)
    assert "On a fault" not in detail and all("fault 1." in detail for _ in spec.faults[:1])


def test_a_fault_that_was_met_is_an_arrow_of_its_own():
    met = {"to": "coder", "rule": "missed → coder", "saw": {}, "passed": []}
    denied = {"to": END, "rule": "faulted kind=denied → END", "saw": {}, "passed": []}
    run = told(*(step("coder", "otherwise", route=route) for route in (met, met, denied)))
    text = mermaid(SPEC, run, brief=True)
    assert box(text, "coder").endswith("<b>fault 8. no usable reply: again ×2</b>")
    assert only(text, "coder", "FINISH").startswith(
        "<b>fault 2. a wrong key, address or name ×1</b>|stroke:#0072b2"
    )
    assert ("coder", "planner") not in arrows(text) and "|stroke:#8c959f" in only(text, "coder", "executor")
    assert "  the faults below\n    2. faulted kind=denied → END ×1\n    8. missed → coder ×2\n" in outline(
        SPEC, run
    )
    ET.fromstring(svg(text))


def test_a_run_is_counted_and_priced_on_the_drawing():
    text = mermaid(SPEC, RUN, "expert")
    assert (
        '"<b>planner</b><br/><small>recall ×1 ↑ small ×2 ↑ large</small><br/>×3 · $0.0120<br/>'
        in text.replace("#36;", "$")
    )
    assert '"<b>coder</b><br/><small>small ×1 ↑ large</small><br/>×2 · $0.0050<br/>' in text.replace(
        "#36;", "$"
    )
    assert '"<b>executor</b><br/>×3 · $0"' in text.replace("#36;", "$")
    assert (
        '"<b>▶ expert</b><br/><small>large</small><br/><small>at most 5 questions in all</small><br/>' in text
    )
    assert only(text, "executor", "evaluator").startswith("<b>2. otherwise ×3</b>|")
    assert f"<b>{number('planner', 'otherwise')}. otherwise ×2</b>" in arrows(text)["planner", "coder"][-1]
    _, dearer, usual = arrows(text)["evaluator", "planner"]
    new, left, idea = (number("evaluator", rule) for rule in ("improved", "case_left", "idea_left"))
    assert (
        f"<b>{new}. a new best ×1 {left}. memory has another case ×1</b> {idea}. advice is left to try"
        in usual
    )
    assert f"{number('evaluator', 'stuck attempts=6')}. after" in dearer and "#8c959f" in dearer
    assert "planner  [recall ↑ small ↑ large]  ×3 · $0.0120" in outline(SPEC, RUN)
    assert "▶ expert" in outline(SPEC, RUN, "expert")


def test_edges_taken_never_taken_and_escalated_look_different():
    text = mermaid(SPEC, RUN)
    never, usual = only(text, "evaluator", "FINISH"), arrows(text)["evaluator", "planner"][-1]
    assert "stroke-width:1px" in never and "#8c959f" in never
    assert "#0072b2" in usual and "stroke-width:1px" not in usual
    nothing = number("planner", "nothing_recalled")
    assert f"<b>{nothing}. memory has nothing more: again ×1 ↑ planner moves up</b>" in box(text, "planner")
    assert "#d55e00" in only(text, "evaluator", "expert")
    assert only(text, "START", "executor").startswith("|stroke:#0072b2")
    assert arrows(text).keys() == arrows(mermaid(SPEC)).keys()


def test_in_brief_only_what_a_run_met_and_the_usual_way_is_drawn():
    text = mermaid(SPEC, RUN[:4], "coder", brief=True)
    assert set(arrows(text)) == {
        ("START", "executor"), ("executor", "evaluator"), ("evaluator", "planner"), ("planner", "coder"),
        ("coder", "executor"),
    }  # fmt: skip
    assert "expert(" not in text and "LEGEND" not in text and "On a fault" not in text
    assert (
        "a new best" in text and "another case" not in text and 'expert("' in mermaid(SPEC, RUN, brief=True)
    )


def test_a_run_that_has_not_begun_has_taken_nothing():
    looks = {
        label.rpartition("|")[2]
        for found in arrows(mermaid(SPEC, [], "executor")).values()
        for label in found
    }
    assert len(looks) == 1 and "#8c959f" in looks.pop()


def test_the_way_that_an_edit_changed_and_that_of_another_graph_are_drawn_as_they_were_gone():
    edits = [{"route": step("evaluator", "stuck")["route"]}]
    asked = Event(step("planner", "wants action=finish") | {"edits": edits})
    text = mermaid(SPEC, told(step("executor", "otherwise"), step("evaluator", "case_left"), asked))
    assert f"{number('evaluator', 'stuck')}. after 4" in only(
        text, "evaluator", "expert"
    ) and "#d55e00" in only(text, "evaluator", "expert")
    assert all("#8c959f" in arrow for arrow in arrows(text)["evaluator", "planner"])
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
    up = number("evaluator", "stuck attempts=6")
    assert f"evaluator → planner: {up}. stuck attempts=6 since=up goal=10 ↑coder → planner" in titles
    assert not EXTERNAL.search(text) and "<script" not in text
    assert set(re.findall(r"https?://[^\"'<]*", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/1999/xhtml",
    }


def test_two_pictures_on_one_page_have_their_own_ids_and_png_is_png():
    plain, other = mermaid(SMALL), mermaid(SMALL, [], "executor")
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


def test_a_notebook_is_given_text_mermaid_and_a_picture_that_fits_the_page_or_has_its_own_size():
    shown = SMALL._repr_mimebundle_(include=None, exclude=None)
    assert set(shown) == {"text/plain", "text/vnd.mermaid", "text/html"}
    frame = ET.fromstring(shown["text/html"])
    drawn = frame.find("div/{http://www.w3.org/2000/svg}svg")
    wide = int(float(drawn.get("viewBox").split()[2]))
    assert drawn.get("width") == "100%" and frame.find("label/input").get("type") == "checkbox"
    assert (
        f"of-{wide}" in frame.get("class")
        and f":has(:checked) svg{{width:{wide}px}}" in frame.find("style").text
    )
    assert shown["text/plain"] == outline(SMALL) and shown["text/vnd.mermaid"] == mermaid(SMALL)


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


def test_a_plot_of_a_run_that_cost_nothing_says_so_in_the_place_of_an_empty_axis():
    free = replace(CURVE, spent=[(1, 0.0), (11, 0.0)])
    below, paid = (figure(curve).axes[1] for curve in (free, CURVE))
    assert [text.get_text() for text in below.texts] == ["$0: nothing was asked that costs money"]
    assert not list(below.get_yticks()) and not paid.texts and len(paid.get_yticks())


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
        f"because of: rule {number('evaluator', 'stuck')}: after 4 attempts without gain, unless 10% better than the starter, dearer help at most 5 times in all → expert",
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
        assert call(["graph", "draw", SMALL.name, "--out", str(tmp_path / f"g{suffix}")]) == 0
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
