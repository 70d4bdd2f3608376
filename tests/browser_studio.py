"""The studio in a real browser: runs are looked at and steered, and their money is cut into parts. `make browser` runs it."""

import re
import threading

import tiny
from fault_server import FaultServer
from playwright.sync_api import expect
from studio_page import row

pytest_plugins = ["studio_world"]


def test_runs_are_found_and_one_is_looked_at_step_by_step(world, looked):
    told, _ = world
    look = looked()
    look.page.get_by_label("Search runs").fill(f"{told['replayed']} finished")
    expect(look.page.locator("tbody tr")).to_have_count(1)
    look.page.get_by_role("link", name="digits", exact=True).click()
    look.shows("0.97651", "+21.8%", "$0.2500", "all turns are used", "replayed")
    look.page.get_by_label("Search steps").fill("nothing recalled")
    look.page.locator(".timeline li button").first.click()
    step = look.page.get_by_role("article")
    expect(step).to_contain_text("memory has nothing more: planner moves up")
    expect(step.locator(".fired")).to_contain_text('fault = "nothing_recalled"')
    step.get_by_text("passed over").click()
    expect(step.locator(".tried .folded")).to_contain_text("no turn is left")
    expect(look.page.locator(".row.fired")).to_have_count(1)
    look.page.get_by_label("Search steps").fill("")
    look.page.locator("[data-card=coder] .row button").first.click()
    look.shows("of 35 steps")
    look.button("All steps").click()
    look.page.reload()
    expect(look.page.get_by_role("article")).to_contain_text("coder")  # a reload loses nothing
    look.page.locator(".timeline li button").first.click()
    look.page.locator(".timeline li button").first.press("ArrowDown")
    expect(look.page.get_by_role("heading", name="Step 2")).to_be_visible()
    assert told["replayed"] in look.page.url


def test_a_replay_is_begun_stepped_forked_and_gone_back_in_and_two_tabs_agree(world, looked):
    told, _ = world
    look, other = looked("start"), looked()
    models = look.page.get_by_label("Models")
    models.select_option(models.locator("option", has_text=told["replayed"]).get_attribute("value"))
    look.page.get_by_label("Turns").fill("1")
    look.page.get_by_label("only make it ready").check()
    look.shows("a replay: no dollar is spent")
    look.button("Make it ready").click()
    look.shows("not begun")
    begun = look.page.url
    run = begun.partition("/run/")[2]
    other.shows(run)
    other.go("run", run)
    look.button("Step").click()
    for tab in (look, other):
        expect(tab.page.locator(".timeline li")).to_have_count(1)
    look.shows("run.step()")  # the same, to copy
    look.button("Run until").click()
    look.page.get_by_label("Node", exact=True).select_option("coder")
    look.page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(look.page.locator(".timeline li")).to_have_count(4)
    look.button("Run to the end").click()
    for tab in (look, other):
        tab.shows("all turns are used")
    look.button("Back…").click()
    look.page.get_by_label("To after step").fill("3")
    look.button("Go back").click()
    expect(look.page.locator(".timeline li")).to_have_count(3)
    look.button("More…").click()
    look.page.get_by_role("dialog").get_by_label("Turns").fill("4")
    look.button("Give more").click()
    look.shows("of 4")
    look.button("Fork…").click()
    dialog = look.page.get_by_role("dialog")
    dialog.get_by_label("Change a field").select_option("plan")
    plan = dialog.get_by_label("plan", exact=True)
    plan.fill(re.sub(r'"instruction": "[^"]*"', '"instruction": "what I think"', plan.input_value()))
    dialog.get_by_role("button", name="Fork").click()
    look.page.wait_for_url(lambda url: url != begun)
    look.shows("fork of")
    look.button("Step").click()
    expect(look.page.locator(".timeline .hand")).to_contain_text("plan")


def test_two_calls_wait_for_a_word_and_one_is_declined(world, looked):
    _, server = world
    look = looked("start")
    look.page.get_by_label("Task", exact=True).select_option("tiny")
    look.page.get_by_label("Models").select_option("models.yaml")
    look.page.get_by_label("Ask me before calls").select_option("all")
    look.page.get_by_text("More", exact=True).click()
    look.page.get_by_label("History").select_option("off")
    look.page.get_by_label("Budget in dollars").fill("1,5")
    look.shows("should be a valid number")
    look.page.get_by_label("Budget in dollars").fill("0.5")
    expect(look.button("Begin")).to_contain_text("at most $0.5000")
    asked = len(server.requests)
    look.button("Begin").click()
    look.shows("May planner ask small?", "If you decline")
    assert len(server.requests) == asked, "it was asked before a word"
    look.page.get_by_label("then run on").check()
    look.button("Approve").dblclick()
    look.shows("May coder ask small?")
    expect(look.page.locator(".timeline li")).to_have_count(4)
    assert len(server.requests) == asked + 1, "two clicks asked twice"
    look.page.get_by_label("then run on").check()
    look.button("Approve").click()
    look.shows("May planner ask small?")
    look.button("Decline").click()
    look.shows("was declined")


def test_a_call_in_flight_is_seen_and_stopped_and_stays_reserved(world, looked):
    told, _ = world
    held = threading.Event()
    with FaultServer(respond=lambda body: held.wait(60) and tiny.team(body)) as server:
        run = tiny.session(told["folder"], server.url, budget=0.5, turns=1)
        look = looked("run", run.run_id)
        look.button("Run to the end").click()
        look.shows("asks small for")
        expect(look.page.locator(".card.runs")).to_contain_text("planner")
        look.button("Pause").click()
        expect(look.button("Pause")).to_be_disabled()
        look.button("Stop").click()
        look.shows("stopped", "of it reserved")
        held.set()
    tiny.models(told["folder"], world[1].url)  # what was written over


def test_the_budget_is_cut_into_parts_that_lead_to_their_steps(world, looked):
    told, _ = world
    look = looked("run", told["paid"])
    look.page.get_by_role("tab", name="Money").click()
    for cut in ("Node", "Model", "Rule"):
        look.button(cut, exact=True).click()
        expect(look.page.locator(".cuts button")).not_to_have_count(0)
    look.button("Node", exact=True).click()
    look.page.locator(".parts").get_by_role("button", name="coder").click()
    expect(look.page.locator(".timeline li .node").first).to_contain_text("coder")
    expect(look.page.locator(".timeline li .usd").first).to_contain_text(re.compile(r"^\$0\.\d{4}$"))


def test_two_runs_stand_side_by_side(world, looked):
    told, _ = world
    look = looked("compare", told["replayed"], told["replayed"])
    look.shows("They are the same, as far as both went", "Score against dollars")


def test_a_run_pauses_goes_until_a_rule_and_forks_with_live_replies(world, looked):
    told, server = world
    run = tiny.session(told["folder"], server.url, budget=0.5, turns=2)
    look = looked("run", run.run_id)
    look.button("Run until").click()
    dialog = look.page.get_by_role("dialog")
    dialog.get_by_label("a rule has fired").check()
    dialog.get_by_label("Rule", exact=True).select_option(label="executor 2: otherwise → evaluator")
    dialog.get_by_role("button", name="Run").click()
    expect(look.page.locator(".timeline li")).to_have_count(1)
    held = threading.Event()
    before, server.respond = server.respond, lambda body: held.wait(60) and tiny.team(body)
    look.button("Run to the end").click()
    look.shows("asks small for")
    look.button("Pause").click()
    look.shows("pauses after this step")
    held.set()
    expect(look.button("Step")).to_be_visible()
    server.respond = before
    expect(look.page.locator(".timeline li .usd").last).to_have_text("$0.0001")
    asked, begun = len(server.requests), look.page.url
    look.button("Fork…").click()
    dialog.get_by_label("After step").fill("3")
    dialog.get_by_label("ask the models anew").check()
    dialog.get_by_label("run on at once").check()
    expect(dialog.get_by_role("button", name="Fork")).to_contain_text("at most $0.")
    dialog.get_by_role("button", name="Fork").click()
    look.page.wait_for_url(lambda url: url != begun)
    look.shows("all turns are used")
    assert len(server.requests) - asked == 4, "a planner's and a coder's call in each of two turns"


def test_a_run_goes_on_under_stricter_rules(world, looked):
    told, server = world
    run = tiny.session(told["folder"], server.url, budget=0.5, turns=3)
    run.run(until=7)
    look = looked("run", run.run_id)
    look.page.get_by_role("link", name="What if it were stricter").click()
    gated = look.page.locator(".gated").get_by_label(run.run_id)
    expect(gated).to_be_checked()
    expect(look.button("Go on under this graph")).to_be_disabled()
    row(look.page, "rules/evaluator/3").click()
    look.page.get_by_label("When").select_option("reached")
    look.page.get_by_label("percent").fill("1")
    look.page.get_by_label("percent").press("Enter")
    look.shows("of 7 decisions would be others")
    look.button("Go on under this graph").click()
    look.page.wait_for_url(lambda url: "/run/" in url)
    look.shows("Changed by hand since step 7", "It ended", "the graph as it is now ends it here")
