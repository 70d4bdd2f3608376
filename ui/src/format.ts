// Numbers as the whole page writes them.

/** Dollars, everywhere with four decimals: $0.0132. */
export function dollars(usd: number): string {
  if (usd > 0 && usd < 0.00005) return "<$0.0001";
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 4, maximumFractionDigits: 4 })}`;
}

export function score(value: number | null | undefined): string {
  return value == null ? "–" : String(Number(value.toPrecision(5)));
}

export function percent(value: number | null | undefined): string {
  return value == null ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}%`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

export function seconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 90) return `${Math.round(value)} s`;
  return value < 5400 ? `${Math.round(value / 60)} min` : `${(value / 3600).toFixed(1)} h`;
}

export function when(time: number | null): string {
  return time ? new Date(time * 1000).toLocaleString("sv-SE").slice(0, 16) : "";
}

export function plural(number: number, one: string): string {
  return `${count(number)} ${one}${number === 1 ? "" : "s"}`;
}

/** Bidi and control characters made visible, so that no text can pretend to be another. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `⟨${character.codePointAt(0)!.toString(16).padStart(4, "0")}⟩`);
}
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
