// Score against dollars, and the budget's bar cut into parts; each part leads to its steps.
import { useState } from "react";
import { dollars, plural, visible } from "../format";
import type { Part, RunReply } from "../protocol";
import { Curve } from "./Curve";

type Cut = "by_rule" | "by_node" | "by_model";
const CUTS: [Cut, string][] = [["by_rule", "Rule"], ["by_node", "Node"], ["by_model", "Model"]];

export function MoneyPane({ run, narrow, choose }: { run: RunReply; narrow(says: string, steps: number[]): void; choose(step: number): void }) {
  const [cut, setCut] = useState<Cut>("by_rule");
  const { money } = run;
  const parts = money[cut].filter(({ usd }) => usd > 0).sort((one, other) => other.usd - one.usd);
  const free = money[cut].filter(({ usd }) => usd === 0).length;
  return (
    <div className="money-pane">
      <section className="panel pad" aria-label="Score against dollars">
        <h2>Score against dollars</h2>
        <Curve curves={[{ name: run.row.task, points: run.curve }]} budget={money.budget} direction={run.row.direction} metric={run.row.metric} choose={choose} />
      </section>
      <section className="panel pad" aria-label="Where the budget went">
        <header>
          <h2>Where the budget went</h2>
          <span className="grow" />
          <div className="segments" role="group" aria-label="Cut by">
            {CUTS.map(([name, says]) => <button key={name} type="button" aria-pressed={cut === name} onClick={() => setCut(name)}>{says}</button>)}
          </div>
        </header>
        <Cuts parts={parts} budget={money.budget} narrow={narrow} />
        <table className="parts">
          <tbody>
            {parts.map((part, number) => (
              <tr key={number}>
                <td><span className={`swatch s${number % 5}`} aria-hidden="true" /></td>
                <td><button type="button" className="link" onClick={() => narrow(named(part), part.steps)}>{visible(named(part))}</button><div className="dim small">{plural(part.steps.length, "step")}</div></td>
                <td className="n">{dollars(part.usd)}</td>
                <td className="n dim">{money.usd ? `${Math.round((100 * part.usd) / money.usd)}%` : ""}</td>
              </tr>
            ))}
            {!parts.length && <tr><td colSpan={4} className="dim">Nothing was spent.</td></tr>}
            {money.reserved > 0 && <tr><td /><td>Reserved: the outcome is not known</td><td className="n">{dollars(money.reserved)}</td><td /></tr>}
            <tr className="total"><td /><td>Left of {dollars(money.budget)}{free > 0 && <span className="dim small"> · {plural(free, "part")} cost nothing</span>}</td><td className="n">{dollars(money.left)}</td><td /></tr>
          </tbody>
        </table>
      </section>
    </div>
  );
}

const named = ({ name, node }: Part): string => (node && node !== name ? `${node}: ${name}` : name) || "the beginning";

function Cuts({ parts, budget, narrow }: { parts: Part[]; budget: number; narrow(says: string, steps: number[]): void }) {
  return (
    <div className="cuts" role="group" aria-label={`Parts of ${dollars(budget)}`}>
      {parts.map((part, number) => (
        <button key={number} type="button" className={`s${number % 5}`} style={{ width: `${budget ? (100 * part.usd) / budget : 0}%` }}
          aria-label={`${named(part)}, ${dollars(part.usd)}`} title={`${visible(named(part))}: ${dollars(part.usd)}`} onClick={() => narrow(named(part), part.steps)} />
      ))}
    </div>
  );
}
