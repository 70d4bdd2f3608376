// What comes back from Python: the same shapes as budgetmlagent/studio/replies.py. Every text in it may be a stranger's.

export type Keys = (string | number)[];
export interface Code { python: string; command: string }
export interface Named { name: string; path: string; shipped: boolean; says: string }
export interface Argument {
  name: string;
  type: "int" | "float" | "str" | "bool" | "other";
  required: boolean;
  default: unknown;
  choices: unknown[];
}
export interface PredicateRow { name: string; says: string; arguments: Argument[]; shipped: boolean }
export interface NodeRow {
  name: string; says: string; role: string; recalls: string[]; prompt: boolean; ladder: boolean; shipped: boolean;
}
export interface Catalogue {
  version: string; folder: string; runs_dir: string;
  tasks: Named[]; graphs: Named[]; models: Named[]; prompts: Named[];
  nodes: NodeRow[]; predicates: PredicateRow[]; recalls: string[];
  defaults: Record<string, unknown>;
}
export type Stands = "underway" | "waits" | "stopped" | "dead" | "finished" | "failed" | "new" | "damaged";
export interface RunRow {
  run_id: string; stands: Stands; reason: string; task: string; graph: string; metric: string; direction: string;
  baseline: number | null; best: number | null; gain_pct: number | null; success: boolean;
  usd: number; budget: number; calls: number; turn: number; turns: number; steps: number; seconds: number; begun: number;
  parent: string; parent_step: number | null; replayed: boolean;
}
export interface Runs { runs: RunRow[]; code?: Code }
export interface Flight { id: string; step: number; node: string; model: string; created: number; usd_reserved: number }
export interface Live {
  stands: Stands; pid: number | null; since: number | null; node: string; flight: Flight | null; pausing: boolean; ours: boolean;
}
export interface FindingRow { keys: Keys; line: number; column: number; kind: string; what: string; note: boolean }
export interface RuleRow {
  keys: Keys; number: string; shared: boolean; when: string; arguments: Record<string, unknown>;
  up: string; down: string; to: string; text: string; words: string;
  look: "usual" | "expert" | "up" | "end" | "other" | "fault"; fired: number; usd: number; findings: FindingRow[];
}
export interface CardView {
  name: string; run: string; role: string; prompt: string; ladder: string[]; budget: number | null;
  recalls: string[] | null; start: boolean; rules: RuleRow[]; findings: FindingRow[];
  runs: number; usd: number; rungs: Record<string, number>; rung: string;
}
export interface EdgeCount { source: string; to: string; count: number; dearer: boolean }
export interface GraphView {
  name: string; start: string; cards: CardView[]; faults: RuleRow[]; edges: EdgeCount[];
  positions: Record<string, [number, number]>;
}
export interface StepRow {
  step: number; turn: number; node: string; did: string; why: string; to: string; rule: string; model: string;
  usd: number; tokens_in: number; tokens_out: number; seconds: number; time: number | null;
  score: number | null; best: number | null; fault: string; status: string; dearer: boolean;
  up: string; down: string; edited: string[]; replayed: boolean;
}
export interface BranchRow { name: string; steps: number; split: number; current: boolean }
export interface Part { name: string; node: string; usd: number; steps: number[] }
export interface Money {
  budget: number; usd: number; settled: number; reserved: number; left: number;
  by_node: Part[]; by_model: Part[]; by_rule: Part[];
}
export interface Question {
  step: number; node: string; model: string; usd: number; left_usd: number; declined?: { to: string; rule: string; words: string } | null;
}
export interface CurvePoint { step: number; score: number | null; best: number | null; usd: number }
export interface RunReply {
  row: RunRow; live: Live; question: Question | null; at: number; next: string; ended: string; graph: GraphView; graph_text: string;
  steps: StepRow[]; branches: BranchRow[]; money: Money; curve: CurvePoint[];
  state: Record<string, unknown>; edits: string[]; summary: Record<string, unknown>; code: Code;
}
export interface Passed { rule: string; words: string; saw: string; fired: boolean }
export interface Change { field: string; before: string; after: string }
export interface Supply { id: string; kind: string; source: string; similarity: number; says: string }
export interface Told { text: string; whole: number }
export interface StepReply {
  row: StepRow; prompt: { role: string; text: string; whole: number }[]; reply: Told | null;
  calls: Record<string, unknown>[]; state: Change[]; script: Told | null; script_diff: string[]; output: Told | null;
  history: Supply[]; rules: Passed[]; advised: string; edits: Record<string, unknown>[]; around: number[]; code: Code;
}
export interface Decision { run: string; step: number; node: string; before: string; after: string }
export interface Gate { decisions: number; changes: Decision[]; error: string }
export interface GraphReply {
  graph: string; path: string; read_only: boolean; text: string; hash: string; view: GraphView | null;
  findings: FindingRow[]; code: Code;
}
export interface EditReply {
  text: string; hash: string; view: GraphView | null; findings: FindingRow[]; diff: string[]; changes: string[];
  gate: Gate | null; error: string; code: Code;
}
export interface Saved { path: string; hash: string }
export interface PromptReply { prompt: string; path: string; read_only: boolean; text: string; hash: string; copy: string }
export interface ModelPrice { name: string; model: string; host: string; worst_case_usd: number; calls: number }
export interface Price { usd: number; about: number | null; left: number | null; words: string; models: ModelPrice[]; code: Code }
export interface Driven { run: string; live: Live; said: string[]; code: Code }
export interface Parting { step: number; node: string; why: string; one: string; other: string }
export interface Compared {
  settings: Record<string, [unknown, unknown]>; parting: Parting | null; script: string[]; code: Code;
}
export interface Changed { what: "runs" | "run" | "graph" | "error" | "all"; name: string; said: string }
export interface Changes { seq: number; changed: Changed[] }

/** The reply to each request. */
export interface Replies {
  catalogue: Catalogue; runs: Runs; run: RunReply; step: StepReply; compare: Compared; graph: GraphReply; edit: EditReply;
  save: Saved; prompt: PromptReply; layout: object; price: Price; start: Driven; drive: Driven;
}
export type Operation = { do: string } & Record<string, unknown>;
