// A graph as policy cards: each arrow leaves the row of its rule.
import { Background, Controls, MarkerType, ReactFlow, useNodesState, type Connection } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { CardView, GraphView, RuleRow } from "../protocol";
import { Arrow, type ArrowEdge } from "./Arrow";
import { blocked, lane } from "./around";
import { Card, rowId, type CardNode, type Editing } from "./Card";
import { arrowsOf, heightOf, placed, sides, WIDTH } from "./layout";

const TYPES = { card: Card };
const ARROWS = { arrow: Arrow };
const READABLE = 0.85; // the scale of a graph that is too large to be seen at once
const ABOVE = 400; // how much of what stands above the start is seen at first
const FAULTS = "/faults"; // no node can be called so

export interface Fired { node: string; rule: string }

export interface GraphProps {
  view: GraphView;
  brief?: boolean;
  active?: { node: string; runs: boolean };
  fired?: Fired; // the rule of the chosen step
  chosen?: string;
  choose(rule: RuleRow | null, card: CardView): void;
  editing?: Editing & { connect(rule: RuleRow, to: string): void; placed(positions: Record<string, [number, number]>): void };
}

/** The rules about faults as a card of their own; "" is no node's name. */
function faultsOf(view: GraphView): CardView | null {
  if (!view.faults.length) return null;
  const none = { run: "", role: "", prompt: "", ladder: [], budget: null, recalls: null, start: false, findings: [], rungs: {}, rung: "" };
  return { ...none, name: "", rules: view.faults, runs: 0, usd: 0 };
}

export function Graph(props: GraphProps) {
  const { view, brief = false, active, fired, chosen = "", choose, editing } = props;
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [nodes, setNodes, onNodesChange] = useNodesState<CardNode>([]);
  const whole = useCallback((name: string) => setOpened((old) => new Set([...old, name])), []);
  const isBrief = useCallback((name: string) => brief && !opened.has(name), [brief, opened]);
  const shape = JSON.stringify([view.cards.map(({ name, rules }) => [name, rules.map(({ to, words, fired }) => [to, words.length, isBrief(name) && fired > 0])]), view.positions]);
  // Where cards stand changes with the graph's shape, not with each step.
  const start = useMemo(() => placed(view, isBrief), [shape]);

  const standing = useRef(nodes);
  standing.current = nodes;
  /** A card was moved, by so much where it does not stand there yet: it stays there whatever the graph's shape becomes. */
  const push = useCallback((id: string, right: number, down: number) => {
    const all = standing.current.map((node): CardNode =>
      node.id === id ? { ...node, position: { x: node.position.x + right, y: node.position.y + down }, data: { ...node.data, moved: true } } : node);
    standing.current = all;
    setNodes(all);
    const cards = all.filter((node) => node.id !== FAULTS);
    editing?.placed(Object.fromEntries(cards.map(({ id, position: { x, y } }) => [id, [Math.round(x), Math.round(y)]])));
  }, [editing, setNodes]);

  const first = start.get(view.start) ?? { x: 0, y: 0 };
  const top = Math.max(first.y - ABOVE, Math.min(...[...start.values()].map(({ y }) => y)));
  const readable = { x: 24 - first.x * READABLE, y: 24 - top * READABLE, zoom: READABLE };

  useEffect(() => {
    const cards = [...view.cards, ...(brief ? [] : [faultsOf(view)])].filter((card) => card !== null);
    const heights = view.cards.map((card) => (start.get(card.name)?.y ?? 0) + heightOf(card, isBrief(card.name)));
    const bottom = Math.max(0, ...heights) + 40; // below all others
    setNodes((old) => {
      const before = new Map(old.map((node) => [node.id, node]));
      return cards.map((card): CardNode => {
        const id = card.name || FAULTS;
        const position = start.get(card.name) ?? { x: 0, y: bottom };
        const kept = before.get(id);
        const runs = active?.node === card.name ? (active.runs ? "runs" : "next") : "";
        const data = {
          card, brief: isBrief(card.name), active: card.name ? (runs as "" | "runs" | "next") : "",
          fired: fired?.node === card.name ? fired.rule : "", chosen, choose, whole, editing: editing ?? null, push,
        };
        return { ...kept, id, type: "card", position: kept && kept.data.moved ? kept.position : position, data: { ...data, moved: kept?.data.moved } };
      });
    });
  }, [view, brief, isBrief, active?.node, active?.runs, fired?.node, fired?.rule, chosen, choose, editing, start, setNodes, whole, push]);

  const edges = useMemo(() => {
    const at = new Map(nodes.map((node) => [node.id, node.position]));
    const known = new Set(view.cards.map(({ name }) => name));
    const boxes = view.cards.map((card) => ({ name: card.name, ...(at.get(card.name) ?? { x: 0, y: 0 }), height: heightOf(card, isBrief(card.name)) }));
    let around = 0; // how many ways around there are so far
    return view.cards.flatMap((card) =>
      arrowsOf(card, isBrief(card.name), known).map((rule): ArrowEdge => {
        const lit = fired ? fired.node === card.name && fired.rule === rule.text : chosen === rowId(rule);
        const [begin, end] = [at.get(card.name) ?? { x: 0, y: 0 }, at.get(rule.to) ?? { x: 0, y: 0 }];
        const [from, to] = sides(begin, end);
        const others = boxes.filter(({ name }) => name !== card.name && name !== rule.to);
        const [out, into] = [{ x: begin.x + (from === "r" ? WIDTH : 0), y: begin.y + 40 }, { x: end.x + (to === "r" ? WIDTH : 0), y: end.y + 20 }];
        const far = (brief || lit) && Math.abs(begin.x - end.x) > WIDTH && blocked(out, into, others);
        const data = far ? { lane: lane(out, into, boxes, around), number: around++ } : { lane: null, number: 0 };
        const id = `${card.name}/${rowId(rule)}`;
        const tone = lit ? "lit" : rule.fired && !ASKS.has(rule.look) ? "taken" : rule.look;
        return {
          id, type: "arrow", data, source: card.name, target: rule.to, sourceHandle: `${from}:${rowId(rule)}`, targetHandle: to,
          className: `arrow ${tone} ${rule.fired || lit ? "" : "idle"} ${chosen === `node/${card.name}` ? "near" : ""}`, animated: lit && Boolean(active?.runs),
          markerEnd: { type: MarkerType.ArrowClosed, markerUnits: "userSpaceOnUse", width: 20, height: 20, color: `var(--${COLOUR[tone]})` },
          zIndex: 0, focusable: false, ariaLabel: `${card.name} to ${rule.to}`,
        };
      }),
    );
  }, [nodes, view, isBrief, fired?.node, fired?.rule, active?.runs, brief, chosen]);

  const connect = ({ source, sourceHandle, target }: Connection) => {
    const card = view.cards.find(({ name }) => name === source);
    const rule = card?.rules.find((rule) => rowId(rule) === sourceHandle?.slice(2));
    if (rule && target !== FAULTS) editing?.connect(rule, target);
  };
  return (
    <ReactFlow nodes={nodes} edges={edges} nodeTypes={TYPES} edgeTypes={ARROWS} onNodesChange={onNodesChange} onConnect={connect} onNodeDragStop={(_, { id }) => push(id, 0, 0)}
      fitView={brief} fitViewOptions={{ padding: 0.04, maxZoom: 1 }} defaultViewport={readable} minZoom={0.15} maxZoom={1.6} zoomOnScroll={false}
      preventScrolling={Boolean(editing)} panOnScroll={Boolean(editing)} zoomOnDoubleClick={false} nodesConnectable={Boolean(editing)} elementsSelectable={false} deleteKeyCode={null}
      nodesFocusable={false} edgesFocusable={false} proOptions={{ hideAttribution: true }} colorMode="system" aria-label={`graph ${view.name}`}>
      <Background gap={24} size={1} />
      <Controls showInteractive={false} position="bottom-right" />
    </ReactFlow>
  );
}

// The looks of the picture (graphs/drawing/arrows.py); what a run took is of one colour, but for what asks for dearer help.
const ASKS: ReadonlySet<string> = new Set(["expert", "up"]);
const COLOUR = { lit: "accent", taken: "accent", expert: "dearer", up: "up", end: "ink", usual: "ink", other: "other", fault: "fault" };
