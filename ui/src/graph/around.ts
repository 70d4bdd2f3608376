// A way around cards for an arrow that would pass behind them.
import { WIDTH, type Point } from "./layout";

export interface Box extends Point { height: number }

const ROUND = 12; // radius of a corner
const OUT = 26; // how far from a card the way turns
const APART = 9; // between two ways that run side by side

/** Whether an arrow between two points would pass behind a card. */
export function blocked(from: Point, to: Point, boxes: Box[]): boolean {
  const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  const [top, low] = [Math.min(from.y, to.y) - OUT, Math.max(from.y, to.y) + OUT];
  return boxes.some(({ x, y, height }) => x < right && x + WIDTH > left && y < low && y + height > top);
}

/** The height at which the way runs: above or below all cards that stand between, whichever is nearer. */
export function lane(from: Point, to: Point, boxes: Box[], number: number): number {
  const [left, right] = [Math.min(from.x, to.x) - OUT, Math.max(from.x, to.x) + OUT];
  const between = boxes.filter((box) => box.x + WIDTH > left && box.x < right);
  const above = Math.min(...between.map(({ y }) => y)) - 24 - number * APART;
  const below = Math.max(...between.map(({ y, height }) => y + height)) + 24 + number * APART;
  const length = (y: number) => Math.abs(from.y - y) + Math.abs(to.y - y);
  return length(above) <= length(below) ? above : below;
}

/** A path out of a row, along the lane, and into a card; `out` and `into` are -1 on the left side and 1 on the right one. */
export function path(from: Point, to: Point, y: number, out: number, into: number, number: number): string {
  const step = OUT + number * 4;
  const points: Point[] = [from, { x: from.x + out * step, y: from.y }, { x: from.x + out * step, y }, { x: to.x + into * step, y }, { x: to.x + into * step, y: to.y }, to];
  return points.map((point, place) => {
    const [before, after] = [points[place - 1], points[place + 1]];
    if (!before) return `M${point.x},${point.y}`;
    if (!after) return `L${point.x},${point.y}`;
    const [one, other] = [towards(point, before), towards(point, after)];
    return `L${one.x},${one.y}Q${point.x},${point.y} ${other.x},${other.y}`;
  }).join("");
}

function towards(from: Point, to: Point): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const part = Math.min(ROUND, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}
