// One rule: when it fires, whom it moves on a ladder, where it leads. Each change is an edit that Python judges.
import { useEffect, useState } from "react";
import { visible } from "../format";
import { Choice, Field } from "../parts";
import type { Argument, Catalogue, GraphView, RuleRow } from "../protocol";
import { changed, moveRule, needed, removeRule, ruleOf } from "./operations";
import type { Edit } from "./useEditing";

interface Props { rule: RuleRow; last: number; view: GraphView; of: Catalogue; does(edit: Edit): void; moved(place: number): void; removed(): void }

export function RuleForm({ rule, last, view, of, does, moved, removed }: Props) {
  const nodes = view.cards.map(({ name }) => name);
  const targets = [...nodes, "END", ...(rule.shared ? ["again"] : [])];
  const predicate = of.predicates.find(({ name }) => name === rule.when);
  const change = (values: Record<string, unknown>) => does(changed(rule, (fresh) => ({ ...ruleOf(fresh), ...values })));
  const rename = (when: string) => {
    const known = new Set(of.predicates.find(({ name }) => name === when)?.arguments.map(({ name }) => name));
    does(changed(rule, ({ arguments: given, up, down, to }) => {
      const kept = Object.entries(given).filter(([name]) => known.has(name));
      return { when, ...needed(when, of), ...Object.fromEntries(kept), up, down, to };
    }));
  };
  const place = Number(rule.keys.at(-1));
  const move = (to: number) => {
    does(moveRule(rule, to));
    moved(to);
  };
  const extra = Object.keys(rule.arguments).filter((name) => !predicate?.arguments.some((each) => each.name === name));
  return (
    <section aria-label="Rule">
      <header>
        <h2>{rule.shared ? "Fault" : "Rule"} {place + 1} <span className="dim">{rule.shared ? "of all nodes" : visible(String(rule.keys[1]))}</span></h2>
        <span className="grow" />
        <button type="button" className="quiet" disabled={place === 0} aria-label="Move up" onClick={() => move(place - 1)}>↑</button>
        <button type="button" className="quiet" disabled={place >= last} aria-label="Move down" onClick={() => move(place + 1)}>↓</button>
      </header>
      {rule.findings.map(({ what, note }, number) => <p key={number} className={note ? "note" : "finding"}>{visible(what)}</p>)}
      <Field label="When" says={predicate?.says}>{(id) => <Choice id={id} value={rule.when} none="otherwise (always)" of={of.predicates.map(({ name }) => name)} change={rename} />}</Field>
      {predicate?.arguments.map((argument) => (
        <Value key={`${rule.when}/${argument.name}`} argument={argument} value={rule.arguments[argument.name]} change={(value) => change({ [argument.name]: value })} />
      ))}
      {extra.map((name) => <Value key={name} argument={{ name, type: "other", required: false, default: null, choices: [] }} value={rule.arguments[name]} change={(value) => change({ [name]: value })} />)}
      <Field label="Leads to">{(id) => <Choice id={id} value={rule.to} of={targets} change={(to) => change({ to })} />}</Field>
      <div className="columns">
        <Field label="Moves up">{(id) => <Choice id={id} value={rule.up} none="nobody" of={nodes} change={(up) => change({ up: up || undefined })} />}</Field>
        <Field label="Moves down">{(id) => <Choice id={id} value={rule.down} none="nobody" of={nodes} change={(down) => change({ down: down || undefined })} />}</Field>
      </div>
      <button type="button" onClick={() => { does(removeRule(rule)); removed(); }}>Remove the rule</button>
    </section>
  );
}

/** One argument: empty where its default is taken. */
function Value({ argument, value, change }: { argument: Argument; value: unknown; change(value: unknown): void }) {
  const { name, type, required, choices } = argument;
  const usual = required ? "needed" : `as usual${argument.default == null || argument.default === "" ? "" : `: ${argument.default}`}`;
  if (choices.length || type === "bool") {
    const all = type === "bool" ? ["true", "false"] : choices.map(String);
    const told = (text: string) => (text === "" ? undefined : type === "bool" ? text === "true" : choices.find((choice) => String(choice) === text));
    return <Field label={name}>{(id) => <Choice id={id} value={value === undefined ? "" : String(value)} none={usual} of={all} change={(text) => change(told(text))} />}</Field>;
  }
  const told = (text: string) => {
    const number = Number(text);
    return text.trim() === "" ? undefined : type !== "str" && !Number.isNaN(number) ? number : text;
  };
  return <Field label={name}>{(id) => <Typed id={id} value={value === undefined ? "" : String(value)} placeholder={usual} change={(text) => change(told(text))} />}</Field>;
}

/** A text field whose value counts once it is left or Enter is pressed. */
export function Typed({ id, value, placeholder, change }: { id?: string; value: string; placeholder?: string; change(value: string): void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const done = () => text !== value && change(text);
  return <input id={id} value={text} placeholder={placeholder} onChange={(event) => setText(event.target.value)} onBlur={done} onKeyDown={(event) => event.key === "Enter" && done()} />;
}
