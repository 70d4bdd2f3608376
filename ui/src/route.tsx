// Where one is: `#TOKEN/run/ID/12` in the page of the studio, kept in the component itself in a notebook or a file.
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

type Path = (string | number)[];

export interface Place {
  path: string[];
  href(...path: Path): string | undefined;
  go(...path: Path): void;
  /** Go on without a new entry in the browser's history: from step to step. */
  slide(...path: Path): void;
}

const Current = createContext<Place>(null!);
export const usePlace = (): Place => useContext(Current);

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The token and the path of a fragment. The token stays there: a reload loses nothing and no log of a server sees it. */
export function taken(hash: string): { token: string; path: string[] } {
  const [token = "", ...path] = hash.replace(/^#/, "").split("/").map(decoded);
  return { token, path: path.filter(Boolean) };
}

export function InFragment({ token, children }: { token: string; children: ReactNode }) {
  const [path, setPath] = useState(() => taken(location.hash).path);
  useEffect(() => {
    const moved = () => setPath(taken(location.hash).path);
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  const place = useMemo<Place>(() => {
    const href = (...path: Path) => "#" + [token, ...path].map(encodeURIComponent).join("/");
    return {
      path,
      href,
      go: (...path) => void (location.hash = href(...path)),
      slide(...path) {
        history.replaceState(null, "", href(...path));
        setPath(path.map(String));
      },
    };
  }, [path, token]);
  return <Current value={place}>{children}</Current>;
}

export function InMemory({ begin, children }: { begin: Path; children: ReactNode }) {
  const [path, setPath] = useState<Path>(begin);
  const place = useMemo<Place>(() => {
    const go = (...path: Path) => setPath(path);
    return { path: path.map(String), href: () => undefined, go, slide: go };
  }, [path]);
  return <Current value={place}>{children}</Current>;
}

/** A way to another place; without an address it is a button that looks the same. */
export function Link({ to, className, children }: { to: Path; className?: string; children: ReactNode }) {
  const { href, go } = usePlace();
  const address = href(...to);
  if (address) return <a className={className} href={address}>{children}</a>;
  return <button type="button" className={`link ${className ?? ""}`} onClick={() => go(...to)}>{children}</button>;
}
