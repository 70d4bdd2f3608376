// A graph to edit: palette, cards, one rule or node in detail, and what Python says of it all.
import { useCallback, useEffect, useMemo, useRef, useState, type DragEvent } from "react";
import { plural, visible } from "../format";
import { Graph } from "../graph/Graph";
import { rowId } from "../graph/Card";
import { Diff, Fold } from "../parts";
import type { CardView, Catalogue, RuleRow } from "../protocol";
import { usePlace } from "../route";
import { useReply, useStudio } from "../store";
import { Changed, Decisions, Findings } from "./Judged";
import { GoOn } from "./GoOn";
import { NodeForm } from "./NodeForm";
import { addNode, addRule, changed, moveRule, needed, removeRule, ruleAt, ruleOf } from "./operations";
import { DRAGGED, Palette } from "./Palette";
import { RuleForm } from "./RuleForm";
import { SaveDialog } from "./SaveDialog";
import { useEditing, type Edited } from "./useEditing";

export function EditPage({ graph, run }: { graph: string; run: string }) {
  const [runs, setRuns] = useState(run ? [run] : []);
  const { edited, error } = useEditing(graph, runs);
  const catalogue = useReply("catalogue", {});
  if (error || catalogue.error) return <p className="banner bad">{visible(error || catalogue.error)}</p>;
  if (!edited || !catalogue.reply) return <p className="empty">Reading…</p>;
  const choose = (runs: string[]) => {
    setRuns(runs);
    edited.gate(runs);
  };
  return <Editor edited={edited} of={catalogue.reply} runs={runs} chooseRuns={choose} run={run} />;
}

type Positions = Record<string, [number, number]>;
interface Props { edited: Edited; of: Catalogue; runs: string[]; chooseRuns(runs: string[]): void; run: string }

function Editor({ edited, of, runs, chooseRuns, run }: Props) {
  const { read, now, does, undo, redo, canUndo, canRedo, dirty, busy } = edited;
  const { host } = useStudio();
  const { go } = usePlace();
  const [chosen, setChosen] = useState("");
  const [saving, setSaving] = useState(false);
  const fresh = now ? now.view : read.view;
  const [view, setView] = useState(fresh); // the newest that was a graph at all
  useEffect(() => { if (fresh) setView(fresh); }, [fresh]);
  const findings = now?.findings ?? read.findings;
  const name = chosen.startsWith("node/") ? chosen.slice(5) : "";
  const found = view && ruleAt(view, chosen);
  const card = view?.cards.find((card) => card.name === (name || (found && !found.rule.shared ? found.rule.keys[1] : "")));

  const stands = useRef<Positions | null>(null); // where cards were put, which a copy takes with it
  const keep = useCallback((graph: string, positions: Positions) => host.ask("layout", { graph, positions }).catch(() => undefined), [host]);
  const saved = async (path: string) => {
    if (read.read_only && stands.current) await keep(path, stands.current);
    setSaving(false);
    go("graph", path, ...(run ? [run] : []));
  };

  useKeys(undo, redo);
  const choose = useCallback((rule: RuleRow | null, card: CardView) => setChosen(rule ? rowId(rule) : `node/${card.name}`), []);
  const insert = useCallback((card: CardView, when: string, given: Record<string, unknown>) => {
    const { operation, row } = addRule(card, when, given);
    void does(operation).then((done) => done && setChosen(row));
  }, [does]);
  const moved = useCallback((rule: RuleRow, to: number) => setChosen([...rule.keys.slice(0, -1), to].join("/")), []);
  const editing = useMemo(() => ({
    move: (rule: RuleRow, to: number) => void does(moveRule(rule, to)).then((done) => done && moved(rule, to)),
    remove: (rule: RuleRow) => void does(removeRule(rule)),
    add: (card: CardView) => insert(card, "", {}),
    connect: (rule: RuleRow, to: string) => void does(changed(rule, (fresh) => ({ ...ruleOf(fresh), to }))),
    placed: (positions: Positions) => {
      stands.current = positions;
      if (!read.read_only) void keep(read.graph, positions);
    },
  }), [does, insert, keep, moved, read.graph, read.read_only]);

  if (!view) return <Broken edited={edited} />;
  const drop = (event: DragEvent) => {
    const node = of.nodes.find(({ name }) => name === event.dataTransfer.getData(DRAGGED.node));
    const when = event.dataTransfer.getData(DRAGGED.when);
    const over = (event.target as HTMLElement).closest<HTMLElement>("[data-card]")?.dataset.card;
    const onto = view.cards.find(({ name }) => name === over);
    if (node) add(node);
    else if (when && onto) insert(onto, when, needed(when, of));
    else return;
    event.preventDefault();
  };
  const add = (row: (typeof of.nodes)[number]) => {
    const { operation, name } = addNode(row, view, of.prompts.map(({ name }) => name));
    void does(operation).then((done) => done && setChosen(`node/${name}`));
  };
  const wrong = findings.filter(({ note }) => !note).length;
  return (
    <div className="editor">
      <header className="head">
        <div><h1>{visible(view.name)}</h1><p className="dim small">{read.read_only ? `${read.graph.startsWith("run:") ? visible(`of run ${read.graph.slice(4)}`) : "shipped"}: it is saved as a file of your own` : visible(read.path)}</p></div>
        <span className="grow" />
        <span className={wrong ? "finding" : "dim small"}>{busy ? "…" : wrong ? plural(wrong, "finding") : "it would run"}</span>
        <button type="button" disabled={!canUndo} onClick={undo} aria-keyshortcuts="Control+Z">Undo</button>
        <button type="button" disabled={!canRedo} onClick={redo} aria-keyshortcuts="Control+Shift+Z">Redo</button>
        <button type="button" className="primary" disabled={!dirty && !read.read_only} onClick={() => setSaving(true)}>{read.read_only ? "Save a copy…" : "Save…"}</button>
      </header>
      <div className="bench">
        <Palette of={of} add={add} addRule={(when) => card && insert(card, when, needed(when, of))} card={card?.name ?? ""} />
        <div className="canvas" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
          <Graph view={view} chosen={chosen} choose={choose} editing={editing} />
        </div>
        <aside className="inspector" aria-label="In detail">
          {found && <RuleForm key={chosen} {...found} view={view} of={of} does={(edit) => void does(edit)} moved={(place) => moved(found.rule, place)} removed={() => setChosen("")} />}
          {name && card && <NodeForm key={name} card={card} of={of} graph={read.graph} does={does} choose={setChosen} />}
          {!found && !(name && card) && <p className="dim small pad">Choose a card or a row to change it. Drag rows into order, or move one, or a card by its name, with Alt and the arrow keys; drag from a row's end to a card to lead it there.</p>}
          <Findings findings={findings} choose={(keys) => setChosen(chosenBy(keys))} />
          <Changed changes={now?.changes ?? []} />
          <Decisions gate={now?.gate ?? null} chosen={runs} choose={chooseRuns} />
          <Fold title="Text" aside="as a difference"><Diff lines={now?.diff ?? []} /></Fold>
          {run && <GoOn run={run} text={edited.text} />}
        </aside>
      </div>
      {saving && <SaveDialog edited={edited} close={() => setSaving(false)} saved={(path) => void saved(path)} />}
    </div>
  );
}

/** The row or card that a finding's keys lead to. */
function chosenBy(keys: (string | number)[]): string {
  if (keys[0] === "rules" && keys.length >= 3) return keys.slice(0, 3).join("/");
  if (keys[0] === "faults" && keys.length >= 2) return keys.slice(0, 2).join("/");
  return keys[1] === undefined ? "" : `node/${keys[1]}`;
}

function Broken({ edited: { read } }: { edited: Edited }) {
  return (
    <div className="sheet">
      <header className="head"><h1>{visible(read.graph)}</h1></header>
      {read.findings.map(({ what, line, column }, number) => <p key={number} className="finding">line {line}, column {column}: {visible(what)}</p>)}
      <p className="dim below">Mend it in an editor; it is read again as soon as it is saved.</p>
      <pre>{visible(read.text)}</pre>
    </div>
  );
}

function useKeys(undo: () => void, redo: () => void): void {
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (typing || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      (event.shiftKey ? redo : undo)();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [undo, redo]);
}
