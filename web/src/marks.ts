// What a person marks on a picture: boxes, lassos, brush strokes, points; what is not meant, and what was erased.
// Everything is in the picture's own pixels, x to the right and y down.

export type Point = readonly [x: number, y: number];
export type Kind = "box" | "lasso" | "brush" | "at" | "not" | "avoid" | "erase";
export const KINDS: readonly Kind[] = ["box", "lasso", "brush", "at", "not", "avoid", "erase"];
export const AREAS: readonly Kind[] = ["box", "lasso", "brush"]; // of what is meant

export interface Mark {
  kind: Kind;
  points: readonly Point[]; // box: left top and right bottom; lasso: corners; a stroke: the way it went; a point: itself
  radius: number; // of a stroke; 0 otherwise
}

export interface Extent {
  width: number;
  height: number;
}

export type Edges = readonly [left: number, top: number, right: number, bottom: number];

export const boxMark = ([left, top, right, bottom]: Edges): Mark => ({
  kind: "box",
  points: [[Math.min(left, right), Math.min(top, bottom)], [Math.max(left, right), Math.max(top, bottom)]],
  radius: 0,
});

export const pointMark = (kind: "at" | "not", at: Point): Mark => ({ kind, points: [at], radius: 0 });

export const isPoint = ({ kind }: Mark): boolean => kind === "at" || kind === "not";

/** Painted: with the brush, as "not this", or with the eraser. */
export const isStroke = ({ kind }: { kind: Kind }): boolean => kind === "brush" || kind === "avoid" || kind === "erase";

/** Only what is wanted makes a question; what is not wanted alone does not. */
export const asksSomething = (marks: readonly Mark[]): boolean =>
  marks.some(({ kind }) => AREAS.includes(kind) || kind === "at");

const FEWEST: Record<Kind, number> = { box: 2, lasso: 3, brush: 1, at: 1, not: 1, avoid: 1, erase: 1 };
const MOST_CORNERS = 400;

/** Read one mark of an address, such as `10,20,110,220` for a box; null when it is none. */
export function parseMark(kind: Kind, text: string): Mark | null {
  const numbers = text.split(",").map(Number);
  if (text === "" || numbers.some((one) => !Number.isFinite(one))) return null;
  const radius = isStroke({ kind }) ? (numbers.shift() as number) : 0;
  if (numbers.length % 2 || (isStroke({ kind }) && radius <= 0)) return null;
  const points = pairs(numbers);
  const most = kind === "lasso" || isStroke({ kind }) ? MOST_CORNERS : FEWEST[kind];
  if (points.length < FEWEST[kind] || points.length > most) return null;
  if (kind !== "box") return { kind, points, radius };
  const box = boxMark(numbers as unknown as Edges);
  const [left, top, right, bottom] = edgesOf(box);
  return left < right && top < bottom ? box : null;
}

export const formatMark = ({ kind, points, radius }: Mark): string =>
  [...(isStroke({ kind }) ? [radius] : []), ...points.flat()].join(",");

const pairs = (numbers: readonly number[]): Point[] =>
  Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i] as number, numbers[2 * i + 1] as number]);

/** The smallest box around a mark, a brush's width included. */
export function edgesOf({ points, radius }: Mark): Edges {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [Math.min(...xs) - radius, Math.min(...ys) - radius, Math.max(...xs) + radius, Math.max(...ys) + radius];
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** A mark as it is kept: inside the picture, in whole pixels (tenths where pixels are few). */
export function settled(mark: Mark, { width, height }: Extent): Mark {
  const scale = Math.max(width, height) < 512 ? 10 : 1;
  const round = (value: number) => Math.round(value * scale) / scale;
  const most = isPoint(mark) ? 0.5 : 0; // the last pixel's far edge is outside
  const points = mark.points.map(
    ([x, y]): Point => [round(clamp(x, 0, width - most)), round(clamp(y, 0, height - most))],
  );
  return { ...mark, points, radius: Math.max(mark.radius && 1 / scale, round(mark.radius)) };
}

/** Moved as a whole, as far as the picture reaches. */
export function moved(mark: Mark, [dx, dy]: Point, { width, height }: Extent): Mark {
  const [left, top, right, bottom] = edgesOf({ ...mark, radius: 0 });
  const x = clamp(dx, -left, Math.max(-left, width - right));
  const y = clamp(dy, -top, Math.max(-top, height - bottom));
  return { ...mark, points: mark.points.map(([px, py]): Point => [px + x, py + y]) };
}

export const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"] as const;
export type Handle = (typeof HANDLES)[number];

export function handleAt([left, top, right, bottom]: Edges, handle: Handle): Point {
  const x = handle.includes("w") ? left : handle.includes("e") ? right : (left + right) / 2;
  const y = handle.includes("n") ? top : handle.includes("s") ? bottom : (top + bottom) / 2;
  return [x, y];
}

/** A box with one handle pulled to a place; pulled through the other side, it turns over. */
export function stretched(box: Mark, handle: Handle, [x, y]: Point): Mark {
  const [left, top, right, bottom] = edgesOf(box);
  return boxMark([
    handle.includes("w") ? x : left,
    handle.includes("n") ? y : top,
    handle.includes("e") ? x : right,
    handle.includes("s") ? y : bottom,
  ]);
}

/** A box made wider and taller (or less so) about its middle, never thinner than `least`. */
export function grown(box: Mark, [dx, dy]: Point, extent: Extent, least: number): Mark {
  const [left, top, right, bottom] = edgesOf(box);
  const x = Math.max(dx, (least - (right - left)) / 2);
  const y = Math.max(dy, (least - (bottom - top)) / 2);
  return boxMark([
    Math.max(0, left - x),
    Math.max(0, top - y),
    Math.min(extent.width, right + x),
    Math.min(extent.height, bottom + y),
  ]);
}

/** Fewer points on the same way, none further off it than `tolerance` (Ramer, Douglas, Peucker). */
export function simplified(points: readonly Point[], tolerance: number): readonly Point[] {
  if (points.length < 3) return points;
  const first = points[0] as Point;
  const last = points.at(-1) as Point;
  let far = 0;
  let at = 0;
  for (let i = 1; i < points.length - 1; i += 1) {
    const off = distance(points[i] as Point, first, last);
    if (off > far) [far, at] = [off, i];
  }
  if (far <= tolerance) return [first, last];
  return [...simplified(points.slice(0, at + 1), tolerance).slice(0, -1), ...simplified(points.slice(at), tolerance)];
}

/** From a point to the stretch between two others. */
function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const share = length === 0 ? 0 : clamp(((x - ax) * dx + (y - ay) * dy) / length, 0, 1);
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}

/** The topmost mark under a point, or within `reach` of it: its number, -1 for none. What was erased is none. */
export function markAt(marks: readonly Mark[], at: Point, reach: number): number {
  return marks.findLastIndex((mark) => mark.kind !== "erase" && touches(mark, at, reach));
}

export const covers = (mark: Mark, at: Point): boolean => touches(mark, at, 0);

function touches(mark: Mark, [x, y]: Point, reach: number): boolean {
  const { kind, points, radius } = mark;
  if (isStroke({ kind })) return near(points, [x, y], radius);
  if (kind === "lasso") return inside(points, [x, y]);
  if (kind !== "box") return near(points, [x, y], 2 * reach);
  const [left, top, right, bottom] = edgesOf(mark);
  return left - reach <= x && x <= right + reach && top - reach <= y && y <= bottom + reach;
}

function near(points: readonly Point[], at: Point, reach: number): boolean {
  if (points.length === 1) return distance(at, points[0] as Point, points[0] as Point) <= reach;
  return points.slice(1).some((to, i) => distance(at, points[i] as Point, to) <= reach);
}

function inside(corners: readonly Point[], [x, y]: Point): boolean {
  let within = false;
  corners.forEach(([bx, by], i) => {
    const [ax, ay] = corners.at(i - 1) as Point;
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) within = !within;
  });
  return within;
}

/** The outline as an SVG path; a brush's is the way it went, to be drawn as wide as it is. */
export function pathOf({ kind, points }: Mark): string {
  const at = ([x, y]: Point) => `${x} ${y}`;
  if (kind === "box") {
    const [[left, top], [right, bottom]] = points as [Point, Point];
    return `M${left} ${top}H${right}V${bottom}H${left}Z`;
  }
  const way = points.length === 1 ? [points[0] as Point, points[0] as Point] : points;
  return `M${way.map(at).join("L")}${kind === "lasso" ? "Z" : ""}`;
}

/** What the server takes for a set of marks. */
export interface Parts {
  boxes?: Edges[];
  polygons?: Point[][];
  points?: Point[];
  not_points?: Point[];
  not_polygons?: Point[][];
  erased?: Point[][];
}

const MOST_PARTS = 60; // polygons all strokes together may become

export function partsOf(marks: readonly Mark[]): Parts {
  const of = (kind: Kind) => marks.filter((mark) => mark.kind === kind);
  const parts: Parts = {};
  const boxes = of("box").map(edgesOf);
  const polygons = [...of("lasso").map(({ points }) => [...points]), ...strokes(of("brush"))];
  const points = of("at").map(({ points }) => points[0] as Point);
  const unwanted = of("not").map(({ points }) => points[0] as Point);
  if (boxes.length) parts.boxes = boxes;
  if (polygons.length) parts.polygons = polygons;
  if (points.length) parts.points = points;
  if (unwanted.length) parts.not_points = unwanted;
  const [avoided, erased] = [strokes(of("avoid")), strokes(of("erase"))];
  if (avoided.length) parts.not_polygons = avoided;
  if (erased.length) parts.erased = erased;
  return parts;
}

/** Brush strokes as polygons, one for each straight piece; of the coarsest way that is still true to them. */
function strokes(marks: readonly Mark[]): Point[][] {
  let ways = marks.map(({ points, radius }) => ({ points, radius }));
  const pieces = () => ways.reduce((sum, { points }) => sum + Math.max(1, points.length - 1), 0);
  for (let share = 0.25; pieces() > MOST_PARTS && share < 100; share *= 1.5) {
    ways = ways.map(({ points, radius }) => ({ points: simplified(points, share * radius), radius }));
  }
  return ways.flatMap(({ points, radius }) =>
    points.length === 1
      ? [capsule(points[0] as Point, points[0] as Point, radius)]
      : points.slice(1).map((to, i) => capsule(points[i] as Point, to, radius)),
  ).slice(0, MOST_PARTS);
}

const ROUND = 7; // corners of each round end

function capsule(from: Point, to: Point, radius: number): Point[] {
  const along = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const end = ([x, y]: Point, start: number): Point[] =>
    Array.from({ length: ROUND }, (_, i) => {
      const angle = start + (Math.PI * i) / (ROUND - 1);
      return [tenth(x + radius * Math.cos(angle)), tenth(y + radius * Math.sin(angle))];
    });
  return [...end(to, along - Math.PI / 2), ...end(from, along + Math.PI / 2)];
}

const tenth = (value: number): number => Math.round(value * 10) / 10;

/** What a mark is, for those who cannot see it. */
export function wordsOf(mark: Mark): string {
  const [left, top, right, bottom] = edgesOf(mark).map(Math.round) as unknown as Edges;
  if (mark.kind === "at") return `Point at ${left}, ${top}`;
  if (mark.kind === "not") return `Not this, at ${left}, ${top}`;
  const name = { box: "Box", lasso: "Lasso", brush: "Brush stroke", avoid: "Not this, painted", erase: "Erased" }[mark.kind];
  return `${name}, ${right - left} × ${bottom - top} pixels at ${left}, ${top}`;
}
