// A run goes on under the graph as it is edited here.
import { useAsk, once } from "../store";
import { usePlace } from "../route";
import { useRun } from "../useRun";
import { visible } from "../format";

export function GoOn({ run, text }: { run: string; text: string }) {
  const { reply } = useRun(run);
  const ask = useAsk();
  const { go } = usePlace();
  if (!reply) return null;
  const runs = reply.live.stands === "underway";
  const same = text === reply.graph_text;
  const does = async () => {
    const done = await ask("drive", { run, action: "graph", text, at: reply.at, once: once(), go: false });
    if (done) go("run", done.run);
  };
  return (
    <div className="pad">
      <button type="button" className="spends" disabled={runs || same} onClick={() => void does()}>Go on under this graph<small>{runs ? "the run is underway" : same ? "it is the run's own" : "costs nothing yet"}</small></button>
      <p className="dim small">{visible(run)} stays where it is, after step {reply.at}; its rules are these from now on.</p>
    </div>
  );
}
