// Two runs of a task side by side.
import { useEffect } from "react";
import { dollars, percent, score, visible } from "../format";
import { Diff, Status } from "../parts";
import type { Code, RunReply, StepRow } from "../protocol";
import { Link } from "../route";
import { useReply, useStudio } from "../store";
import { Curve } from "./Curve";
import { byHand } from "./Timeline";

/** Shows what does the same as code. */
function useCode(code: Code | undefined): void {
  const { show } = useStudio();
  useEffect(() => show(code), [show, code?.command]);
}

export function Compare({ one, other }: { one: string; other: string }) {
  const both = useReply("compare", { one, other }, ({ what }) => what === "run");
  const left = useReply("run", { run: one }, ({ what, name }) => what === "run" && name === one);
  const right = useReply("run", { run: other }, ({ what, name }) => what === "run" && name === other);
  useCode(both.reply?.code);
  const error = both.error || left.error || right.error;
  if (error) return <p className="banner bad">{visible(error)}</p>;
  if (!both.reply || !left.reply || !right.reply) return <p className="empty">Reading…</p>;
  const { parting, settings, script } = both.reply;
  const differ = Object.entries(settings);
  const runs = [left.reply, right.reply];
  const lead = runs[0]!.row;
  return (
    <div className="run">
      <header className="head"><h1>Two runs side by side</h1></header>
      <div className="two">
        {runs.map((run, number) => (
          <section key={number} className="panel pad">
            <h2><span className={`swatch l${number}`} aria-hidden="true" /><Link to={["run", run.row.run_id]}>{visible(run.row.run_id)}</Link></h2>
            <p className="dim small">{visible(run.row.task)} · graph {visible(run.row.graph)} <Status stands={run.live.stands} /></p>
            <dl className="pairs">
              <dt>Best {visible(run.row.metric)}</dt><dd>{score(run.row.best)}</dd>
              {run.row.gain_pct !== null && <><dt>Gain</dt><dd>{percent(run.row.gain_pct)} on the private score</dd></>}
              <dt>Spent</dt><dd>{dollars(run.money.usd)} of {dollars(run.money.budget)}</dd>
              <dt>Turns</dt><dd>{run.row.turn} of {run.row.turns}</dd>
            </dl>
          </section>
        ))}
      </div>
      <section className="panel pad">
        <h2>Score against dollars</h2>
        <Curve curves={runs.map((run) => ({ name: run.row.run_id, points: run.curve }))} budget={Math.max(...runs.map(({ money }) => money.budget))} direction={lead.direction} metric={lead.metric} wide />
      </section>
      {differ.length > 0 && (
        <section className="panel pad">
          <h2>Begun otherwise</h2>
          <table><thead><tr><td /><th>{visible(one)}</th><th>{visible(other)}</th></tr></thead>
            <tbody>{differ.map(([what, [one, other]]) => <tr key={what}><th scope="row">{visible(what)}</th><td>{visible(String(one))}</td><td>{visible(String(other))}</td></tr>)}</tbody></table>
        </section>
      )}
      <section className="panel pad">
        <h2>{parting ? `They part at step ${parting.step}, ${visible(parting.node)}: ${visible(parting.why)}` : "They are the same, as far as both went"}</h2>
        {parting && <p className="dim small">left: {visible(parting.one)}; right: {visible(parting.other)}</p>}
        <Steps runs={runs} parted={parting?.step ?? null} />
      </section>
      {script.length > 0 && <section className="panel pad"><h2>The best scripts</h2><Diff lines={script} /></section>}
    </div>
  );
}

function Steps({ runs, parted }: { runs: RunReply[]; parted: number | null }) {
  const longest = Math.max(...runs.map(({ steps }) => steps.at(-1)?.step ?? 0));
  const begin = parted ? Math.max(1, parted - 2) : 1;
  const all = Array.from({ length: Math.max(0, longest - begin + 1) }, (_, number) => begin + number);
  const of = (run: RunReply, step: number): StepRow | undefined => run.steps.find((row) => row.step === step);
  return (
    <table className="steps-two">
      <tbody>
        {all.map((step) => (
          <tr key={step} className={step === parted ? "parted" : undefined}>
            <td className="n dim">{step}</td>
            {runs.map((run, number) => {
              const row = of(run, step);
              return <td key={number}>{row && <>{row.edited.length > 0 && <div className="hand">changed by hand before it: {visible(byHand(row.edited))}</div>}<Link to={["run", run.row.run_id, step]}>{visible(row.node)}</Link> {visible(row.did)}<div className="dim small">{visible(row.why)}{row.usd > 0 && ` · ${dollars(row.usd)}`}</div></>}</td>;
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
