// The graphs that can be looked at and edited.
import { visible } from "../format";
import { Link } from "../route";
import { useReply } from "../store";

export function GraphsPage() {
  const { reply, error } = useReply("catalogue", {}, ({ what }) => what === "graph");
  if (error) return <p className="banner bad">{visible(error)}</p>;
  if (!reply) return <p className="empty">Reading…</p>;
  return (
    <div className="sheet">
      <header className="head"><h1>Graphs</h1></header>
      <p className="dim">A graph says who does what, and by which rules it goes on. Shipped ones are read-only; a copy of one can be edited.</p>
      <ul className="list">
        {reply.graphs.map(({ name, path, shipped, says }) => (
          <li key={path || name}>
            <Link to={["graph", shipped ? name : path || name]} className="strong">{visible(name)}</Link>
            {shipped ? <span className="chip">shipped</span> : path !== name && <> <span className="dim small">{visible(path)}</span></>}
            {says && <div className="dim">{visible(says)}</div>}
          </li>
        ))}
      </ul>
    </div>
  );
}
