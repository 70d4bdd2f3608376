// What the page knows of Python's replies: asked once, and again when Python says that something changed.
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { Refused, type Host } from "./host";
import type { Changed, Code, Replies } from "./protocol";

type Heard = (changed: Changed[]) => void;
interface Studio {
  host: Host;
  listen(heard: Heard): () => void;
  lost: string; // why nothing is heard of Python; "" where all is well
  said: string; // the newest refusal or error, to be shown to the person
  say(said: string): void;
  code: Code | null; // the newest thing done, as Python and as a command
  show(code: Code | undefined): void;
}

const Context = createContext<Studio>(null!);
export const useStudio = (): Studio => useContext(Context);

export function StudioOf({ host, children }: { host: Host; children: ReactNode }) {
  const heards = useRef(new Set<Heard>());
  const [lost, setLost] = useState("");
  const [said, say] = useState("");
  const [code, setCode] = useState<Code | null>(null);
  const show = useCallback((code: Code | undefined) => void (code && setCode(code)), []);
  const listen = useCallback((heard: Heard) => {
    heards.current.add(heard);
    return () => void heards.current.delete(heard);
  }, []);
  useEffect(
    () =>
      host.follow((changed) => {
        for (const { what, said } of changed) if (what === "error") say(said);
        for (const heard of heards.current) heard(changed);
      }, setLost),
    [host],
  );
  const studio = useMemo<Studio>(
    () => ({ host, listen, lost, said, say, code, show }),
    [host, listen, lost, said, code, show],
  );
  return <Context value={studio}>{children}</Context>;
}

/** What concerns a thing: any change that names it. */
export type Concerns = (changed: Changed) => boolean;

/** `old` is the newest reply, if it be one to what was asked before. */
export interface Answer<Reply> { reply: Reply | null; old: Reply | null; error: string; again(): void }

/** A request's reply, kept up to date. */
export function useReply<Name extends keyof Replies>(
  name: Name,
  asked: object | null,
  concerns: Concerns = () => false,
): Answer<Replies[Name]> {
  const { host, listen } = useStudio();
  const [told, setTold] = useState<{ key: string | null; reply: Replies[Name] } | null>(null);
  const [error, setError] = useState("");
  const key = asked && JSON.stringify(asked);
  const latest = useRef(0);
  const again = useCallback(() => {
    if (key === null) return;
    const mine = ++latest.current; // an older request that comes back later is not listened to
    host.ask(name, JSON.parse(key)).then(
      (reply) => mine === latest.current && (setTold({ key, reply }), setError("")),
      (error: Error) => mine === latest.current && setError(error.message),
    );
  }, [host, name, key]);
  useEffect(() => {
    setError("");
    again();
  }, [again]);
  const judge = useRef(concerns);
  judge.current = concerns;
  useEffect(() => listen((changed) => changed.some((each) => each.what === "all" || judge.current(each)) && again()), [listen, again]);
  return { reply: told?.key === key ? told.reply : null, old: told?.reply ?? null, error, again };
}

/** Ask for something that changes the world; what is refused is said at the top of the page. */
export function useAsk() {
  const { host, say, show } = useStudio();
  return useCallback(
    async <Name extends keyof Replies>(name: Name, asked: object): Promise<Replies[Name] | null> => {
      try {
        say("");
        const reply = await host.ask(name, asked);
        show((reply as { code?: Code }).code);
        return reply;
      } catch (error) {
        say((error as Error).message);
        if (error instanceof Refused && error.diff.length) show({ python: error.diff.join("\n"), command: "" });
        return null;
      }
    },
    [host, say, show],
  );
}

/** A word that is new for each click, so that the same click twice is done once. A notebook without TLS has no `randomUUID`. */
export const once = (): string => crypto.getRandomValues(new Uint32Array(4)).join("-");
