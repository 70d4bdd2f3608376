// The branches of a run: going back leaves one, and what it cost stays paid.
import { visible } from "../format";
import type { RunReply } from "../protocol";

export function Branches({ run }: { run: RunReply }) {
  if (run.branches.length < 2) return null;
  return (
    <span className="dim small">
      {run.branches.map(({ name, steps, split, current }) => (
        <span key={name} className={current ? "chip on" : "chip"} title={`${steps} steps${split ? `, parted after step ${split}` : ""}`}>{visible(name)}</span>
      ))}
    </span>
  );
}
