// A node as a card: what it is, its ladder, and its rules as rows in the order in which they are tried.
import { Handle, Position, type Node, type NodeProps } from "@xyflow/react";
import { Fragment, memo, useEffect, useRef, type DragEvent, type FocusEvent, type KeyboardEvent } from "react";
import { dollars, visible } from "../format";
import type { CardView, RuleRow } from "../protocol";
import { faultsBefore, shownRules } from "./layout";
import { useReveal } from "./reveal";

/** What can be done with a card's rows where a graph is edited. */
export interface Editing {
  move(rule: RuleRow, to: number): void; // to a place counted from 0
  remove(rule: RuleRow): void;
  add(card: CardView): void;
}

export interface Shown {
  card: CardView;
  brief: boolean;
  active: "" | "runs" | "next";
  fired: string; // the rule of the chosen step, if it was this node's
  chosen: string; // the chosen row or, with "node", the card itself
  choose(rule: RuleRow | null, card: CardView): void;
  whole(name: string): void; // show all rows
  editing: Editing | null;
  push(id: string, right: number, down: number): void; // move a card
  [key: string]: unknown;
}
export type CardNode = Node<Shown, "card">;

export const rowId = (rule: RuleRow): string => rule.keys.join("/");

/** Where a rule leads, and whom it moves on a ladder. */
function Target({ rule: { to, up, down }, of }: { rule: RuleRow; of: CardView }) {
  const parts = [`→ ${to === of.name ? "itself" : to}`, up && up !== to && `↑ ${up}`, down && `↓ ${down}`].filter((part) => typeof part === "string" && part !== "");
  return <span className="target">{parts.map((part) => <span key={part as string}>{visible(part as string)}</span>)}</span>;
}

/** Have what is chosen, or reached by a key, seen. Whoever clicks sees it, and what moved under the pointer would be no click. */
function useSeen<Seen extends Element>(chosen: boolean) {
  const seen = useRef<Seen>(null);
  const reveal = useReveal();
  useEffect(() => { if (chosen) reveal(seen.current); }, [chosen, reveal]);
  const onFocus = (event: FocusEvent) => { if (!event.target.matches(":active")) reveal(seen.current); };
  return { seen, onFocus };
}

/** From the end of a row an arrow is drawn; the row itself stays where it is. */
function noRow(event: DragEvent): void {
  event.preventDefault();
  event.stopPropagation();
}

function Row({ rule, of, shown }: { rule: RuleRow; of: CardView; shown: Shown }) {
  const { editing, chosen, fired, choose } = shown;
  const id = rowId(rule);
  const { seen, onFocus } = useSeen<HTMLLIElement>(id === chosen);
  useEffect(() => {
    // A row that was moved takes the focus along.
    const [row, at] = [seen.current, document.activeElement];
    if (id === chosen && (at === document.body || row?.parentElement?.contains(at))) row?.querySelector("button")?.focus();
  }, [id, chosen, seen]);
  const place = Number(rule.keys.at(-1));
  const siblings = of.rules.filter(({ shared }) => shared === rule.shared);
  const classes = ["row", "nodrag", rule.look, rule.fired ? "taken" : "", id === chosen ? "chosen" : "", rule.text === fired ? "fired" : ""];
  const keys = (event: KeyboardEvent) => {
    if (!editing) return;
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (event.altKey && step && place + step >= 0 && place + step < siblings.length) editing.move(rule, place + step);
    else if (event.key === "Delete") editing.remove(rule);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const drag = (event: DragEvent) => event.dataTransfer.setData(`text/${of.name ? "row" : "fault"}`, `${of.name}\n${place}`);
  const drop = (event: DragEvent) => {
    const [from, index] = event.dataTransfer.getData(`text/${of.name ? "row" : "fault"}`).split("\n");
    const moved = from === of.name && siblings.find(({ keys }) => keys.at(-1) === Number(index));
    if (moved && moved !== rule) editing?.move(moved, place);
    event.preventDefault();
  };
  const movable = editing && !(rule.shared && of.name);
  return (
    <li ref={seen} className={classes.filter(Boolean).join(" ")} draggable={Boolean(movable)} onDragStart={drag} onDrop={movable ? drop : undefined}
      onDragOver={(event) => movable && event.preventDefault()} data-row={id}>
      <Handle type="source" position={Position.Left} id={`l:${id}`} isConnectable={Boolean(movable)} draggable onDragStart={noRow} />
      <button type="button" onClick={() => choose(rule, of)} onFocus={onFocus} onKeyDown={keys} title={rule.text}
        aria-keyshortcuts={movable ? "Alt+ArrowUp Alt+ArrowDown Delete" : undefined}>
        <span className="number">{rule.shared ? "f" : ""}{place + 1}</span>
        <span className="said">
          {visible(rule.words)}
          {rule.findings.map(({ what, note }, number) => <span key={number} className={note ? "note" : "finding"}>{visible(what)}</span>)}
        </span>
        <Target rule={rule} of={of} />
        <span className="times">{rule.fired ? `×${rule.fired}` : ""}</span>
      </button>
      <Handle type="source" position={Position.Right} id={`r:${id}`} isConnectable={Boolean(movable)} draggable onDragStart={noRow} />
    </li>
  );
}

function Ladder({ card }: { card: CardView }) {
  return (
    <span className="ladder">
      {card.ladder.map((rung) => (
        <span key={rung} className={rung === card.rung ? "rung here" : "rung"}>
          {visible(rung)}{card.rungs[rung] ? <small> ×{card.rungs[rung]}</small> : null}
        </span>
      ))}
      {card.budget !== null && <span className="limit">at most {dollars(card.budget)}</span>}
    </span>
  );
}

const FAR = 24; // pixels at each key: the distance of the canvas's dots
const WAYS: Partial<Record<string, [number, number]>> = { ArrowLeft: [-FAR, 0], ArrowRight: [FAR, 0], ArrowUp: [0, -FAR], ArrowDown: [0, FAR] };

export const Card = memo(function Card({ id, data }: NodeProps<CardNode>) {
  const { card, brief, active, chosen, choose, editing, push } = data;
  const keys = (event: KeyboardEvent) => {
    const way = editing && event.altKey && WAYS[event.key];
    if (!way) return;
    event.preventDefault();
    push(id, ...way);
  };
  const { seen, onFocus } = useSeen<HTMLElement>(Boolean(card.name) && chosen === `node/${card.name}`);
  const rows = shownRules(card, brief);
  const hidden = card.rules.length - rows.length;
  const classes = ["card", active, card.name ? "" : "faults", chosen === `node/${card.name}` ? "chosen" : ""];
  return (
    <section className={classes.filter(Boolean).join(" ")} aria-label={card.name || "faults"} data-card={card.name}>
      <header ref={seen}>
        <Handle type="target" position={Position.Left} id="l" isConnectable={Boolean(editing && card.name)} />
        <button type="button" className="name nodrag" onClick={() => choose(null, card)} onFocus={onFocus} onKeyDown={keys}
          aria-keyshortcuts={editing ? "Alt+ArrowLeft Alt+ArrowRight Alt+ArrowUp Alt+ArrowDown" : undefined}>
          {card.name ? visible(card.name) : "When a call fails, at any node"}
        </button>
        {card.start && <span className="chip">start</span>}
        {active && <span className="chip on">{active === "runs" ? "running" : "next"}</span>}
        <span className="spent">{card.runs ? `×${card.runs}` : ""}{card.runs ? <b>{dollars(card.usd)}</b> : null}</span>
        <Handle type="target" position={Position.Right} id="r" isConnectable={Boolean(editing && card.name)} />
      </header>
      {card.name && <Ladder card={card} />}
      {card.findings.map(({ what, note }, number) => <p key={number} className={note ? "note" : "finding"}>{visible(what)}</p>)}
      <ol>
        {rows.map((rule) => (
          <Fragment key={rowId(rule)}>
            {faultsBefore(card, rule, brief) && <li className="faults-here">here: what a failed call leads to</li>}
            <Row rule={rule} of={card} shown={data} />
          </Fragment>
        ))}
      </ol>
      {brief && hidden > 0 && <button type="button" className="more nodrag" onClick={() => data.whole(card.name)}>{`${hidden}${rows.length ? " more" : ""} ${hidden === 1 ? "rule" : "rules"}, none fired`}</button>}
      {editing && <button type="button" className="more nodrag" onClick={() => editing.add(card)}>+ rule</button>}
    </section>
  );
});
