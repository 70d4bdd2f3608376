// The head of a run: what came of it, for how much, where it stands.
import { useEffect, useState } from "react";
import { dollars, percent, plural, score, seconds, visible } from "../format";
import { Bar, Status } from "../parts";
import type { Live, RunReply } from "../protocol";
import { Link } from "../route";
import { byHand } from "./Timeline";

export function Overview({ run }: { run: RunReply }) {
  const { row, money, live } = run;
  return (
    <>
      <header className="head">
        <div>
          <h1>{visible(row.task)} <Status stands={live.stands} />{row.replayed && <span className="chip replayed">replayed</span>}</h1>
          <p className="dim small">
            {visible(row.run_id)} · graph {visible(row.graph)}
            {row.parent && <> · fork of <Link to={["run", row.parent]}>{visible(row.parent)}</Link> after step {row.parent_step}</>}
          </p>
        </div>
      </header>
      <dl className="tiles">
        <div>
          <dt>Best {visible(row.metric)}</dt>
          <dd><b>{score(row.best)}</b></dd>
          <dd className="dim small">from {score(row.baseline)}; {row.direction === "min" ? "lower" : "higher"} is better</dd>
          {row.gain_pct !== null && <dd className="small"><span className={row.success ? "accent" : ""}>{percent(row.gain_pct)}</span> <span className="dim">on the private score</span></dd>}
        </div>
        <div>
          <dt>Spent</dt>
          <dd><b>{dollars(money.usd)}</b></dd>
          <dd className="dim small">of {dollars(money.budget)}{money.reserved > 0 && `, ${dollars(money.reserved)} of it reserved`}</dd>
          <dd><Bar usd={money.settled} reserved={money.reserved} budget={money.budget} /></dd>
        </div>
        <div>
          <dt>Turn</dt>
          <dd><b>{row.turn}</b> <span className="dim">of {row.turns}</span></dd>
          <dd className="dim small">step {run.at}, {seconds(row.seconds)}, {plural(row.calls, "call")}</dd>
        </div>
        <div>
          <dt>{live.stands === "underway" ? "Runs now" : run.ended ? "It ended" : "Next"}</dt>
          {run.ended && live.stands !== "underway" ? <dd className="said">{visible(run.ended)}</dd> : (
            <>
              <dd><b>{visible(live.stands === "underway" ? live.node : run.next)}</b></dd>
              <dd className="dim small"><Now live={live} /></dd>
            </>
          )}
        </div>
      </dl>
      {run.edits.length > 0 && <p className="banner byhand">Changed by hand since step {run.at}: {visible(byHand(run.edits))}</p>}
    </>
  );
}

function Now({ live }: { live: Live }) {
  const { flight, pausing, stands } = live;
  const began = flight?.created ?? live.since;
  const since = useSince(stands === "underway" ? began : null);
  if (flight && stands === "underway") return <>asks {visible(flight.model)} for {since}, at most {dollars(flight.usd_reserved)}{pausing && "; pauses after this step"}</>;
  if (flight) return <>a call of {visible(flight.model)} has no known outcome: {dollars(flight.usd_reserved)} stay reserved</>;
  if (stands !== "underway") return <>{stands === "dead" ? "nobody goes on with it; it can be gone on with" : ""}</>;
  return <>{pausing ? "pauses after this step" : since && `for ${since}`}</>;
}

/** How long it is since a time, each second anew. */
function useSince(time: number | null): string {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (time === null) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [time]);
  return time === null ? "" : seconds(Math.max(0, now / 1000 - time));
}
