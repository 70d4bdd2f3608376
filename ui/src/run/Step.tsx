// One step in full: why it led where it led, what was asked and answered, and what it changed.
import { count, dollars, plural, score, seconds, visible, when } from "../format";
import { Copy, Diff, Fold, Pre } from "../parts";
import type { StepReply, StepRow } from "../protocol";
import { useReply } from "../store";
import { byHand } from "./Timeline";

export function StepPane({ run, step, of, choose }: { run: string; step: number; of: StepRow; choose(step: number): void }) {
  const { reply, error } = useReply("step", { run, step });
  const full = reply?.row.step === step ? reply : null;
  const row = full?.row ?? of;
  return (
    <article className="step" aria-label={`Step ${step}`}>
      <header>
        <h2>Step {step} <span className="dim">{visible(row.node)}</span></h2>
        <span className="grow" />
        {full && <Copy of={full.code.python} label="Copy as Python" />}
        <Around around={full?.around ?? []} step={step} choose={choose} />
      </header>
      <p className="did">{visible(row.did)}</p>
      <p className="facts dim small">
        {[row.model && `asked ${row.model}`, `turn ${row.turn}`, dollars(row.usd),
          row.tokens_in + row.tokens_out > 0 && `${count(row.tokens_in)} tokens in, ${count(row.tokens_out)} out`,
          seconds(row.seconds), row.score !== null && row.status && `score ${score(row.score)}`, when(row.time)].filter(Boolean).map((fact) => visible(String(fact))).join(" · ")}
      </p>
      {row.replayed && <p className="note-line replayed">Replayed: the reply or the execution was served from a recording.</p>}
      {row.edited.length > 0 && <p className="note-line byhand">A person changed this before the step: {visible(byHand(row.edited))}</p>}
      {error && <p className="banner bad">{visible(error)}</p>}
      {full ? <Parts step={full} /> : !error && <p className="empty">Reading…</p>}
    </article>
  );
}

function Around({ around, step, choose }: { around: number[]; step: number; choose(step: number): void }) {
  const before = around.filter((each) => each < step).at(-1);
  const after = around.find((each) => each > step);
  return (
    <span className="pair">
      <button type="button" className="quiet" disabled={before === undefined} onClick={() => choose(before!)}>← before</button>
      <button type="button" className="quiet" disabled={after === undefined} onClick={() => choose(after!)}>after →</button>
    </span>
  );
}

function Parts({ step }: { step: StepReply }) {
  const { rules, edits, state, script_diff, reply, prompt, output, history, calls, script, advised } = step;
  const fired = rules.find(({ fired }) => fired);
  const passed = rules.filter(({ fired }) => !fired);
  return (
    <>
      <section className="why" aria-label="Why it went on">
        <h3>Why it went on to {visible(step.row.to)}</h3>
        <ol className="tried">
          {passed.length > 0 && (
            <li><Fold title={plural(passed.length, "rule") + " passed over"} aside="and what they saw">
              <ol>{passed.map(({ words, rule, saw }, number) => <li key={number} title={rule}>{visible(words)}<div className="dim small saw">{`saw ${visible(saw)}`}</div></li>)}</ol>
            </Fold></li>
          )}
          {fired && <li className="fired" title={fired.rule}>{visible(fired.words)}<div className="dim small saw">{`saw ${visible(fired.saw)}`}</div></li>}
          {!fired && <li className="fired">{visible(step.row.why)}</li>}
        </ol>
        {advised && <p className="small">{visible(advised)}</p>}
      </section>
      {edits.length > 0 && <section className="byhand"><h3>Changed by hand before it</h3>{edits.map((edit, number) => <Pre key={number} of={JSON.stringify(edit, null, 1)} />)}</section>}
      {script_diff.length > 0 && <Fold open title="Script" aside={changed(script_diff)}><Diff lines={script_diff} /></Fold>}
      {output && <Fold open title="Output" aside={lines(output.whole)}><Pre told={output} /></Fold>}
      {reply && <Fold open title="Reply" aside={lines(reply.whole)}><Pre told={reply} /></Fold>}
      {prompt.length > 0 && <Fold title="Prompt" aside={lines(prompt.reduce((sum, { whole }) => sum + whole, 0))}>{prompt.map((message, number) => <div key={number}><h4>{visible(message.role)}</h4><Pre told={message} /></div>)}</Fold>}
      {history.length > 0 && (
        <Fold title="History" aside={`${plural(history.length, "item")} that memory supplied`}>
          <ul className="supplies">{history.map(({ id, kind, source, similarity, says }) => <li key={id}><b>{visible(says || source)}</b><div className="dim small">{visible(kind)} from {visible(source)}, similarity {similarity.toFixed(2)}</div></li>)}</ul>
        </Fold>
      )}
      {state.length > 0 && (
        <Fold title="State" aside={`${plural(state.length, "field")} changed`}>
          <table className="state"><thead><tr><th>Field</th><th>Before</th><th>After</th></tr></thead>
            <tbody>{state.map(({ field, before, after }) => <tr key={field}><th scope="row">{visible(field)}</th><td><code>{visible(before)}</code></td><td><code>{visible(after)}</code></td></tr>)}</tbody></table>
        </Fold>
      )}
      {calls.length > 0 && <Fold title="Calls" aside={`${plural(calls.length, "line")} of the ledger`}>{calls.map((call, number) => <Pre key={number} of={JSON.stringify(call, null, 1)} />)}</Fold>}
      {script && <Fold title="Script as it stands" aside={lines(script.whole)}><Pre told={script} /></Fold>}
    </>
  );
}

function changed(diff: string[]): string {
  const all = (sign: string) => diff.filter((line) => line.startsWith(sign) && !line.startsWith(sign.repeat(3))).length;
  return `+${all("+")} −${all("-")} lines`;
}

const lines = (characters: number): string => `${count(characters)} characters`;
