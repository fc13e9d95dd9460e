// Taking back what is marked, and marking again what was taken back.
import { AREAS, covers, edgesOf, isPoint, simplified, type Mark, type Point } from "./marks";

/** The marks after a stroke of the eraser: what lies under it is gone, and areas keep the rest. */
export function erasedBy(marks: readonly Mark[], stroke: Mark): readonly Mark[] {
  const under = (at: Point) => covers(stroke, at);
  const cut = marks.flatMap((mark) => {
    if (isPoint(mark)) return under(mark.points[0] as Point) ? [] : [mark];
    return mark.kind === "avoid" ? without(mark, under) : [mark];
  });
  const erasers = [...cut.filter(({ kind }) => kind === "erase"), stroke];
  const left = cut.filter((mark) => !isArea(mark) || !isUnder(mark, erasers));
  if (!left.some(isArea)) return left.filter(({ kind }) => kind !== "erase");
  return [...left, stroke];
}

/** What is marked anew is marked, though it was erased before: the eraser's strokes give way. */
export function paintedOver(marks: readonly Mark[], added: Mark): readonly Mark[] {
  const over = (at: Point) => covers(added, at);
  return marks.flatMap((mark) => (mark.kind === "erase" ? without(mark, over) : [mark]));
}

const isArea = ({ kind }: Mark): boolean => AREAS.includes(kind);

const FINE = 9; // samples a side of the box around a mark

/** Is nothing of an area left? By samples of it. */
function isUnder(area: Mark, erasers: readonly Mark[]): boolean {
  const [left, top, right, bottom] = edgesOf(area);
  const along = (low: number, high: number) => Array.from({ length: FINE }, (_, i) => low + ((i + 0.5) * (high - low)) / FINE);
  const samples = along(left, right).flatMap((x) => along(top, bottom).map((y): Point => [x, y]));
  const inside = [...samples.filter((at) => covers(area, at)), ...(area.kind === "brush" ? area.points : [])];
  return (inside.length ? inside : area.points).every((at) => erasers.some((one) => covers(one, at)));
}

/** The pieces of a stroke whose middle is not under something. */
function without(stroke: Mark, under: (at: Point) => boolean): Mark[] {
  const pieces: Point[][] = [[]];
  for (const at of finely(stroke)) {
    if (!under(at)) (pieces.at(-1) as Point[]).push(at);
    else if ((pieces.at(-1) as Point[]).length) pieces.push([]);
  }
  if (pieces.length === 1 && pieces[0]?.length && !stroke.points.some(under)) return [stroke]; // nothing was cut
  return pieces.filter((way) => way.length).map((points) => ({ ...stroke, points: simplified(points, stroke.radius / 5) }));
}

/** The way of a stroke with a point at least every half of its radius. */
function finely({ points, radius }: Mark): readonly Point[] {
  return points.flatMap((to, i) => {
    const from = points[i - 1];
    if (!from) return [to];
    const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / (radius / 2)));
    return Array.from({ length: steps }, (_, step): Point => {
      const share = (step + 1) / steps;
      return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
    });
  });
}
