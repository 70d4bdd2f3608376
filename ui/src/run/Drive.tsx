// The buttons that go on with a run. Each that may spend says how much at most; Python says so, and judges each click.
import { useEffect, useRef, useState } from "react";
import { dollars, visible } from "../format";
import type { Price, RunReply } from "../protocol";
import { usePlace } from "../route";
import { once, useAsk, useReply } from "../store";
import { Back, Extend, Fork, Until } from "./Dialogs";

export type Asked = { action: string } & Record<string, unknown>;

/** What a drive would cost at most; nothing is asked while it is not known what. */
export function usePrice(run: RunReply, asked: Asked | null) {
  const known = asked && { drive: { run: run.row.run_id, at: run.at, ...asked } };
  return useReply("price", known, ({ what, name }) => what === "run" && name === run.row.run_id);
}

export function useDrive(run: RunReply) {
  const ask = useAsk();
  const [busy, setBusy] = useState(false);
  const drive = async (asked: Asked) => {
    setBusy(true);
    const reply = await ask("drive", { run: run.row.run_id, at: run.at, once: once(), ...asked });
    setBusy(false);
    return reply;
  };
  return { busy, drive };
}

/** A button with what it costs at most below its name. */
export function Spends({ name, run, asked, does, primary, disabled }: {
  name: string; run: RunReply; asked: Asked; does(asked: Asked): void; primary?: boolean; disabled?: boolean;
}) {
  const { reply, error } = usePrice(run, disabled ? null : asked);
  return (
    <button type="button" className={primary ? "spends primary" : "spends"} disabled={disabled || Boolean(error)} title={error || reply?.words} onClick={() => does(asked)}>
      {name}<small>{error ? "not now" : reply ? most(reply) : " "}</small>
    </button>
  );
}

const most = ({ usd, about }: Price): string =>
  usd > 0 ? `${about == null ? "" : `about ${dollars(about)}, `}at most ${dollars(usd)}` : "costs nothing";

type Open = "" | "until" | "extend" | "back" | "fork";

export function Drive({ run, step }: { run: RunReply; step: number }) {
  const { busy, drive } = useDrive(run);
  const { go } = usePlace();
  const [open, setOpen] = useState<Open>("");
  const { live, question } = run;
  const runs = live.stands === "underway";
  const over = run.next === "END";
  const toolbar = useRef<HTMLDivElement>(null);
  const pressed = useRef(false);
  const does = (asked: Asked) => {
    pressed.current = true;
    void drive(asked);
  };
  // What was pressed has made room for other buttons: whoever goes by keys goes on there, not at the top of the page.
  useEffect(() => {
    if (pressed.current && !busy && document.activeElement === document.body) toolbar.current?.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
  }, [busy, runs, over]);
  const then = async (asked: Asked) => {
    const reply = await drive(asked);
    if (!reply) return;
    setOpen("");
    go("run", reply.run);
  };
  const close = () => setOpen("");
  return (
    <>
      {question && !runs && <Ask run={run} does={does} busy={busy} />}
      <div className="drive" role="toolbar" ref={toolbar} aria-label="Go on">
        {runs ? (
          <>
            <button type="button" className="spends" disabled={busy || live.pausing} onClick={() => does({ action: "pause" })}>Pause<small>after this step</small></button>
            <button type="button" className="spends" disabled={busy} onClick={() => does({ action: "stop" })}>Stop<small>what is asked stays reserved</small></button>
          </>
        ) : over ? <p className="dim over">It has come to its end. More turns or money, an earlier step or a fork go on from here.</p> : !question && (
          <>
            <Spends name="Step" run={run} asked={{ action: "step" }} does={does} primary disabled={busy} />
            <Spends name="Run to the end" run={run} asked={{ action: "run" }} does={does} disabled={busy} />
            <button type="button" className="spends" disabled={busy} onClick={() => setOpen("until")}>Run until…<small>a node, step or rule</small></button>
          </>
        )}
        <span className="grow" />
        <button type="button" className="spends" disabled={busy || runs} onClick={() => setOpen("extend")}>More…<small>money or turns</small></button>
        <button type="button" className="spends" disabled={busy || runs || run.at === 0} onClick={() => setOpen("back")}>Back…<small>to step {step < run.at ? step : Math.max(0, run.at - 1)}</small></button>
        <button type="button" className="spends" disabled={busy} onClick={() => setOpen("fork")}>Fork…<small>after step {step}</small></button>
      </div>
      {open === "until" && <Until run={run} step={step} does={then} close={close} />}
      {open === "extend" && <Extend run={run} does={then} close={close} />}
      {open === "back" && <Back run={run} step={step < run.at ? step : Math.max(0, run.at - 1)} does={then} close={close} />}
      {open === "fork" && <Fork run={run} step={step} does={then} close={close} />}
    </>
  );
}

/** A call that waits for a person's word. */
function Ask({ run, does, busy }: { run: RunReply; does(asked: Asked): void; busy: boolean }) {
  const { question } = run;
  const [on, setOn] = useState(false);
  if (!question) return null;
  const { declined } = question;
  return (
    <section className="ask" aria-label="A call waits for you">
      <div>
        <h2>May {visible(question.node)} ask {visible(question.model)}?</h2>
        <p>At most <b>{dollars(question.usd)}</b> of the {dollars(question.left_usd)} that are left.</p>
        {declined?.rule && <p className="dim small" title={declined.rule}>If you decline: {visible(declined.words)}</p>}
      </div>
      <span className="grow" />
      <label className="check"><input type="checkbox" checked={on} onChange={(event) => setOn(event.target.checked)} />then run on</label>
      <button type="button" disabled={busy} onClick={() => does({ action: "decline", go: on })}>Decline</button>
      <Spends name="Approve" run={run} asked={{ action: "approve", go: on }} does={does} primary disabled={busy} />
    </section>
  );
}
