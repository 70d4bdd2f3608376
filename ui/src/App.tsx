// The frame around each page: where one is, what Python refused, and the newest thing done as code.
import { EditPage } from "./edit/EditPage";
import { Compare } from "./run/Compare";
import { RunPage } from "./run/RunPage";
import { RunsPage } from "./run/RunsPage";
import { StartPage } from "./run/StartPage";
import { GraphsPage } from "./edit/GraphsPage";
import { Copy } from "./parts";
import { Link, usePlace } from "./route";
import { useStudio } from "./store";
import { visible } from "./format";

function Page() {
  const [what, name = "", more = ""] = usePlace().path;
  if (what === "run") return <RunPage key={name} run={name} step={more ? Number(more) : null} />;
  if (what === "graph") return <EditPage key={name} graph={name} run={more} />;
  if (what === "graphs") return <GraphsPage />;
  if (what === "start") return <StartPage />;
  if (what === "compare") return <Compare key={`${name}/${more}`} one={name} other={more} />;
  return <RunsPage />;
}

export function App() {
  const { host, lost, said, say, code } = useStudio();
  const [what = "runs"] = usePlace().path;
  const here = (name: string[]) => (name.includes(what) ? "here" : "");
  return (
    <>
      {host.steers && (
        <nav aria-label="Studio">
          <span className="mark">BudgetML <b>studio</b></span>
          <Link to={[]} className={here(["runs", "run", "compare"])}>Runs</Link>
          <Link to={["graphs"]} className={here(["graphs", "graph"])}>Graphs</Link>
          <span className="grow" />
          <Link to={["start"]} className="button primary">New run</Link>
        </nav>
      )}
      <div aria-live="polite">
        {lost && <p className="banner bad">{visible(lost)}</p>}
        {said && <p className="banner bad" role="alert">{visible(said)}<button type="button" className="quiet" aria-label="Dismiss" onClick={() => say("")}>✕</button></p>}
      </div>
      <main><Page /></main>
      {code && (code.command || code.python) && (
        <footer aria-label="The same as code">
          <span className="dim small">The same, to copy</span>
          {code.command && <><code className="grow">{visible(code.command)}</code><Copy of={code.command} label="Copy command" /></>}
          {code.python && <><code className="grow">{visible(code.python.replaceAll("\n", "; "))}</code><Copy of={code.python} label="Copy Python" /></>}
        </footer>
      )}
    </>
  );
}
