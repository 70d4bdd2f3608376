// A click as an operation of graphs/operations.py. Rules are counted from 0 in `keys`, from 1 in operations.
import { rowId } from "../graph/Card";
import type { CardView, Catalogue, GraphView, NodeRow, Operation, RuleRow } from "../protocol";

/** Where a rule stands: in a node's list, or among those about faults. */
const place = ({ keys, shared }: RuleRow) => {
  const index = Number(keys.at(-1)) + 1;
  return shared ? { kind: "fault", at: { index } } : { kind: "rule", at: { node: keys[1], index } };
};

export function ruleOf({ when, arguments: given, up, down, to }: RuleRow): Record<string, unknown> {
  return { ...(when && { when }), ...given, ...(up && { up }), ...(down && { down }), to };
}

/** The rule that a row's id names, and how many stand after the first in its list. */
export function ruleAt(view: GraphView, id: string): { rule: RuleRow; last: number } | null {
  const lists = [view.faults, ...view.cards.map(({ rules }) => rules.filter(({ shared }) => !shared))];
  for (const list of lists) {
    const rule = list.find((each) => rowId(each) === id);
    if (rule) return { rule, last: list.length - 1 };
  }
  return null;
}

/** An edit of a rule as it stands when its turn comes: two quick changes are both kept. */
export function changed(rule: RuleRow, make: (fresh: RuleRow) => Record<string, unknown>): (view: GraphView) => Operation | null {
  const id = rowId(rule);
  return (view) => {
    const fresh = ruleAt(view, id)?.rule;
    const given = fresh && Object.entries(make(fresh)).filter(([, value]) => value !== undefined && value !== "");
    return fresh && given ? setRule(fresh, Object.fromEntries(given)) : null;
  };
}

export function setRule(rule: RuleRow, changed: Record<string, unknown>): Operation {
  const { kind, at } = place(rule);
  return { do: `set_${kind}`, ...at, rule: changed };
}

export function moveRule(rule: RuleRow, to: number): Operation {
  const { kind, at } = place(rule);
  return { do: `move_${kind}`, ...at, to: to + 1 };
}

export function removeRule(rule: RuleRow): Operation {
  const { kind, at } = place(rule);
  return { do: `remove_${kind}`, ...at };
}

/** A new rule before the last one of a card, which is the one for all other cases. */
export function addRule(card: CardView, when: string, given: Record<string, unknown> = {}): { operation: Operation; row: string } {
  const own = card.rules.filter(({ shared }) => shared === !card.name);
  const to = own.at(-1)?.to ?? "END";
  const index = card.name ? Math.max(1, own.length) : own.length + 1;
  const rule = { ...(when && { when }), ...given, to };
  const row = card.name ? `rules/${card.name}/${index - 1}` : `faults/${index - 1}`;
  const operation = card.name ? { do: "insert_rule", node: card.name, index, rule } : { do: "insert_fault", index, rule };
  return { operation, row };
}

/** A first value for each argument that a predicate cannot be without. */
export function needed(when: string, { predicates }: Catalogue): Record<string, unknown> {
  const all = predicates.find(({ name }) => name === when)?.arguments ?? [];
  const first = { int: 1, float: 0.5, str: "", bool: false, other: "" };
  return Object.fromEntries(all.filter(({ required }) => required).map(({ name, type, choices }) => [name, choices[0] ?? first[type]]));
}

export function addNode(row: NodeRow, view: GraphView, prompts: string[]): { operation: Operation; name: string } {
  const short = row.name.split(/[.:]/).at(-1)!;
  const taken = new Set(view.cards.map(({ name }) => name));
  let name = short;
  for (let number = 2; taken.has(name); number++) name = `${short}${number}`;
  const ladder = row.ladder ? view.cards.find(({ ladder }) => ladder.length)?.ladder.filter((rung) => rung !== "recall") : undefined;
  const prompt = row.prompt && prompts.includes(short) ? short : undefined;
  return { name, operation: { do: "add_node", name, run: row.name, ...(prompt && { prompt }), ...(ladder?.length && { ladder }) } };
}
