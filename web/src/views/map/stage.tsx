// The map on the screen: moved, zoomed, asked and lassoed.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { queryThumbnailUrl } from "../../api";
import { navigate } from "../../route";
import { fitted, onScreen, panned, placeAt, seen, sideOf, zoomed, type Camera, type Screen } from "./camera";
import { inside, WHOLE, type Corner, type Index } from "./points";
import { CELLS, DIMMED, Scatter, SELECTED, type Look, type Shown } from "./scatter";
import { Thumbnails } from "./thumbnails";

interface Props {
  index: Index;
  camera: Camera | null; // null: from where everything is seen
  setCamera: (camera: Camera, settled: boolean) => void;
  passing: Uint8Array | null;
  selected: readonly number[];
  meant: number | null; // the picture the map was opened for
  dotsOnly: boolean;
  lassoing: boolean; // a drag draws an outline; else Shift does
  select: (ids: readonly number[], add: boolean) => void;
  noWebgl: () => void;
}

const ROOM = 78; // px that a thumbnail has for itself, at least
const LARGEST = 150; // px of one that nothing is near
const REACH = 14; // px from a dot that still mean it

interface Hand {
  from: Corner;
  last: Corner;
  moved: boolean;
  outline: Corner[] | null; // in places
}

export function Stage(props: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const now = useRef(props);
  now.current = props;
  const drawing = useDrawing(canvas, now);
  const fingers = useRef(new Map<number, Corner>());
  const hand = useRef<Hand | null>(null);
  const [outline, setOutline] = useState("");
  const [under, setUnder] = useState<{ id: number; at: Corner } | null>(null);

  const pointOf = (event: PointerEvent | WheelEvent): Corner => {
    const { left, top } = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const move = (camera: Camera) => {
    now.current = { ...now.current, camera };
    drawing.current?.wake(true);
    now.current.setCamera(camera, false);
  };

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const at = pointOf(event);
    canvas.current?.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, at);
    setUnder(null);
    const lasso = fingers.current.size === 1 && (props.lassoing || event.shiftKey);
    hand.current = { from: at, last: at, moved: fingers.current.size > 1, outline: lasso ? [placeOf(at)] : null };
  };
  const placeOf = (at: Corner) => {
    const screen = drawing.current?.screen() ?? { width: 1, height: 1 };
    return placeAt(cameraOf(now.current, screen), screen, at);
  };

  const onPointerMove = (event: PointerEvent) => {
    const at = pointOf(event);
    const held = hand.current;
    const screen = drawing.current?.screen();
    if (!screen) return;
    if (!held || !fingers.current.has(event.pointerId)) {
      if (event.pointerType === "mouse") hover(at);
      return;
    }
    const camera = cameraOf(now.current, screen);
    if (fingers.current.size === 2) {
      const [a, b] = [...fingers.current.values()] as [Corner, Corner];
      fingers.current.set(event.pointerId, at);
      const [c, d] = [...fingers.current.values()] as [Corner, Corner];
      const [before, after] = [middle(a, b), middle(c, d)];
      const by = distance(c, d) / Math.max(1, distance(a, b));
      move(panned(zoomed(camera, screen, by, before), screen, after[0] - before[0], after[1] - before[1]));
      return;
    }
    fingers.current.set(event.pointerId, at);
    if (!held.moved && distance(held.from, at) < 4) return;
    held.moved = true;
    if (held.outline) {
      held.outline.push(placeOf(at));
      setOutline(pathOf(held.outline, camera, screen));
    } else {
      move(panned(camera, screen, at[0] - held.last[0], at[1] - held.last[1]));
    }
    held.last = at;
  };

  const onPointerUp = (event: PointerEvent) => {
    if (!fingers.current.delete(event.pointerId)) return;
    const held = hand.current;
    const [left] = fingers.current.values();
    if (held && left) held.last = left; // the other finger goes on from where it is
    if (left || !held) return;
    hand.current = null;
    setOutline("");
    if (held.outline && held.moved) {
      const found = inside(props.index, held.outline, allowed(props.passing));
      props.select(found.map((i) => props.index.points.ids[i] as number), event.shiftKey || event.ctrlKey || event.metaKey);
    } else if (!held.moved) {
      const id = drawing.current?.pictureAt(pointOf(event)) ?? null;
      if (id === null) return;
      if (event.ctrlKey || event.metaKey || event.shiftKey) props.select([id], true);
      else navigate({ picture: id });
    } else if (now.current.camera) {
      now.current.setCamera(now.current.camera, true);
    }
  };
  const hover = (at: Corner) => {
    const id = drawing.current?.pictureAt(at) ?? null;
    setUnder((before) => (id === null ? null : before?.id === id ? before : { id, at }));
  };

  useEffect(() => {
    const element = canvas.current as HTMLCanvasElement;
    let settle = 0;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault(); // preact's own listeners are passive
      const screen = drawing.current?.screen();
      if (!screen) return;
      setUnder(null);
      const lines = event.deltaMode === 1 ? 20 : 1;
      move(zoomed(cameraOf(now.current, screen), screen, Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), pointOf(event)));
      clearTimeout(settle);
      settle = window.setTimeout(() => now.current.camera && now.current.setCamera(now.current.camera, true), 250);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      clearTimeout(settle);
      element.removeEventListener("wheel", onWheel);
    };
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    const screen = drawing.current?.screen();
    if (!screen || event.ctrlKey || event.metaKey || event.altKey) return;
    const camera = cameraOf(now.current, screen);
    const centre: Corner = [screen.width / 2, screen.height / 2];
    const pan = STEPS[event.key];
    if (pan) move(panned(camera, screen, -80 * pan[0], -80 * pan[1]));
    else if (event.key === "+" || event.key === "=") move(zoomed(camera, screen, 1.4, centre));
    else if (event.key === "-") move(zoomed(camera, screen, 1 / 1.4, centre));
    else if (event.key === "Enter") {
      const id = drawing.current?.pictureAt(centre, Infinity) ?? null;
      if (id !== null) navigate({ picture: id });
    } else return;
    event.preventDefault();
    if (now.current.camera) now.current.setCamera(now.current.camera, true);
  };

  return (
    <div class={`map-stage${props.lassoing ? " lassoing" : ""}`}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label="The library's map: arrows move it, + and - zoom, Enter opens the picture in the middle"
        data-map
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        onPointerLeave={() => setUnder(null)}
        onKeyDown={onKeyDown}
      />
      {outline && <svg class="map-outline" aria-hidden="true"><path d={outline} /></svg>}
      {under && <img class="map-under" src={queryThumbnailUrl(String(under.id), 320)} style={{ "--x": `${under.at[0]}px`, "--y": `${under.at[1]}px` }} alt="" />}
    </div>
  );
}

const cameraOf = ({ camera, index }: Props, screen: Screen): Camera => camera ?? fitted(index.bounds, screen);

const STEPS: Record<string, Corner> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const middle = ([a, b]: Corner, [c, d]: Corner): Corner => [(a + c) / 2, (b + d) / 2];
const distance = ([a, b]: Corner, [c, d]: Corner): number => Math.hypot(c - a, d - b);
const allowed = (passing: Uint8Array | null) => (i: number) => passing === null || passing[i] === 1;

const pathOf = (outline: readonly Corner[], camera: Camera, screen: Screen): string =>
  `M${outline.map(([x, y]) => onScreen(camera, screen, x, y).map((side) => side.toFixed(1)).join(",")).join("L")}Z`;

interface Drawing {
  wake(moving?: boolean): void;
  screen(): Screen;
  pictureAt(at: Corner, reach?: number): number | null; // its id
}

/** Draws when something has changed, once a frame. */
function useDrawing(canvas: { current: HTMLCanvasElement | null }, now: { current: Props }): { current: Drawing | null } {
  const drawing = useRef<(Drawing & { show(): void; mark(): void }) | null>(null);
  const { index, passing, selected, meant, dotsOnly, camera } = now.current;

  useLayoutEffect(() => {
    const element = canvas.current as HTMLCanvasElement;
    let scatter: Scatter;
    try {
      scatter = new Scatter(element);
    } catch {
      now.current.noWebgl();
      return;
    }
    const screen = (): Screen => ({ width: element.clientWidth, height: element.clientHeight });
    let [frame, rest, shown] = [0, 0, [] as Shown[]];
    const draw = (moving: boolean, asked: number) => {
      frame = 0;
      const camera = cameraOf(now.current, screen());
      shown = now.current.dotsOnly ? [] : choose(now.current, camera, screen(), thumbnails);
      scatter.draw(camera, screen(), shown, lookOf(element), moving ? performance.now() - asked : null);
      clearTimeout(rest);
      if (moving) rest = window.setTimeout(() => wake(false), 120);
      else element.dataset["drawn"] = String(shown.length); // for tests: so many thumbnails are on the screen
    };
    const wake = (moving = false) => {
      const asked = performance.now();
      if (!frame) frame = requestAnimationFrame(() => draw(moving, asked));
    };
    const thumbnails = new Thumbnails(scatter, () => wake());
    drawing.current = {
      wake,
      screen,
      show: () => scatter.show(now.current.index.points),
      mark: () => scatter.mark(statesOf(now.current)),
      pictureAt: (at, reach = REACH) => pictureAt(now.current, screen(), shown, at, reach),
    };
    const sized = new ResizeObserver(() => wake());
    sized.observe(element);
    const themed = new MutationObserver(() => wake());
    themed.observe(document.documentElement, { attributes: true });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const onScheme = () => wake();
    scheme.addEventListener("change", onScheme);
    return () => {
      sized.disconnect();
      themed.disconnect();
      scheme.removeEventListener("change", onScheme);
      cancelAnimationFrame(frame);
      clearTimeout(rest);
      drawing.current = null;
    };
  }, []);
  useLayoutEffect(() => drawing.current?.show(), [index]);
  useLayoutEffect(() => drawing.current?.mark(), [index, passing, selected, meant]);
  useLayoutEffect(() => drawing.current?.wake(), [index, passing, selected, meant, dotsOnly, camera]);
  return drawing;
}

function statesOf({ index, passing, selected, meant }: Props): Uint8Array {
  const { ids, count } = index.points;
  const states = new Uint8Array(count);
  const chosen = new Set(selected);
  if (meant !== null) chosen.add(meant);
  for (let i = 0; i < count; i += 1) {
    if (passing !== null && passing[i] === 0) states[i] = DIMMED;
    if (chosen.size > 0 && chosen.has(ids[i] as number)) states[i] = (states[i] as number) | SELECTED;
  }
  return states;
}

/** Thumbnails that have room: the first of the points that do not cover one before them, wherever one looks from. */
function choose({ index, passing, selected, meant }: Props, camera: Camera, screen: Screen, thumbnails: Thumbnails): Shown[] {
  const side = sideOf(camera, screen);
  const { ids, places } = index.points;
  // Twice as many fields as there is room for, so that one that is covered leaves its room to another.
  const level = Math.max(0, Math.round(Math.log2((2 * side) / ROOM)));
  const first = index.deputiesIn(level, seen(camera, screen, ROOM), passing).sort((one, other) => one - other);
  const own = meant === null ? -1 : ids.indexOf(meant);
  if (own >= 0) first.unshift(own);
  const size = Math.min(LARGEST, Math.max(ROOM, 0.75 * (side / Math.sqrt(index.points.count))));
  const taken = new Map<string, Corner[]>(); // middles of those that have room, by square
  const free = (x: number, y: number): boolean => {
    const [column, row] = [Math.floor(x / size), Math.floor(y / size)];
    for (let dy = -1; dy <= 1; dy += 1) {
      for (let dx = -1; dx <= 1; dx += 1) {
        const near = taken.get(`${column + dx},${row + dy}`);
        if (near?.some(([a, b]) => Math.abs(a - x) < 0.96 * size && Math.abs(b - y) < 0.8 * size)) return false;
      }
    }
    const key = `${column},${row}`;
    taken.set(key, [...(taken.get(key) ?? []), [x, y]]);
    return true;
  };
  const found = first.filter((i) => free(((places[2 * i] as number) / WHOLE) * side, ((places[2 * i + 1] as number) / WHOLE) * side)).slice(0, CELLS);
  thumbnails.want(found.map((i) => ids[i] as number));
  const ringed = new Set(selected);
  if (meant !== null) ringed.add(meant);
  return found.reverse().flatMap((at) => {
    const kept = thumbnails.get(ids[at] as number);
    return kept ? [{ at, size: 0.92 * size, ...kept, ring: ringed.has(ids[at] as number) }] : [];
  });
}

function pictureAt(props: Props, screen: Screen, shown: readonly Shown[], [px, py]: Corner, reach: number): number | null {
  const { index, passing } = props;
  const camera = cameraOf(props, screen);
  const { places, ids } = index.points;
  for (const { at, size, shape } of [...shown].reverse()) {
    const [x, y] = onScreen(camera, screen, places[2 * at] as number, places[2 * at + 1] as number);
    const most = Math.max(...shape);
    if (Math.abs(px - x) <= (0.5 * size * shape[0]) / most && Math.abs(py - y) <= (0.5 * size * shape[1]) / most) return ids[at] as number;
  }
  const [x, y] = placeAt(camera, screen, [px, py]);
  const far = Math.min(WHOLE, (reach / sideOf(camera, screen)) * WHOLE);
  const found = index.nearest(x, y, far, allowed(passing));
  return found < 0 ? null : (ids[found] as number);
}

/** The colours that the theme gives the canvas. */
function lookOf(element: HTMLElement): Look {
  const { color, outlineColor, borderTopColor } = getComputedStyle(element);
  return { dot: rgb(color), ring: rgb(outlineColor), frame: rgb(borderTopColor) };
}

const rgb = (text: string): number[] => (text.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => Number(part) / 255);
