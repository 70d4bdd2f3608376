// The score against the dollars spent so far: a dot for each attempt, a line for the best.
import { dollars, score } from "../format";
import type { CurvePoint } from "../protocol";

export interface Line { name: string; points: CurvePoint[] }

const HIGH = 230, LEFT = 58, RIGHT = 16, TOP = 14, LOW = 34;

export function Curve({ curves, budget, direction, metric, wide = false, choose }: {
  curves: Line[]; budget: number; direction: string; metric: string; wide?: boolean; choose?(step: number): void;
}) {
  const width = wide ? 1160 : 560;
  const all = curves.flatMap(({ points }) => points);
  const scores = all.flatMap((point) => [point.score, point.best]).filter((value) => value !== null);
  if (!scores.length) return <p className="empty">No score yet.</p>;
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  const spent = Math.max(...all.map(({ usd }) => usd));
  const most = spent || budget || 1; // where nothing was spent, the whole budget is the scale
  const x = (usd: number) => LEFT + ((width - LEFT - RIGHT) * usd) / most;
  const y = (value: number) => HIGH - LOW - ((HIGH - TOP - LOW) * (value - low + room)) / (high - low + 2 * room);
  return (
    <figure className={wide ? "curve wide" : "curve"}>
      <svg viewBox={`0 0 ${width} ${HIGH}`} role="img" aria-label={`${metric} against dollars`}>
        {[low, (low + high) / 2, high].map((value, number) => (
          <g key={number}><line className="grid" x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} /><text x={LEFT - 8} y={y(value) + 4} textAnchor="end">{score(value)}</text></g>
        ))}
        {[0, most / 2, most].map((usd, number) => <text key={number} x={x(usd)} y={HIGH - 10} textAnchor={number === 0 ? "start" : number === 2 ? "end" : "middle"}>{dollars(usd)}</text>)}
        {curves.map(({ name, points }, number) => (
          <g key={name + number} className={`line l${number}`}>
            <path d={stairs(points, x, y)} />
            {points.filter((point) => point.score !== null).map((point) => (
              <circle key={point.step} cx={x(point.usd)} cy={y(point.score!)} r={4} className={choose && "way"} onClick={() => choose?.(point.step)}>
                <title>{`step ${point.step}: ${score(point.score)} for ${dollars(point.usd)}`}</title>
              </circle>
            ))}
          </g>
        ))}
      </svg>
      <figcaption className="dim small">{metric}, {direction === "min" ? "lower" : "higher"} is better. Dots are attempts, the line is the best so far.{spent === 0 && " Nothing was spent: all attempts stand at $0.0000."}</figcaption>
    </figure>
  );
}

function stairs(points: CurvePoint[], x: (usd: number) => number, y: (value: number) => number): string {
  const known = points.filter((point) => point.best !== null);
  return known.map((point, number) => (number ? `H${x(point.usd)}V${y(point.best!)}` : `M${x(point.usd)},${y(point.best!)}`)).join("");
}
