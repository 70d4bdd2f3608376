// What Python says of the graph as it is edited: what is wrong, what changed, which recorded decisions would be others.
import { plural, visible } from "../format";
import { Fold } from "../parts";
import type { FindingRow, Gate } from "../protocol";
import { Link } from "../route";
import { useReply } from "../store";

export function Findings({ findings, choose }: { findings: FindingRow[]; choose(keys: FindingRow["keys"]): void }) {
  const wrong = findings.filter(({ note }) => !note);
  return (
    <Fold open title="Findings" aside={wrong.length ? plural(wrong.length, "finding") : "none: it would run"}>
      <ul className="findings">
        {findings.map((finding, number) => (
          <li key={number}><button type="button" className="link" onClick={() => choose(finding.keys)}><span className={finding.note ? "note" : "finding"}>{visible(finding.what)}</span></button>
            <div className="dim small">line {finding.line}, column {finding.column}</div></li>
        ))}
      </ul>
    </Fold>
  );
}

export function Changed({ changes }: { changes: string[] }) {
  return (
    <Fold open title="Changes" aside={changes.length ? plural(changes.length, "change") : "none"}>
      <ul className="findings">{changes.map((change, number) => <li key={number}>{visible(change)}</li>)}</ul>
    </Fold>
  );
}

export function Decisions({ gate, chosen, choose }: { gate: Gate | null; chosen: string[]; choose(runs: string[]): void }) {
  const { reply } = useReply("runs", {}, ({ what }) => what === "runs");
  const runs = reply?.runs.filter(({ stands, steps }) => stands !== "damaged" && steps > 0) ?? [];
  const toggle = (id: string) => choose(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  return (
    <Fold open title="Decisions of runs" aside="taken again under this graph">
      <ul className="gated">
        {runs.slice(0, 12).map(({ run_id, task }) => (
          <li key={run_id}><label className="check"><input type="checkbox" checked={chosen.includes(run_id)} onChange={() => toggle(run_id)} /><span>{visible(task)} <span className="dim small">{visible(run_id)}</span></span></label></li>
        ))}
        {!runs.length && <li className="dim">No run yet.</li>}
      </ul>
      {gate && chosen.length > 0 && (
        <div aria-live="polite">
          {gate.error ? <p className="finding">{visible(gate.error)}</p> : <p><b>{gate.changes.length} of {gate.decisions}</b> decisions would be others.</p>}
          <ul className="findings">
            {gate.changes.slice(0, 50).map(({ run, step, node, before, after }, number) => (
              <li key={number}><Link to={["run", run, step]}>step {step}, {visible(node)}</Link><div className="small"><span className="dim">was</span> {visible(before)}</div><div className="small"><span className="dim">would be</span> {visible(after)}</div></li>
            ))}
          </ul>
        </div>
      )}
    </Fold>
  );
}
