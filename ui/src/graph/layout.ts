// Where cards stand when nobody has moved them, and which side an arrow leaves from.
import { graphlib, layout } from "@dagrejs/dagre";
import type { CardView, GraphView, RuleRow } from "../protocol";

export const WIDTH = 290;
const LINE = 17; // pixels of a line of a row
const PER_LINE = 27; // characters of a row's words in a line, about
const HEAD = 78;

export type Point = { x: number; y: number };

/** The rows of a card that are shown: in brief those that fired; else its own, as those about faults have a card of their own. */
export function shownRules(card: CardView, brief: boolean): RuleRow[] {
  return card.rules.filter(({ fired, shared }) => (brief ? fired > 0 : !shared || !card.name));
}

/** Whether the rules about faults are tried right before this row, and are not shown. */
export function faultsBefore(card: CardView, rule: RuleRow, brief: boolean): boolean {
  const before = card.rules[card.rules.indexOf(rule) - 1];
  return !brief && card.name !== "" && before?.shared === true;
}

export function heightOf(card: CardView, brief: boolean): number {
  const rows = shownRules(card, brief);
  const lines = rows.map(({ words, findings }) => Math.ceil(words.length / PER_LINE) * LINE + 9 + findings.length * LINE);
  return HEAD + lines.reduce((sum, height) => sum + height, 0) + (rows.length < card.rules.length ? 26 : 0);
}

/** The arrows of a card: rows that lead to another card. END, itself and "again" are words. */
export function arrowsOf(card: CardView, brief: boolean, known: ReadonlySet<string>): RuleRow[] {
  return shownRules(card, brief).filter(({ to }) => to !== card.name && known.has(to));
}

export function placed(view: GraphView, brief: (name: string) => boolean): Map<string, Point> {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 66, edgesep: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(view.cards.map(({ name }) => name));
  // The start first: cycles are cut where a walk from there comes back.
  const cards = view.cards.toSorted((one, other) => Number(other.start) - Number(one.start));
  for (const card of cards) graph.setNode(card.name, { width: WIDTH, height: heightOf(card, brief(card.name)) });
  for (const card of cards) {
    for (const [number, { to, fired }] of arrowsOf(card, brief(card.name), known).entries()) {
      graph.setEdge(card.name, to, { weight: 1 + Math.min(fired, 8) }, String(number));
    }
  }
  layout(graph);
  const at = new Map<string, Point>();
  for (const card of view.cards) {
    const kept = view.positions[card.name];
    const { x, y, height } = graph.node(card.name) as unknown as Point & { height: number };
    at.set(card.name, kept ? { x: kept[0], y: kept[1] } : { x: x - WIDTH / 2, y: y - height / 2 });
  }
  const top = Math.min(...[...at.values()].map(({ y }) => y)); // the uppermost card stands at 0
  if (!Object.keys(view.positions).length) for (const point of at.values()) point.y -= top;
  return at;
}

export type Side = "l" | "r";

/** The sides that an arrow leaves and arrives at, by where the cards stand. */
export function sides(from: Point, to: Point): [Side, Side] {
  if (to.x > from.x + WIDTH / 2) return ["r", "l"];
  if (to.x < from.x - WIDTH / 2) return ["l", "r"];
  return ["r", "r"];
}
