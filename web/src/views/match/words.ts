// What a match comes to, for people.
import type { Geometry, Orientation } from "./asking";

/** The other way round than the one that was taken. */
export const otherWay = ({ mirrored }: Orientation): string => String(!mirrored);

/** Votes for each way, as shares of both. */
export function wayShares({ straight_score, mirrored_score }: Orientation): [straight: number, mirrored: number] {
  const all = straight_score + mirrored_score;
  return all > 0 ? [straight_score / all, mirrored_score / all] : [0.5, 0.5];
}

/** Where a point of `here` lies in `there` when a plane relates them; null beyond the plane's horizon. */
export function carriedBy(matrix: readonly (readonly number[])[], x: number, y: number): [x: number, y: number] | null {
  const row = (i: number) => {
    const [a = 0, b = 0, c = 0] = matrix[i] ?? [];
    return a * x + b * y + c;
  };
  const depth = row(2);
  return depth > 1e-6 ? [row(0) / depth, row(1) / depth] : null;
}

/** The whole of `here` as it lies in `there`, as an SVG path; null when a part of it lies beyond the horizon. */
export function outlineOf({ relation, matrix }: Geometry, { width, height }: { width: number; height: number }): string | null {
  if (relation !== "plane" || !matrix) return null;
  const corners = [[0, 0], [width, 0], [width, height], [0, height]].map(([x, y]) => carriedBy(matrix, x as number, y as number));
  if (corners.some((corner) => corner === null)) return null;
  return `M${corners.map((corner) => (corner as [number, number]).map((one) => one.toFixed(1)).join(" ")).join("L")}Z`;
}
