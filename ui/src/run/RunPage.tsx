// One run: what came of it, its graph, its steps, its money; and the buttons that go on with it.
import { useCallback, useEffect, useMemo, useState } from "react";
import { Graph } from "../graph/Graph";
import { visible } from "../format";
import { Link, usePlace } from "../route";
import type { CardView, RuleRow, RunReply } from "../protocol";
import { useRun } from "../useRun";
import { Branches } from "./Branches";
import { Drive } from "./Drive";
import { MoneyPane } from "./Money";
import { Overview } from "./Overview";
import { StepPane } from "./Step";
import { Timeline } from "./Timeline";
import { useStudio } from "../store";

export function RunPage({ run, step }: { run: string; step: number | null }) {
  const { reply, error, again } = useRun(run);
  if (!reply) return error ? <p className="banner bad">{visible(error)} <button type="button" onClick={again}>Again</button></p> : <p className="empty">Reading {visible(run)}…</p>;
  return (
    <>
      {error && <p className="banner bad">{visible(error)}</p>}
      <Run run={reply} step={step} />
    </>
  );
}

type Tab = "steps" | "money";

function Run({ run, step }: { run: RunReply; step: number | null }) {
  const { host, code, show } = useStudio();
  const { slide } = usePlace();
  const id = run.row.run_id;
  useEffect(() => { if (!code) show(run.code); }, [code, show, run.code]);
  const [tab, setTab] = useState<Tab>("steps");
  const [brief, setBrief] = useState(true);
  const [only, setOnly] = useState<{ says: string; steps: ReadonlySet<number> } | null>(null);
  const shown = step ?? run.at;
  const row = run.steps.find((each) => each.step === shown);
  const fired = useMemo(() => row && { node: row.node, rule: row.rule }, [row?.node, row?.rule]);
  const active = useMemo(() => ({ node: run.live.stands === "underway" ? run.live.node : run.next, runs: run.live.stands === "underway" }), [run.live.stands, run.live.node, run.next]);

  // In brief the graph is what the run has met.
  const [view, unmet] = useMemo(() => {
    const met = (card: CardView) => !brief || card.runs > 0 || card.start || card.name === active.node;
    const { cards } = run.graph;
    return [{ ...run.graph, cards: cards.filter(met) }, cards.filter((card) => !met(card)).map(({ name }) => name)];
  }, [run.graph, brief, active.node]);

  const choose = useCallback((step: number) => slide("run", id, step), [id, slide]);
  const narrow = useCallback((says: string, steps: number[]) => {
    setOnly({ says, steps: new Set(steps) });
    setTab("steps");
    const last = steps.at(-1);
    if (last !== undefined) choose(last);
  }, [choose]);
  const { steps } = run;
  const chooseRow = useCallback((rule: RuleRow | null, card: CardView) => {
    const met = steps.filter(({ node, rule: text }) => (!card.name || node === card.name) && (!rule || text === rule.text));
    narrow(rule ? `${card.name || "faults"}: ${rule.words}` : card.name, met.map(({ step }) => step));
  }, [steps, narrow]);

  return (
    <div className="run">
      <Overview run={run} />
      {host.steers && <Drive run={run} step={shown} />}
      <section className="panel" aria-label="Graph">
        <header>
          <h2>Graph</h2>
          <span className="dim small">{brief ? "the rules that fired" : "all rules, in the order in which they are tried"}; a row leads to its steps{unmet.length > 0 && `; not met: ${visible(unmet.join(", "))}`}</span>
          <span className="grow" />
          <label className="check"><input type="checkbox" checked={!brief} onChange={(event) => setBrief(!event.target.checked)} />All rules</label>
          {host.steers && <Link to={["graph", `run:${id}`, id]} className="button">What if it were stricter…</Link>}
        </header>
        <div className={brief ? "canvas" : "canvas tall"}>
          <Graph key={String(brief)} view={view} brief={brief} active={active} fired={fired} choose={chooseRow} />
        </div>
      </section>
      <div className="tabs" role="tablist">
        <button type="button" role="tab" aria-selected={tab === "steps"} onClick={() => setTab("steps")}>Steps <small>{run.steps.length}</small></button>
        <button type="button" role="tab" aria-selected={tab === "money"} onClick={() => setTab("money")}>Money</button>
        <span className="grow" />
        <Branches run={run} />
      </div>
      {tab === "steps" ? (
        <div className="split">
          <Timeline run={run} chosen={shown} choose={choose} only={only} clear={() => setOnly(null)} />
          {row ? <StepPane run={id} step={shown} of={row} choose={choose} /> : <p className="empty">{steps.length ? `There is no step ${shown} on this way: choose one from the list.` : "No step yet."}</p>}
        </div>
      ) : <MoneyPane run={run} narrow={narrow} choose={(step) => { setTab("steps"); choose(step); }} />}
    </div>
  );
}
