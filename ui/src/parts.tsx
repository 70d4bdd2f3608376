// Small parts that all pages are made of.
import { useId, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { dollars, visible } from "./format";
import type { Stands, Told } from "./protocol";

/** A stranger's text, with what is invisible in it made visible. */
export function Text({ of }: { of: string }) {
  return <bdi>{visible(of)}</bdi>;
}

/** A longer text as it was written. */
export function Pre({ of, told }: { of?: string; told?: Told | null }) {
  const text = told ? told.text : (of ?? "");
  const cut = told && told.whole > told.text.length;
  return (
    <>
      <pre tabIndex={0}>{visible(text)}</pre>
      {cut && <p className="dim small">The first {told.text.length.toLocaleString("en-US")} of {told.whole.toLocaleString("en-US")} characters.</p>}
    </>
  );
}

const kind = (line: string, number: number) =>
  line[0] === "@" || (number < 2 && /^(---|\+\+\+)/.test(line)) ? "dim" : line[0] === "+" ? "ins" : line[0] === "-" ? "del" : undefined;

export function Diff({ lines }: { lines: string[] }) {
  return (
    <pre className="diff" tabIndex={0}>
      {lines.map((line, number) => (
        <span key={number} className={kind(line, number)}>
          {visible(line) + "\n"}
        </span>
      ))}
    </pre>
  );
}

const WORDS: Record<Stands, string> = {
  underway: "running", waits: "waits for you", stopped: "stopped", dead: "dead: its process is gone",
  finished: "finished", failed: "failed", new: "not begun", damaged: "damaged",
};

export function Status({ stands }: { stands: Stands }) {
  return <span className={`status ${stands}`}>{WORDS[stands]}</span>;
}

/** What is spent of the budget; what is reserved is paler. */
export function Bar({ usd, reserved = 0, budget }: { usd: number; reserved?: number; budget: number }) {
  const share = (part: number) => `${budget ? Math.min(100, (100 * part) / budget) : 0}%`;
  return (
    <span className="bar" role="img" aria-label={`${dollars(usd + reserved)} of ${dollars(budget)} spent${reserved ? " or reserved" : ""}`}>
      <i style={{ width: share(usd) }} />
      {reserved > 0 && <i className="reserved" style={{ width: share(reserved) }} />}
    </span>
  );
}

/** Browsers let nobody else write there from a page without TLS, as notebooks on another machine can be. */
async function intoClipboard(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function Copy({ of, label = "Copy" }: { of: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await intoClipboard(of);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return <button type="button" className="quiet" onClick={() => void copy()}>{done ? "Copied" : label}</button>;
}

export function Field({ label, says, children }: { label: string; says?: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {says && <p className="dim small">{says}</p>}
    </div>
  );
}

export function Choice({ id, value, of, none, change, disabled }: {
  id?: string; value: string; of: readonly string[]; none?: string; change(value: string): void; disabled?: boolean;
}) {
  const all = value && !of.includes(value) ? [value, ...of] : of;
  return (
    <select id={id} value={value} disabled={disabled} onChange={(event) => change(event.target.value)}>
      {none !== undefined && <option value="">{none}</option>}
      {all.map((name) => <option key={name} value={name}>{visible(name)}</option>)}
    </select>
  );
}

/** A window over the page; Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, close, children }: { title: string; close(): void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const open = dialog.current; // it is closed before it is taken away: only then the focus goes back
    open?.showModal();
    return () => open?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onCancel={(event) => { event.preventDefault(); close(); }}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" className="quiet" aria-label="Close" onClick={close}>✕</button>
      </header>
      {children}
    </dialog>
  );
}

/** A heading with what belongs to it, to be opened and shut. */
export function Fold({ title, aside, open = false, children }: { title: ReactNode; aside?: ReactNode; open?: boolean; children: ReactNode }) {
  const [shown, setShown] = useState(open);
  return (
    <details open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary><span className="title">{title}</span>{aside && <span className="dim small">{aside}</span>}</summary>
      {shown && <div className="folded">{children}</div>}
    </details>
  );
}
