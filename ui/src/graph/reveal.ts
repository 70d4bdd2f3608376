// What is chosen, or reached by a key, is seen: a picture that is larger than its window moves so far that it is.
import { useReactFlow, useStoreApi } from "@xyflow/react";
import { useCallback } from "react";

const EDGE = 16; // pixels that stay free around it

/** How far what spans `low` to `high` has to move to lie between `from` and `to`; of what is too large the begin is seen. */
export function shift(low: number, high: number, from: number, to: number): number {
  if (low < from) return from - low;
  return high > to ? Math.max(to - high, from - low) : 0;
}

export function useReveal(): (element: Element | null) => void {
  const { getViewport, setViewport } = useReactFlow();
  const store = useStoreApi();
  return useCallback((element) => {
    const canvas = store.getState().domNode;
    if (!element || !canvas) return;
    canvas.scrollTo(0, 0); // a browser scrolls to what has the focus; the picture knows nothing of that
    const [box, seen] = [element.getBoundingClientRect(), canvas.getBoundingClientRect()];
    const right = shift(box.left, box.right, seen.left + EDGE, seen.right - EDGE);
    const down = shift(box.top, box.bottom, seen.top + EDGE, seen.bottom - EDGE);
    const { x, y, zoom } = getViewport();
    if (right || down) void setViewport({ x: x + right, y: y + down, zoom });
  }, [getViewport, setViewport, store]);
}
