// A graph being edited: a list of texts to go back and forth in. Python does each edit and judges it.
import { useCallback, useEffect, useRef, useState } from "react";
import type { EditReply, GraphReply, GraphView, Operation, Saved } from "../protocol";
import { Refused } from "../host";
import { useStudio } from "../store";

/** An operation, or what makes one of the graph as it stands when its turn comes; null where there is nothing to do. */
export type Edit = Operation | ((view: GraphView) => Operation | null);

export interface Edited {
  read: GraphReply; // the file as it was read
  now: EditReply | null; // as it is edited; null where nothing was edited yet
  text: string;
  dirty: boolean;
  busy: boolean;
  conflict: string[]; // what somebody else changed in the file meanwhile
  canUndo: boolean;
  canRedo: boolean;
  does(...edits: Edit[]): Promise<boolean>;
  undo(): void;
  redo(): void;
  gate(runs: string[]): void;
  save(path: string): Promise<Saved | null>;
  reread(): void;
}

export function useEditing(graph: string, runs: string[]): { edited: Edited | null; error: string } {
  const { host, say, show, listen } = useStudio();
  const [read, setRead] = useState<GraphReply | null>(null);
  const [now, setNow] = useState<EditReply | null>(null);
  const [texts, setTexts] = useState<string[]>([]);
  const [place, setPlace] = useState(0);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [conflict, setConflict] = useState<string[]>([]);
  const chosen = useRef(runs);
  const waiting = useRef<Promise<unknown>>(Promise.resolve()); // edits are done one after the other
  const view = useRef<GraphView | null>(null); // the newest that was a graph at all
  const state = useRef({ texts, place, read });
  state.current = { texts, place, read };

  const reread = useCallback(() => {
    host.ask("graph", { graph }).then(
      (reply) => {
        view.current = reply.view;
        setRead(reply);
        setNow(null);
        setTexts([reply.text]);
        setPlace(0);
        setConflict([]);
        setError("");
      },
      (error: Error) => setError(error.message),
    );
  }, [host, graph]);
  useEffect(reread, [reread]);
  // A file that changed on disk is read again where nothing would be lost; else saving shows the difference.
  useEffect(() => listen((changed) => {
    if (changed.some(({ what, name }) => what === "graph" && name === graph) && state.current.place === 0) reread();
  }), [listen, reread, graph]);

  // The decisions of runs take longer than an edit: they are asked for by themselves, and come when they come.
  const retake = useCallback(async (text: string) => {
    if (!chosen.current.length) return;
    const before = state.current.read!.text;
    const reply = await host.ask("edit", { graph, text, before, runs: chosen.current }).catch((error: Error) => say(error.message));
    if (reply) setNow((now) => (now && now.text === text ? { ...now, gate: reply.gate } : now));
  }, [host, graph, say]);

  const judge = useCallback(async (text: string, operations: Operation[]): Promise<EditReply | null> => {
    setBusy(true);
    try {
      const before = state.current.read!.text;
      const reply = await host.ask("edit", { graph, text, operations, before });
      say(reply.error);
      if (operations.length) show(reply.code);
      setNow((old) => ({ ...reply, gate: old?.gate ?? null }));
      if (reply.view) view.current = reply.view;
      void retake(reply.text);
      return reply;
    } catch (error) {
      say((error as Error).message);
      return null;
    } finally {
      setBusy(false);
    }
  }, [host, graph, say, show, retake]);

  const does = useCallback((...edits: Edit[]) => {
    const job = waiting.current.then(async () => {
      const { texts, place } = state.current;
      const made = edits.map((edit) => (typeof edit === "function" ? (view.current ? edit(view.current) : null) : edit));
      const operations = made.filter((operation) => operation !== null);
      if (!operations.length) return false;
      const reply = await judge(texts[place]!, operations);
      if (!reply || reply.error) return false;
      if (reply.text === texts[place]) return true;
      const kept = [...texts.slice(0, place + 1), reply.text];
      state.current = { ...state.current, texts: kept, place: kept.length - 1 };
      setTexts(kept);
      setPlace(kept.length - 1);
      return true;
    });
    waiting.current = job;
    return job;
  }, [judge]);

  // Go to another text, once the edits before it are done.
  const go = useCallback((by: number) => {
    waiting.current = waiting.current.then(async () => {
      const place = state.current.place + by;
      const text = state.current.texts[place];
      if (text === undefined) return;
      state.current = { ...state.current, place };
      setPlace(place);
      await judge(text, []);
    });
  }, [judge]);

  const gate = useCallback((runs: string[]) => {
    chosen.current = runs;
    go(0);
  }, [go]);

  const save = useCallback(async (path: string) => {
    const { texts, place, read } = state.current;
    setConflict([]);
    try {
      const hash = path === read!.path ? read!.hash : "";
      const saved = await host.ask("save", { path, text: texts[place], hash });
      if (path === read!.path) reread();
      return saved;
    } catch (error) {
      say((error as Error).message);
      if (error instanceof Refused) setConflict(error.diff);
      return null;
    }
  }, [host, say, reread]);

  const text = texts[place] ?? "";
  const edited: Edited | null = read && {
    read, now, text, dirty: text !== read.text, busy, conflict, canUndo: place > 0, canRedo: place < texts.length - 1,
    does, undo: () => go(-1), redo: () => go(1), gate, save, reread,
  };
  return { edited, error };
}
