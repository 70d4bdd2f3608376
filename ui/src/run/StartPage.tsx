// A new run from a form. Before anything begins, Python says what it may cost at most.
import { useEffect, useState, type FormEvent } from "react";
import { dollars, visible } from "../format";
import { Choice, Field } from "../parts";
import type { Catalogue, Named } from "../protocol";
import { usePlace } from "../route";
import { once, useAsk, useReply } from "../store";

type Form = Record<"task" | "graph" | "models" | "budget" | "turns" | "seed" | "minutes" | "history" | "approve" | "aim", string>;

export function StartPage() {
  const { reply, error } = useReply("catalogue", {});
  if (error) return <p className="banner bad">{visible(error)}</p>;
  return reply ? <Start of={reply} /> : <p className="empty">Reading…</p>;
}

const valueOf = ({ name, path, shipped }: Named): string => (shipped ? name : path || name);

function Start({ of }: { of: Catalogue }) {
  const given = (name: string) => (of.defaults[name] == null ? "" : String(of.defaults[name]));
  const [form, setForm] = useState<Form>({
    task: of.tasks[0] ? valueOf(of.tasks[0]) : "", graph: given("graph"), models: given("models"), budget: given("budget"),
    turns: given("turns"), seed: "", minutes: "", history: "", approve: "", aim: "",
  });
  const [go, setGo] = useState(true);
  const [trust, setTrust] = useState(false);
  const [busy, setBusy] = useState(false);
  const ask = useAsk();
  const place = usePlace();
  const asked = { ...filled(form), trust, go };
  const settled = useSettled(JSON.stringify(asked));
  const { reply, old: price, error } = useReply("price", { start: JSON.parse(settled) });
  const known = reply && settled === JSON.stringify(asked);
  const set = (name: keyof Form) => (value: string) => setForm((old) => ({ ...old, [name]: value }));
  const begin = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const reply = await ask("start", { ...asked, once: once() });
    setBusy(false);
    if (reply) place.go("run", reply.run);
  };
  const typed = (name: keyof Form, label: string, says: string, mode: "decimal" | "numeric") => (
    <Field label={label} says={says}>{(id) => <input id={id} inputMode={mode} value={form[name]} placeholder={given(name)} onChange={(event) => set(name)(event.target.value)} />}</Field>
  );
  const chosen = (name: keyof Form, label: string, all: Named[]) => (
    <Field label={label} says={all.find((each) => valueOf(each) === form[name])?.says}>{(id) => <Choice id={id} value={form[name]} none={name === "task" ? undefined : "as usual"} of={all.map(valueOf)} change={set(name)} />}</Field>
  );
  return (
    <form className="sheet start" onSubmit={(event) => void begin(event)}>
      <header className="head"><h1>New run</h1></header>
      <div className="columns">
        <div>
          {chosen("task", "Task", of.tasks)}
          {chosen("graph", "Graph", of.graphs)}
          {chosen("models", "Models", of.models)}
          {typed("budget", "Budget in dollars", "It is never exceeded.", "decimal")}
          {typed("turns", "Turns", "Attempts at most.", "numeric")}
          <Field label="Ask me before calls" says="The run waits, and you approve or decline here.">{(id) => <select id={id} value={form.approve} onChange={(event) => set("approve")(event.target.value)}><option value="">never</option><option value="expert">of the expert</option><option value="up">after a move up a ladder</option><option value="all">all</option></select>}</Field>
          <label className="check"><input type="checkbox" checked={trust} onChange={(event) => setTrust(event.target.checked)} />I trust the code of this task and graph</label>
          <label className="check"><input type="checkbox" checked={!go} onChange={(event) => setGo(!event.target.checked)} />only make it ready; I step through it</label>
          <details>
            <summary><span className="title">More</span></summary>
            <div className="folded">
              {typed("seed", "Seed", "", "numeric")}
              {typed("minutes", "Minutes", "How long it may take.", "decimal")}
              <Field label="History">{(id) => <Choice id={id} value={form.history} none="as usual" of={["off", "run", "all"]} change={set("history")} />}</Field>
              <Field label="Aim">{(id) => <Choice id={id} value={form.aim} none="as usual" of={["success", "best"]} change={set("aim")} />}</Field>
            </div>
          </details>
        </div>
        <aside className="panel pad" aria-label="Highest price" aria-live="polite">
          <h2>Highest price</h2>
          {error ? <p className="finding">{visible(error)}</p> : price ? (
            <>
              <p className="big">{dollars(price.usd)}</p>
              <p className="dim">{visible(price.words)}</p>
              {price.models.length > 0 && <table><thead><tr><th>Model</th><th>Where</th><th className="n">A call, about</th></tr></thead>
                <tbody>{price.models.map((model, number) => <tr key={number}><td><b>{visible(String(model.name))}</b><div className="dim small">{visible(String(model.model))}</div></td><td>{visible(String(model.host ?? ""))}</td><td className="n">{dollars(Number(model.worst_case_usd ?? 0))}</td></tr>)}</tbody></table>}
              {price.code.command && <pre>{visible(price.code.command)}</pre>}
            </>
          ) : <p className="dim">…</p>}
          <button type="submit" className="spends primary" disabled={busy || Boolean(error) || !known}>{go ? "Begin" : "Make it ready"}<small>{price ? (go ? `at most ${dollars(price.usd)}` : "costs nothing yet") : " "}</small></button>
        </aside>
      </div>
    </form>
  );
}

/** What was filled in; numbers as numbers. What is none goes as it was typed: Python says what is wrong with it. */
function filled(form: Form): Record<string, unknown> {
  const numbers = new Set(["budget", "turns", "seed", "minutes"]);
  return Object.fromEntries(
    Object.entries(form).filter(([, value]) => value.trim() !== "").map(([name, value]) => {
      const number = Number(value);
      return [name, numbers.has(name) && !Number.isNaN(number) ? number : value];
    }),
  );
}

/** A value that has not changed for a moment: no request for each key. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 300);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
