// An arrow from a row to a card: a curve, or a way around the cards between.
import { BaseEdge, getBezierPath, type Edge, type EdgeProps } from "@xyflow/react";
import { path } from "./around";

export type ArrowEdge = Edge<{ lane: number | null; number: number }, "arrow">;

export function Arrow({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, markerEnd, data }: EdgeProps<ArrowEdge>) {
  const side = (position: string) => (position === "left" ? -1 : 1);
  const [from, to] = [{ x: sourceX, y: sourceY }, { x: targetX, y: targetY }];
  const way = data?.lane != null
    ? path(from, to, data.lane, side(sourcePosition), side(targetPosition), data.number)
    : getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition })[0];
  return <BaseEdge path={way} markerEnd={markerEnd} interactionWidth={0} />;
}
