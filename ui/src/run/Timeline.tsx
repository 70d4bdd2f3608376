// A run's steps in order. What a person changed looks unlike what rules decided; what is replayed says so.
import { memo, useEffect, useRef, useState, type KeyboardEvent } from "react";
import { dollars, score, visible } from "../format";
import type { RunReply, StepRow } from "../protocol";

/** What a person changed, in words. */
export const byHand = (edited: string[]): string => edited.map((field) => (field === "graph" ? "the graph, a limit or the way" : field)).join(", ");

interface Only { says: string; steps: ReadonlySet<number> }

export function Timeline({ run, chosen, choose, only, clear }: {
  run: RunReply; chosen: number; choose(step: number): void; only: Only | null; clear(): void;
}) {
  const [sought, setSought] = useState("");
  const list = useRef<HTMLOListElement>(null);
  const words = sought.toLowerCase();
  const rows = run.steps.filter((row) => (!only || only.steps.has(row.step)) && (!words || `${row.node} ${row.did} ${row.why} ${row.model} ${row.fault}`.toLowerCase().includes(words)));
  useEffect(() => {
    const box = list.current;
    const row = box?.querySelector<HTMLElement>("[aria-current]");
    if (!box || !row) return;
    const [of, within] = [row.getBoundingClientRect(), box.getBoundingClientRect()]; // only the list scrolls, never the page
    if (of.top < within.top || of.bottom > within.bottom) box.scrollTop += of.top - within.top - box.clientHeight / 2;
  }, [chosen]);
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = rows.findIndex((row) => row.step === chosen);
    const next = step && rows[at + step];
    if (!next) return;
    event.preventDefault();
    choose(next.step);
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>("[aria-current]")?.focus());
  };
  return (
    <section className="timeline" aria-label="Steps">
      <input type="search" aria-label="Search steps" placeholder="Search steps…" value={sought} onChange={(event) => setSought(event.target.value)} />
      {only && <p className="only"><span>{visible(only.says)}: {only.steps.size} of {run.steps.length} steps</span><button type="button" className="quiet" onClick={clear}>All steps</button></p>}
      <ol ref={list} onKeyDown={keys}>
        {rows.map((row) => <Row key={row.step} row={row} chosen={row.step === chosen} choose={choose} />)}
      </ol>
    </section>
  );
}

const Row = memo(function Row({ row, chosen, choose }: { row: StepRow; chosen: boolean; choose(step: number): void }) {
  const classes = [row.dearer ? "dearer" : "", row.fault ? "faulty" : "", row.edited.length ? "byhand" : "", row.replayed ? "replayed" : ""];
  return (
    <li className={classes.filter(Boolean).join(" ")}>
      {row.edited.length > 0 && <p className="hand">changed by hand: {visible(byHand(row.edited))}</p>}
      <button type="button" aria-current={chosen ? "step" : undefined} onClick={() => choose(row.step)}>
        <span className="number">{row.step}</span>
        <span className="node">{visible(row.node)}{row.model && <small> {visible(row.model)}</small>}{row.up && <small className="up"> ↑ {visible(row.up)}</small>}{row.replayed && <small className="mark" title="replayed from a recording"> ↻</small>}</span>
        <span className="usd">{row.usd > 0 ? dollars(row.usd) : ""}</span>
        <span className="did">{visible(row.did)}</span>
        <span className="score">{row.score !== null && row.status ? <span className={row.status === "keep" ? "accent" : "dim"}>{score(row.score)}</span> : ""}</span>
      </button>
    </li>
  );
});
