// Where replies come from: Python over HTTP, a notebook's kernel, or the data in the file that the page is.
import type { Changed, Changes, Replies, RunReply, StepReply } from "./protocol";

/** What Python refused, in one line. */
export class Refused extends Error {
  constructor(message: string, readonly status: number, readonly diff: string[] = []) {
    super(message);
  }
}

export interface Host {
  readonly steers: boolean; // whether anything can be changed from here
  ask<Name extends keyof Replies>(name: Name, asked: object): Promise<Replies[Name]>;
  /** Call `told` with what changes, until the returned function is called. */
  follow(told: (changed: Changed[]) => void, lost: (why: string) => void): () => void;
}

async function read(reply: Response): Promise<unknown> {
  const body = await reply.json().catch(() => ({ error: `the studio answered with status ${reply.status}` }));
  if (reply.ok) return body;
  throw refusal(body, reply.status);
}

interface Refusal { error?: string; diff?: string[] }
const refusal = (body: Refusal, status: number) => new Refused(String(body.error ?? status), status, body.diff ?? []);

const GONE = "the studio does not answer: it was stopped, or another one took its place. Start it again, and open the address that it prints.";
const ALL: Changed[] = [{ what: "all", name: "", said: "" }];
const WAIT = 20; // seconds that a request for changes may wait
const PAUSE = 1000; // milliseconds before another try where the studio did not answer

/** The page of `budgetml studio`. */
export function overHttp(token: string): Host {
  const headers = { "X-Studio-Token": token, "Content-Type": "application/json" };
  const send = (path: string, more: RequestInit) =>
    fetch(path, { headers, cache: "no-store", credentials: "omit", ...more }).catch((error: Error) => {
      throw error.name === "AbortError" ? error : new Refused(GONE, 0);
    });
  return {
    steers: true,
    ask: async (name, asked) =>
      (await read(await send(`api/${name}`, { method: "POST", body: JSON.stringify(asked) }))) as never,
    follow(told, lost) {
      const stop = new AbortController();
      const listen = async () => {
        for (let since = 0, missed = false; !stop.signal.aborted; ) {
          try {
            const path = `api/changes?since=${since}&wait=${WAIT}`;
            const changes = (await read(await send(path, { signal: stop.signal }))) as Changes;
            told(missed ? ALL : changes.changed);
            missed = false;
            since = changes.seq;
            lost("");
          } catch (error) {
            if (stop.signal.aborted) return;
            lost((error as Error).message);
            if (error instanceof Refused && error.status === 401) return;
            missed = true;
            since = 0; // another studio may have begun to count anew
            await new Promise((done) => setTimeout(done, PAUSE));
          }
        }
      };
      void listen();
      return () => stop.abort();
    },
  };
}

/** A run that lies in the file itself. */
export function inFile(data: { run: RunReply; steps: StepReply[] }): Host {
  const found: Partial<Record<keyof Replies, (asked: never) => unknown>> = {
    run: () => data.run,
    runs: () => ({ runs: [data.run.row] }),
    step: ({ step }: { step: number }) => data.steps.find(({ row }) => row.step === step),
  };
  return {
    steers: false,
    ask: async (name, asked) => {
      const reply = found[name]?.(asked as never);
      if (!reply) throw new Refused("this page is a file: it shows one run and changes nothing", 404);
      return reply as never;
    },
    follow: () => () => undefined,
  };
}

/** What the kernel sends: an answer, or what changed. */
export interface Message { id?: number; status?: number; reply?: object; changed?: Changed[] }

/** What anywidget gives a widget. */
export interface WidgetModel {
  get(name: string): unknown;
  send(content: object): void;
  on(event: "msg:custom", heard: (message: Message) => void): void;
  off(event: "msg:custom", heard: unknown): void;
}

/** A notebook's output. */
export function inWidget(model: WidgetModel): Host {
  let last = 0;
  const waiting = new Map<number, [(reply: never) => void, (error: Error) => void]>();
  model.on("msg:custom", ({ id = 0, status = 200, reply }) => {
    const [done, failed] = waiting.get(id) ?? [];
    waiting.delete(id);
    if (status >= 400) failed?.(refusal(reply as Refusal, status));
    else if (reply) done?.(reply as never);
  });
  return {
    steers: true,
    ask: (name, asked) =>
      new Promise((done, failed) => {
        const id = ++last;
        waiting.set(id, [done as never, failed]);
        model.send({ id, name, asked });
      }),
    follow(told) {
      const heard = ({ changed }: Message) => changed && told(changed);
      model.on("msg:custom", heard);
      return () => model.off("msg:custom", heard);
    },
  };
}
