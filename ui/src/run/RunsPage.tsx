// All runs: score, dollars and status, forks below the run that they were made of.
import { useMemo, useState } from "react";
import { dollars, percent, score, visible, when } from "../format";
import { Bar, Status } from "../parts";
import type { RunRow } from "../protocol";
import { Link, usePlace } from "../route";
import { useReply } from "../store";

interface Branch { row: RunRow; depth: number }

/** Rows with each run's forks right below it, as deep as they are. A fork whose parent is gone stands by itself. */
export function asTree(rows: RunRow[]): Branch[] {
  const ids = new Set(rows.map(({ run_id }) => run_id));
  const below = Map.groupBy(rows, ({ parent }) => (ids.has(parent) ? parent : ""));
  const seen = new Set<string>();
  const grow = (parent: string, depth: number): Branch[] =>
    (below.get(parent) ?? []).flatMap((row) => {
      if (seen.has(row.run_id)) return [];
      seen.add(row.run_id);
      return [{ row, depth }, ...grow(row.run_id, depth + 1)];
    });
  const tree = grow("", 0);
  return [...tree, ...rows.filter(({ run_id }) => !seen.has(run_id)).map((row) => ({ row, depth: 0 }))];
}

function found(row: RunRow, sought: string): boolean {
  const text = [row.run_id, row.task, row.graph, row.stands, row.metric, row.reason].join(" ").toLowerCase();
  return sought.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export function RunsPage() {
  const { reply, error } = useReply("runs", {}, ({ what }) => what === "runs" || what === "run");
  const [sought, setSought] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const { go } = usePlace();
  const rows = useMemo(() => (reply ? asTree(reply.runs.filter((row) => found(row, sought))) : []), [reply, sought]);
  const choose = (id: string) => setChosen((old) => (old.includes(id) ? old.filter((each) => each !== id) : [...old, id].slice(-2)));
  return (
    <div className="sheet">
      <header className="head">
        <h1>Runs</h1>
        <span className="grow" />
        <button type="button" disabled={chosen.length !== 2} onClick={() => go("compare", ...chosen)} title="Tick two runs">Compare two</button>
        <input type="search" aria-label="Search runs" placeholder="Search task, graph, status…" value={sought} onChange={(event) => setSought(event.target.value)} />
      </header>
      {error && <p className="banner bad">{visible(error)}</p>}
      {reply && !reply.runs.length && <p className="empty">No run yet. <Link to={["start"]}>Begin one</Link>.</p>}
      {reply && reply.runs.length > 0 && !rows.length && <p className="empty">No run is like “{visible(sought)}”.</p>}
      {rows.length > 0 && (
        <table>
          <thead>
            <tr><td /><th>Run</th><th>Status</th><th>Graph</th><th className="n">Score</th><th className="n" title="of the private score, told after a run's end">Gain</th><th className="n">Spent of budget</th><th className="n">Turn</th><th className="n">Begun</th></tr>
          </thead>
          <tbody>{rows.map((branch) => <Row key={branch.row.run_id} {...branch} chosen={chosen.includes(branch.row.run_id)} choose={choose} />)}</tbody>
        </table>
      )}
    </div>
  );
}

function Row({ row, depth, chosen, choose }: Branch & { chosen: boolean; choose(id: string): void }) {
  const damaged = row.stands === "damaged";
  return (
    <tr className={damaged ? "damaged" : undefined}>
      <td className="tick"><input type="checkbox" aria-label={`Compare ${row.run_id}`} checked={chosen} disabled={damaged} onChange={() => choose(row.run_id)} /></td>
      <td className="who">
        <div className="forks" style={{ paddingLeft: depth * 22 }}>
          {depth > 0 && <span className="fork" aria-hidden="true">└</span>}
          <div>
            {damaged ? <b>{visible(row.run_id)}</b> : <Link to={["run", row.run_id]} className="strong">{visible(row.task || row.run_id)}</Link>}
            <div className="dim small">
              {!damaged && visible(row.run_id)}
              {row.parent && <> · fork after step {row.parent_step}</>}
              {row.replayed && <span className="chip replayed">replayed</span>}
            </div>
          </div>
        </div>
      </td>
      {damaged ? <td colSpan={7}><Status stands="damaged" /> <span className="small">{visible(row.reason)}</span></td> : (
        <>
          <td><Status stands={row.stands} /></td>
          <td>{visible(row.graph)}</td>
          <td className="n">{score(row.best)}<div className="dim small">{visible(row.metric)}{row.baseline !== null && ` from ${score(row.baseline)}`}</div></td>
          <td className="n">{percent(row.gain_pct)}</td>
          <td className="n money">{dollars(row.usd)}<div className="dim small">of {dollars(row.budget)}</div><Bar usd={row.usd} budget={row.budget} /></td>
          <td className="n">{row.turn}<span className="dim">/{row.turns}</span></td>
          <td className="n dim begun">{when(row.begun)}</td>
        </>
      )}
    </tr>
  );
}
