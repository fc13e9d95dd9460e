// What a hand does on the picture: one press, its way, its end. Knows nothing of the browser.
import {
  boxMark,
  edgesOf,
  handleAt,
  HANDLES,
  isPoint,
  isStroke,
  markAt,
  moved,
  pointMark,
  settled,
  simplified,
  stretched,
  type Edges,
  type Extent,
  type Handle,
  type Mark,
  type Point,
} from "./marks";
import { erasedBy, paintedOver } from "./erasing";
import type { Tool } from "./state/part";

export interface Scene {
  marks: readonly Mark[];
  chosen: number; // the mark with handles, -1 for none
  tool: Tool;
  adding: boolean; // a new box or lasso joins the marks instead of replacing them
  unwanted: boolean; // the right button, or Alt: "not this"
  radius: number; // of the brush and the eraser; all lengths in the picture's pixels
  unit: number; // of one pixel on the screen
  reach: number; // how far from a handle a press still takes it
  extent: Extent;
}

/** One press that goes on: the marks as they would be, and as they are in the end. */
export interface Stroke {
  to(at: Point): readonly Mark[];
  end(): Outcome;
}

export interface Outcome {
  marks: readonly Mark[] | null; // null: nothing has changed
  chosen: number;
}

const CLICK = 5; // a drag shorter than this on the screen is a click
const ROOMY = 72; // a box of so many screen pixels has a grip in its middle

export function begin(scene: Scene, at: Point): Stroke {
  if (scene.unwanted) return pointing(scene, "not", at);
  if (scene.tool === "brush") return painting(scene, at);
  if (scene.tool === "erase") return erasing(scene, at);
  const held = grip(scene, at);
  if (held) return held;
  if (scene.tool === "at" || scene.tool === "not") return pointing(scene, scene.tool, at);
  return drawing(scene, at);
}

export type Grip = Handle | "move";

/** The handle, or the edge, of the chosen mark under a press. */
export function gripAt({ marks, chosen, reach, unit, extent }: Pick<Scene, "marks" | "chosen" | "reach" | "unit" | "extent">, at: Point): Grip | null {
  const mark = marks[chosen];
  if (!mark || isStroke(mark) || isPoint(mark)) return null;
  const edges = edgesOf(mark);
  const near = ([x, y]: Point) => Math.hypot(x - at[0], y - at[1]) <= reach;
  if (mark.kind === "box") {
    const handle = HANDLES.find((one) => near(handleAt(edges, one)));
    if (handle) return handle;
    if (onEdge(edges, at, reach / 2)) return "move";
  }
  return isRoomy(edges, unit) && near(middleOf(edges, extent)) ? "move" : null;
}

export const isRoomy = ([left, top, right, bottom]: Edges, unit: number): boolean =>
  Math.min(right - left, bottom - top) >= ROOMY * unit;

export const middleOf = ([left, top, right, bottom]: Edges, { width, height }: Extent): Point => [
  Math.min(width, (left + right) / 2),
  Math.min(height, (top + bottom) / 2),
];

function onEdge([left, top, right, bottom]: Edges, [x, y]: Point, reach: number): boolean {
  const within = x >= left - reach && x <= right + reach && y >= top - reach && y <= bottom + reach;
  const inside = x > left + reach && x < right - reach && y > top + reach && y < bottom - reach;
  return within && !inside;
}

function grip(scene: Scene, from: Point): Stroke | null {
  const held = gripAt(scene, from);
  const mark = scene.marks[scene.chosen];
  if (!held || !mark) return null;
  const changed = (at: Point): Mark =>
    held === "move" ? moved(mark, [at[0] - from[0], at[1] - from[1]], scene.extent) : stretched(mark, held, at);
  return changing(scene, scene.chosen, from, changed);
}

/** A mark that changes under the hand; left where it was, it counts as chosen only. */
function changing(scene: Scene, index: number, from: Point, changed: (at: Point) => Mark): Stroke {
  const { marks, extent } = scene;
  let now = marks;
  return {
    to(at) {
      const next = settled(changed(at), extent);
      now = at.join() === from.join() || isThin(next) ? now : marks.map((mark, i) => (i === index ? next : mark));
      return now;
    },
    end: () => ({ marks: now === marks ? null : now, chosen: index }),
  };
}

const isThin = (mark: Mark): boolean => {
  const [left, top, right, bottom] = edgesOf(mark);
  return mark.kind === "box" && (right <= left || bottom <= top);
};

/** A new point, or when dragged a stroke of what is not meant; a point that is there is moved, or taken away by a click. */
function pointing(scene: Scene, kind: "at" | "not", from: Point): Stroke {
  const { marks, reach, extent, unit } = scene;
  const there = marks.findLastIndex((mark) => isPoint(mark) && markAt([mark], from, reach / 2) === 0);
  if (there < 0) {
    return kind === "not" ? ruling(scene, from) : placing(scene, from);
  }
  const mark = marks[there] as Mark;
  const drag = changing(scene, there, from, (at) => moved(mark, [at[0] - from[0], at[1] - from[1]], extent));
  let far = 0;
  return {
    to(at) {
      far = Math.max(far, length(from, at));
      return drag.to(at);
    },
    end: () => (far < CLICK * unit ? { marks: marks.filter((_, i) => i !== there), chosen: -1 } : drag.end()),
  };
}

/** A point on what is wanted. */
function placing({ marks, extent }: Scene, from: Point): Stroke {
  let at = from;
  const now = () => [...marks, settled(pointMark("at", at), extent)];
  return { to: (to) => ((at = to), now()), end: () => ({ marks: now(), chosen: marks.length }) };
}

/** What is not meant: a click is a point, a drag paints. */
function ruling(scene: Scene, from: Point): Stroke {
  const { marks, unit, extent } = scene;
  const painted = stroking(scene, "avoid", from);
  const point = [...marks, settled(pointMark("not", from), extent)];
  let far = 0;
  return {
    to(at) {
      far = Math.max(far, length(from, at));
      const stroke = painted.to(at);
      return far < CLICK * unit ? point : [...marks, stroke];
    },
    end: () => (far < CLICK * unit ? { marks: point, chosen: marks.length } : { marks: [...marks, painted.end()], chosen: -1 }),
  };
}

const length = (from: Point, to: Point): number => Math.hypot(to[0] - from[0], to[1] - from[1]);

/** Strokes always join what is marked: that is what painting is. */
function painting(scene: Scene, from: Point): Stroke {
  const painted = stroking(scene, "brush", from);
  const joined = (stroke: Mark) => [...paintedOver(scene.marks, stroke), stroke];
  return { to: (at) => joined(painted.to(at)), end: () => ({ marks: joined(painted.end()), chosen: -1 }) };
}

/** Takes back what lies under it. Where nothing is marked there is nothing to take back. */
function erasing(scene: Scene, from: Point): Stroke {
  const { marks } = scene;
  const painted = stroking(scene, "erase", from);
  return {
    to: (at) => [...marks, painted.to(at)],
    end: () => (marks.length ? { marks: erasedBy(marks, painted.end()), chosen: -1 } : { marks: null, chosen: -1 }),
  };
}

/** The stroke itself: all its points while it goes on, few in the end. */
function stroking({ radius, unit, extent }: Scene, kind: "brush" | "avoid" | "erase", from: Point) {
  const points: Point[] = [from];
  const stroke = (way: readonly Point[]) => settled({ kind, points: way, radius }, extent);
  return {
    to(at: Point): Mark {
      if (length(points.at(-1) as Point, at) >= 2 * unit) points.push(at);
      return stroke(points);
    },
    end: (): Mark => stroke(within(points, radius / 5)),
  };
}

const MOST_CORNERS = 300; // of one lasso or stroke, so that an address can hold it

function within(points: readonly Point[], tolerance: number): readonly Point[] {
  let fewer = simplified(points, tolerance);
  for (let by = 1.5 * tolerance; fewer.length > MOST_CORNERS; by *= 1.5) fewer = simplified(fewer, by);
  return fewer;
}

/** A box or a lasso; a click chooses the mark under it, or else marks the point. */
function drawing(scene: Scene, from: Point): Stroke {
  const { marks, tool, adding, extent, unit, reach } = scene;
  const kept = (drawn: Mark) => (adding ? paintedOver(marks, drawn) : []);
  const points: Point[] = [from];
  let far = 0;
  let last = from;
  const mark = (done: boolean): Mark =>
    settled(
      tool === "lasso"
        ? { kind: "lasso", points: done ? within(points, 1.5 * unit) : points, radius: 0 }
        : boxMark([...from, ...last] as unknown as Edges),
      extent,
    );
  const click = (): Outcome => {
    const under = markAt(marks, from, reach / 2);
    if (under >= 0) return { marks: null, chosen: under };
    const base = adding || marks.some(isPoint) ? marks : [];
    return { marks: [...base, settled(pointMark("at", from), extent)], chosen: base.length };
  };
  return {
    to(at) {
      far = Math.max(far, length(from, at));
      last = at;
      if (length(points.at(-1) as Point, at) >= 2 * unit) points.push(at);
      if (far < CLICK * unit) return marks;
      const drawn = mark(false);
      return [...kept(drawn), drawn];
    },
    end() {
      if (far < CLICK * unit) return click();
      const drawn = mark(true);
      if (isThin(drawn) || (tool === "lasso" && drawn.points.length < 3)) return { marks: null, chosen: scene.chosen };
      const before = kept(drawn);
      return { marks: [...before, drawn], chosen: before.length };
    },
  };
}
