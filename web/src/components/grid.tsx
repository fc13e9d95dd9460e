// A grid that only draws what is in view: a library of 100,000 pictures scrolls like one of a hundred.
import type { FunctionComponent } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { beside, EMPTY, layOut, rowOf, rowsBetween, wholeHeight, type Layout, type Measures } from "../layout";
import type { Density, Shape } from "../state/preferences";
import type { Hit } from "../wire";
import { actByKey } from "../acts";
import { keysRest } from "../keys";
import { Tile, type TileActions, type TileProps } from "./tile";

interface Props {
  label: string;
  hits: readonly Hit[];
  total: number;
  density: Density;
  shape: Shape;
  selected: readonly number[];
  hasQuery: boolean;
  actions: TileActions;
  want: (count: number) => void; // so many pictures will be needed
  Cell?: FunctionComponent<TileProps>; // how one picture is shown
}

const TARGET: Record<Density, [narrow: number, wide: number]> = { small: [84, 118], medium: [116, 172], large: [220, 290] };
const NARROW = 640; // px of grid width under which it is a phone
const OVERSCAN = 600; // px drawn beyond the window, so that scrolling meets finished rows
const HURRY = 4; // px a millisecond: faster than this nobody looks at single pictures

export function measuresFor(width: number, density: Density, shape: Shape, caption: boolean): Measures {
  const narrow = width < NARROW;
  const target = TARGET[density][narrow ? 0 : 1];
  return { width, target, gap: narrow ? 4 : 8, caption: caption ? 24 : 0, square: shape === "square" };
}

export function Grid(props: Props) {
  const { hits, total, density, shape, selected, hasQuery, actions, want, Cell = Tile } = props;
  const list = useRef<HTMLUListElement>(null);
  const width = useWidth(list);
  const view = useView(list);
  const measures = useMemo(() => measuresFor(width, density, shape, hasQuery), [width, density, shape, hasQuery]);
  const layout = useLayout(hits, measures);
  const height = wholeHeight(layout, total, measures);
  const [active, setActive] = useState(0);
  const standing = useRef(0); // as active, but at once: keys come faster than renderings

  const [first, end] = rowsBetween(layout.rows, view.top - OVERSCAN, view.bottom + OVERSCAN);
  const perPixel = layout.height > 0 ? layout.count / layout.height : 0.02;
  const needed = layout.count + Math.ceil(Math.max(0, view.bottom + 2 * OVERSCAN - layout.height) * perPixel);
  useEffect(() => {
    if (width > 0 && layout.count < total) want(Math.min(total, needed + 1));
  }, [width, needed, total, layout.count]);

  const pending = useRef<number | null>(null); // to be focused as soon as it is drawn
  useLayoutEffect(() => {
    const link = pending.current === null ? null : linkOf(list.current, pending.current);
    if (!link) return;
    pending.current = null;
    link.focus({ preventScroll: true });
  });
  const focus = (index: number) => {
    const to = Math.min(layout.count - 1, Math.max(0, index));
    standing.current = to;
    setActive(to);
    reveal(list.current, layout, to);
    const link = linkOf(list.current, to);
    pending.current = link ? null : to;
    link?.focus({ preventScroll: true });
  };
  useGridKeys({ list, layout, hits, standing, pending, focus, actions });

  return (
    <ul
      ref={list}
      class="grid"
      role="list"
      aria-label={props.label}
      style={{ height: `${height}px` }}
      onFocusIn={(event) => {
        const index = (event.target as HTMLElement).dataset["index"];
        if (!index) return;
        standing.current = Number(index);
        setActive(Number(index));
      }}
    >
      {layout.rows.slice(first, end).flatMap((row) =>
        row.cells.map((cell) => {
          const hit = hits[cell.index] as Hit;
          return (
            <Cell
              key={hit.picture.id}
              hit={hit}
              index={cell.index}
              total={total}
              x={cell.x}
              y={row.top}
              width={cell.width}
              height={row.height}
              active={cell.index === active}
              selected={selected.includes(hit.picture.id)}
              selecting={selected.length > 0}
              hasQuery={hasQuery}
              hurried={view.hurried}
              actions={actions}
            />
          );
        }),
      )}
      {layout.count < total && <Skeletons from={Math.max(layout.height, view.top)} to={view.bottom} measures={measures} />}
    </ul>
  );
}

/** Empty places for pictures that are on their way. */
export function Skeletons({ from, to, measures }: { from: number; to: number; measures: Measures }) {
  if (to <= from || measures.width === 0) return null;
  const step = measures.target + measures.caption + measures.gap;
  const rows = Math.min(12, Math.ceil((to - from) / step));
  // Shapes that look like a real library rather than a table.
  const aspects = Array.from({ length: rows * 10 }, (_, i) => [1.5, 0.8, 1.33, 1, 1.78, 0.67][(i * 7) % 6] as number);
  const layout = layOut(aspects, measures);
  return (
    <>
      {layout.rows.slice(0, rows).flatMap((row) =>
        row.cells.map((cell) => (
          <li
            key={`skeleton-${cell.index}`}
            class="skeleton"
            aria-hidden="true"
            style={{
              transform: `translate(${cell.x}px, ${from + row.top}px)`,
              width: `${cell.width}px`,
              height: `${row.height}px`,
            }}
          />
        )),
      )}
    </>
  );
}

function useLayout(hits: readonly Hit[], measures: Measures): Layout {
  const before = useRef<{ layout: Layout; measures: Measures; hits: readonly Hit[] }>({ layout: EMPTY, measures, hits });
  return useMemo(() => {
    if (measures.width === 0) return EMPTY;
    const aspects = hits.map((hit) => hit.picture.width / hit.picture.height);
    const known = before.current;
    const goesOn = known.measures === measures && isStart(known.hits, hits);
    const layout = layOut(aspects, measures, goesOn ? known.layout : EMPTY);
    before.current = { layout, measures, hits };
    return layout;
  }, [hits, measures]);
}

/** A list that only grew keeps its rows; one with another answer in it has none to keep. */
const isStart = (start: readonly Hit[], all: readonly Hit[]): boolean =>
  start[0] === all[0] && start.at(-1) === all[Math.max(0, start.length - 1)];

function useWidth(list: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = list.current as HTMLElement;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}

interface View {
  top: number; // px of the grid at the window's upper edge
  bottom: number;
  hurried: boolean;
}

function useView(list: { current: HTMLElement | null }): View {
  const [view, setView] = useState<View>({ top: 0, bottom: innerHeight, hurried: false });
  useLayoutEffect(() => {
    let frame = 0;
    let rest: ReturnType<typeof setTimeout>;
    let last = { top: 0, time: 0 };
    const look = (hurried: boolean) => {
      const top = -(list.current?.getBoundingClientRect().top ?? 0);
      setView({ top, bottom: top + innerHeight, hurried });
    };
    const onScroll = () => {
      cancelAnimationFrame(frame);
      clearTimeout(rest);
      frame = requestAnimationFrame((time) => {
        const speed = Math.abs(scrollY - last.top) / Math.max(1, time - last.time);
        last = { top: scrollY, time };
        look(speed > HURRY);
      });
      rest = setTimeout(() => look(false), 120);
    };
    look(false);
    addEventListener("scroll", onScroll, { passive: true });
    addEventListener("resize", onScroll);
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(rest);
      removeEventListener("scroll", onScroll);
      removeEventListener("resize", onScroll);
    };
  }, []);
  return view;
}

interface KeyTools {
  list: { current: HTMLElement | null };
  layout: Layout;
  hits: readonly Hit[];
  standing: { current: number };
  pending: { current: number | null };
  focus: (index: number) => void;
  actions: TileActions;
}

function useGridKeys(tools: KeyTools): void {
  const now = useRef(tools);
  now.current = tools;
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!keysRest(event) && onGridKey(event, now.current)) event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

function onGridKey(event: KeyboardEvent, { list, layout, hits, standing, pending, focus, actions }: KeyTools): boolean {
  const active = standing.current;
  const inside = pending.current !== null || (list.current?.contains(document.activeElement) ?? false);
  const page = Math.max(1, Math.floor(innerHeight / (layout.rows[0]?.height ?? innerHeight)));
  const moves: Record<string, () => number> = {
    ArrowLeft: () => active - 1,
    ArrowRight: () => active + 1,
    ArrowUp: () => beside(layout.rows, active, -1),
    ArrowDown: () => beside(layout.rows, active, 1),
    PageUp: () => beside(layout.rows, active, -page),
    PageDown: () => beside(layout.rows, active, page),
    Home: () => 0,
    End: () => layout.count - 1,
  };
  const move = moves[event.key];
  if (move && layout.count > 0) {
    if (!inside && !event.key.startsWith("Arrow")) return false; // plain scrolling
    focus(inside ? move() : active);
    return true;
  }
  const id = inside ? hits[active]?.picture.id : undefined;
  if (id === undefined) return false;
  const acts: Record<string, () => void> = {
    i: () => actions.details(id),
    p: () => actions.part(id),
    x: () => actions.select(id, false),
    X: () => actions.select(id, true),
    "+": () => actions.more(id),
    "=": () => actions.more(id),
    "-": () => actions.less(id),
  };
  if (!(event.key in acts)) return actByKey(event.key, String(id));
  acts[event.key]?.();
  return true;
}

const linkOf = (list: HTMLElement | null, index: number) =>
  list?.querySelector<HTMLAnchorElement>(`a[data-index="${index}"]`);

function reveal(list: HTMLElement | null, layout: Layout, index: number): void {
  const row = layout.rows[rowOf(layout.rows, index)];
  if (!list || !row) return;
  const header = document.querySelector(".top")?.getBoundingClientRect().bottom ?? 0;
  const top = list.getBoundingClientRect().top + row.top;
  const margin = 16;
  if (top < header + margin) scrollBy(0, top - header - margin);
  else if (top + row.height > innerHeight - margin) scrollBy(0, top + row.height - innerHeight + margin * 3);
}
