// One node: what it runs, what it asks with, its ladder, its share of the money.
import { useState } from "react";
import { visible } from "../format";
import { Choice, Field } from "../parts";
import type { CardView, Catalogue, Operation } from "../protocol";
import { PromptDialog } from "./PromptDialog";
import { Typed } from "./RuleForm";

interface Props { card: CardView; of: Catalogue; graph: string; does(operation: Operation): Promise<boolean>; choose(chosen: string): void }

export function NodeForm({ card, of, graph, does, choose }: Props) {
  const [prompting, setPrompting] = useState(false);
  const node = card.name;
  const says = of.nodes.find(({ name }) => name === card.run)?.says;
  const set = (field: string, value: unknown) => void does(value === undefined ? { do: "clear_node", node, field } : { do: "set_node", node, [field]: value });
  const rename = async (to: string) => {
    if (await does({ do: "rename_node", node, to })) choose(`node/${to}`);
  };
  const ladder = (text: string) => {
    const rungs = text.split(/[,›>\s]+/).filter(Boolean);
    set("ladder", rungs.length === 1 && rungs[0] === "auto" ? "auto" : rungs.length ? rungs : undefined);
  };
  return (
    <section aria-label="Node">
      <header><h2>{visible(node)}</h2><span className="grow" />{card.start ? <span className="chip on">start</span> : <button type="button" className="quiet" onClick={() => void does({ do: "set_start", node })}>Begin here</button>}</header>
      {card.findings.map(({ what, note }, number) => <p key={number} className={note ? "note" : "finding"}>{visible(what)}</p>)}
      <Field label="Name">{(id) => <Typed id={id} value={node} change={(to) => void rename(to)} />}</Field>
      <Field label="Runs" says={says}>{(id) => <Choice id={id} value={card.run} of={of.nodes.map(({ name }) => name)} change={(run) => set("run", run)} />}</Field>
      <Field label="Prompt">{(id) => (
        <span className="with">
          <Choice id={id} value={card.prompt} none="none" of={of.prompts.map(({ name }) => name)} change={(prompt) => set("prompt", prompt || undefined)} />
          {card.prompt && <button type="button" onClick={() => setPrompting(true)}>Edit…</button>}
        </span>
      )}</Field>
      <Field label="Ladder" says="From cheap to dear, with commas; recall asks no model.">{(id) => <Typed id={id} value={card.ladder.join(", ")} placeholder="none" change={ladder} />}</Field>
      <Field label="Budget in dollars">{(id) => <Typed id={id} value={card.budget === null ? "" : String(card.budget)} placeholder="that of the run" change={(text) => set("budget", text.trim() === "" ? undefined : Number.isNaN(Number(text)) ? text : Number(text))} />}</Field>
      <fieldset>
        <legend>History</legend>
        {of.recalls.map((kind) => {
          const kinds = card.recalls ?? [];
          const change = (on: boolean) => set("recalls", on ? [...kinds, kind] : kinds.filter((each) => each !== kind));
          return <label key={kind} className="check"><input type="checkbox" checked={kinds.includes(kind)} onChange={(event) => change(event.target.checked)} />{visible(kind)}</label>;
        })}
        {card.recalls !== null && <button type="button" className="quiet" onClick={() => set("recalls", undefined)}>as usual</button>}
      </fieldset>
      <button type="button" onClick={() => { void does({ do: "remove_node", node }); choose(""); }}>Remove the node</button>
      {prompting && <PromptDialog prompt={card.prompt} graph={graph} close={() => setPrompting(false)} saved={(path) => { setPrompting(false); if (path !== card.prompt) set("prompt", path); }} />}
    </section>
  );
}
