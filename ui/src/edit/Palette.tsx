// What a graph can be made of: a node's function to click or drag onto the picture, a predicate onto a card.
import { useState } from "react";
import { visible } from "../format";
import type { Catalogue, NodeRow } from "../protocol";

export const DRAGGED = { node: "text/studio-node", when: "text/studio-when" };

export function Palette({ of, add, addRule, card }: { of: Catalogue; add(row: NodeRow): void; addRule(when: string): void; card: string }) {
  const [sought, setSought] = useState("");
  const found = (name: string, says: string) => `${name} ${says}`.toLowerCase().includes(sought.toLowerCase());
  return (
    <aside className="palette" aria-label="Palette">
      <input type="search" aria-label="Search the palette" placeholder="Search…" value={sought} onChange={(event) => setSought(event.target.value)} />
      <h2>Nodes</h2>
      <ul>
        {of.nodes.filter(({ name, says }) => found(name, says)).map((row) => (
          <li key={row.name}><button type="button" draggable title={row.says} onDragStart={(event) => event.dataTransfer.setData(DRAGGED.node, row.name)} onClick={() => add(row)}>+ {visible(row.name)}</button></li>
        ))}
      </ul>
      <h2>Rules <span className="dim">{card ? `for ${visible(card)}` : "choose a card, or drag onto one"}</span></h2>
      <ul>
        {of.predicates.filter(({ name, says }) => found(name, says)).map(({ name, says }) => (
          <li key={name}><button type="button" draggable title={says} aria-disabled={!card} onDragStart={(event) => event.dataTransfer.setData(DRAGGED.when, name)} onClick={() => card && addRule(name)}>+ {visible(name)}</button></li>
        ))}
      </ul>
    </aside>
  );
}
