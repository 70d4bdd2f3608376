// A run as it stands; a step that is appended costs one small request.
import { useCallback, useEffect, useRef, useState } from "react";
import type { RunReply } from "./protocol";
import { useStudio } from "./store";

/** Older steps with what is newer; null where the newer reply goes on from somewhere else. */
export function joined(old: RunReply, newer: RunReply, since: number): RunReply | null {
  const branch = (reply: RunReply) => reply.branches.find(({ current }) => current)?.name;
  if (branch(old) !== branch(newer) || newer.at < since) return null;
  const kept = old.steps.filter(({ step }) => step <= since);
  const curve = old.curve.filter(({ step }) => step <= since);
  return { ...newer, steps: [...kept, ...newer.steps], curve: [...curve, ...newer.curve] };
}

export function useRun(run: string): { reply: RunReply | null; error: string; again(): void } {
  const { host, listen } = useStudio();
  const [reply, setReply] = useState<RunReply | null>(null);
  const [error, setError] = useState("");
  const known = useRef<RunReply | null>(null);
  const busy = useRef(false);
  const missed = useRef(false); // something changed while an answer was waited for

  const again = useCallback(async () => {
    if (busy.current) return void (missed.current = true);
    busy.current = true;
    try {
      const since = known.current?.steps.at(-1)?.step ?? 0;
      let newer = await host.ask("run", { run, since });
      if (known.current && since) newer = joined(known.current, newer, since) ?? (await host.ask("run", { run }));
      known.current = newer;
      setReply(newer);
      setError("");
    } catch (error) {
      setError((error as Error).message);
    } finally {
      busy.current = false;
      if (missed.current) {
        missed.current = false;
        void again();
      }
    }
  }, [host, run]);

  useEffect(() => {
    known.current = null;
    setReply(null);
    void again();
    return listen((changed) => {
      if (changed.some(({ what, name }) => what === "all" || (what === "run" && name === run))) void again();
    });
  }, [again, listen, run]);
  return { reply, error, again };
}
