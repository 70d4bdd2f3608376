// What is asked before a run goes on until something, gets more, goes back or is forked.
import { useState, type FormEvent } from "react";
import { dollars, visible } from "../format";
import { Choice, Dialog, Field } from "../parts";
import type { RunReply } from "../protocol";
import { Spends, usePrice, type Asked } from "./Drive";

interface Props { run: RunReply; does(asked: Asked): void; close(): void }

const number = (text: string): number | undefined => (text.trim() === "" ? undefined : Number(text));

export function Until({ run, step, does, close }: Props & { step: number }) {
  const [what, setWhat] = useState<"node" | "step" | "rule">("node");
  const [node, setNode] = useState(run.graph.cards[0]?.name ?? "");
  const [until, setUntil] = useState(String(Math.max(step, run.at + 1)));
  const rules = run.graph.cards.flatMap((card) => card.rules.map((rule) => ({ text: rule.text, says: `${card.name} ${rule.number}: ${rule.words} → ${rule.to}` })));
  const [rule, setRule] = useState(rules[0]?.text ?? "");
  const asked: Asked = { action: "until", ...(what === "node" ? { until_node: node } : what === "step" ? { until_step: number(until) } : { until_rule: rule }) };
  return (
    <Dialog title="Run until…" close={close}>
      <div className="choices" role="radiogroup" aria-label="Until">
        {(["node", "step", "rule"] as const).map((each) => (
          <label key={each}><input type="radio" name="until" checked={what === each} onChange={() => setWhat(each)} />{{ node: "a node has run", step: "a step is reached", rule: "a rule has fired" }[each]}</label>
        ))}
      </div>
      {what === "node" && <Field label="Node">{(id) => <Choice id={id} value={node} of={run.graph.cards.map(({ name }) => name)} change={setNode} />}</Field>}
      {what === "step" && <Field label="Step">{(id) => <input id={id} inputMode="numeric" value={until} onChange={(event) => setUntil(event.target.value)} />}</Field>}
      {what === "rule" && <Field label="Rule">{(id) => <select id={id} value={rule} onChange={(event) => setRule(event.target.value)}>{rules.map(({ text, says }, place) => <option key={place} value={text}>{visible(says)}</option>)}</select>}</Field>}
      <footer><button type="button" onClick={close}>Cancel</button><Spends name="Run" run={run} asked={asked} does={does} primary /></footer>
    </Dialog>
  );
}

export function Extend({ run, does, close }: Props) {
  const [budget, setBudget] = useState("");
  const [turns, setTurns] = useState("");
  const [minutes, setMinutes] = useState("");
  const asked: Asked = { action: "extend", ...defined({ budget: number(budget), turns: number(turns), minutes: number(minutes) }) };
  return (
    <Dialog title="More money, turns or time" close={close}>
      <p className="dim">The totals that the run then has. Nothing is spent by this; what a step may cost is said on its button.</p>
      <Field label="Budget in dollars" says={`now ${dollars(run.money.budget)}`}>{(id) => <input id={id} inputMode="decimal" value={budget} onChange={(event) => setBudget(event.target.value)} />}</Field>
      <Field label="Turns" says={`now ${run.row.turns}`}>{(id) => <input id={id} inputMode="numeric" value={turns} onChange={(event) => setTurns(event.target.value)} />}</Field>
      <Field label="Minutes">{(id) => <input id={id} inputMode="decimal" value={minutes} onChange={(event) => setMinutes(event.target.value)} />}</Field>
      <footer><button type="button" onClick={close}>Cancel</button><button type="button" className="primary" onClick={() => does(asked)}>Give more</button></footer>
    </Dialog>
  );
}

export function Back({ run, step: begin, does, close }: Props & { step: number }) {
  const [step, setStep] = useState(String(begin));
  const row = run.steps.find((each) => each.step === Number(step));
  return (
    <Dialog title="Go back" close={close}>
      <p className="dim">The steps after it are left on a branch of their own. What they cost stays paid.</p>
      <Field label="To after step" says={row ? `${row.node}: ${row.did}` : "0 is before the first"}>{(id) => <input id={id} inputMode="numeric" value={step} onChange={(event) => setStep(event.target.value)} />}</Field>
      <footer><button type="button" onClick={close}>Cancel</button><button type="button" className="primary" onClick={() => does({ action: "back", step: number(step) })}>Go back</button></footer>
    </Dialog>
  );
}

export function Fork({ run, step: begin, does, close }: Props & { step: number }) {
  const [step, setStep] = useState(String(begin));
  const [replies, setReplies] = useState<"recorded" | "live">("recorded");
  const [on, setOn] = useState(false);
  const [fields, setFields] = useState<Record<string, string>>({});
  const [wrong, setWrong] = useState("");
  const values = parsed(fields);
  const asked: Asked = { action: "fork", step: number(step), replies, go: on, fields: values.fields };
  const { reply } = usePrice(run, values.wrong ? null : asked);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWrong(values.wrong);
    if (!values.wrong) does(asked);
  };
  return (
    <Dialog title="Fork" close={close}>
      <form onSubmit={submit}>
        <p className="dim">Another run that goes on from here. This one stays as it is.</p>
        <Field label="After step">{(id) => <input id={id} inputMode="numeric" value={step} onChange={(event) => setStep(event.target.value)} />}</Field>
        <div className="choices" role="radiogroup" aria-label="Replies">
          <label><input type="radio" name="replies" checked={replies === "recorded"} onChange={() => setReplies("recorded")} />recorded replies where the same is asked again</label>
          <label><input type="radio" name="replies" checked={replies === "live"} onChange={() => setReplies("live")} />ask the models anew</label>
        </div>
        <h3>Fields to change before it goes on</h3>
        <Fields state={run.state} fields={fields} change={setFields} />
        {wrong && <p className="finding" role="alert">{visible(wrong)}</p>}
        <footer>
          <label className="check"><input type="checkbox" checked={on} onChange={(event) => setOn(event.target.checked)} />run on at once</label>
          <span className="grow" />
          <button type="button" onClick={close}>Cancel</button>
          <button type="submit" className="spends primary">Fork<small>{reply ? (on && reply.usd > 0 ? `at most ${dollars(reply.usd)}` : "costs nothing yet") : " "}</small></button>
        </footer>
      </form>
    </Dialog>
  );
}

/** The fields of a state as they stand; one that is opened can be changed, as JSON. */
function Fields({ state, fields, change }: { state: Record<string, unknown>; fields: Record<string, string>; change(fields: Record<string, string>): void }) {
  const left = Object.keys(state).filter((name) => !(name in fields));
  return (
    <>
      {Object.entries(fields).map(([name, text]) => (
        <Field key={name} label={name}>{(id) => (
          <span className="with">
            <textarea id={id} rows={Math.min(8, text.split("\n").length + 1)} value={text} onChange={(event) => change({ ...fields, [name]: event.target.value })} />
            <button type="button" className="quiet" aria-label={`Leave ${name} as it is`} onClick={() => change(Object.fromEntries(Object.entries(fields).filter(([each]) => each !== name)))}>✕</button>
          </span>
        )}</Field>
      ))}
      {left.length > 0 && <Field label="Change a field">{(id) => <Choice id={id} value="" none="Choose…" of={left} change={(name) => change({ ...fields, [name]: shown(state[name]) })} />}</Field>}
    </>
  );
}

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, null, 1));

/** The fields as they were typed. A text stays one unless it is JSON of something else; Python judges what fits. */
function parsed(fields: Record<string, string>): { fields: Record<string, unknown>; wrong: string } {
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(fields)) {
    try {
      values[name] = JSON.parse(text);
    } catch {
      if (/^\s*[[{]/.test(text)) return { fields: {}, wrong: `${name}: this is no JSON; mend it, or leave the field as it is` };
      values[name] = text;
    }
  }
  return { fields: values, wrong: "" };
}

const defined = (values: Record<string, unknown>) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
