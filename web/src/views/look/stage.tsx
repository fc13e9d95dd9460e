// The picture with what the model sees over it; a pointer asks what is like the place under it.
import { useEffect, useRef } from "preact/hooks";
import { queryImageUrl, queryThumbnailUrl } from "../../api";
import { GridLayer, type Painter } from "../../components/grid-layer";
import { rowAt, tableOf, type At } from "../../grids";
import { HEAT } from "../../heat";
import type { Asked } from "../../state/asked";
import { attended, attentionOf, covering, shareOf, shares, stretched, type Colours, type Looked } from "./grids";

export type Show = "colours" | "attention" | "likeness";

interface Props {
  asked: Asked;
  show: Show;
  looked: Looked | null;
  colours: Colours | null;
  head: number | null; // null: the mean of all
  mass: number | null; // null: a heat map
  cut: boolean;
  at: At | null; // the place that is pinned, px
  patchy: boolean; // patches with their edges
  mix: number; // how much the map covers, [0, 1]
  pin: (at: At | null) => void;
}

const SHARP = 1600; // px of the longer side that are fetched
const DARK = tableOf((value) => [8, 12, 11, 225 * (1 - value)]); // 1: the picture, 0: darkness

export function Stage(props: Props) {
  const { asked, show, looked, at, pin } = props;
  const sheet = useRef<HTMLDivElement>(null);
  const painter = useRef<Painter | null>(null);
  const likeness = useLikeness(painter, looked, asked, at);
  const pointer = useRef<{ frame: number; place: At } | null>(null);

  const shareUnder = (event: PointerEvent): At => {
    const { left, top, width, height } = (sheet.current as HTMLElement).getBoundingClientRect();
    const within = (share: number) => Math.min(1, Math.max(0, share));
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  };
  const pixelOf = ([x, y]: At): At => [
    Math.min(asked.width - 1, Math.floor(x * asked.width)),
    Math.min(asked.height - 1, Math.floor(y * asked.height)),
  ];
  const explore = (event: PointerEvent) => {
    if (show !== "likeness" || !looked) return;
    const place = shareUnder(event);
    if (pointer.current) {
      pointer.current.place = place;
      return;
    }
    // At most once a frame, however often the pointer tells of itself.
    const waiting = { place, frame: 0 };
    pointer.current = waiting;
    waiting.frame = requestAnimationFrame(() => {
      pointer.current = null;
      likeness.under(waiting.place);
    });
  };
  const leave = () => {
    if (pointer.current) cancelAnimationFrame(pointer.current.frame);
    pointer.current = null;
    if (show === "likeness") likeness.rest();
  };
  useEffect(() => leave, []);

  const onKeyDown = (event: KeyboardEvent) => {
    const [dx, dy] = STEPS[event.key] ?? [0, 0];
    if ((!dx && !dy) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { columns, rows } = looked ?? { columns: 16, rows: 16 };
    const [x, y] = at ?? [asked.width / 2, asked.height / 2];
    const step = at ? 1 : 0; // the first one marks the middle
    const next: At = [x + (step * dx * asked.width) / columns, y + (step * dy * asked.height) / rows];
    pin(pixelOf([Math.min(1, Math.max(0, next[0] / asked.width)), Math.min(1, Math.max(0, next[1] / asked.height))]));
  };

  return (
    <div
      class={`look-stage show-${show}`}
      style={{ aspectRatio: `${asked.width} / ${asked.height}`, "--ratio": String(asked.width / asked.height) }}
      ref={sheet}
      tabIndex={0}
      role="application"
      aria-label={`${asked.name}: choose a place with the arrow keys`}
      data-look-stage
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        if (event.pointerType !== "mouse") sheet.current?.setPointerCapture(event.pointerId);
        explore(event);
      }}
      onPointerMove={explore}
      onPointerUp={(event) => event.button === 0 && pin(pixelOf(shareUnder(event)))}
      onPointerLeave={leave}
      onPointerCancel={leave}
      onKeyDown={onKeyDown}
    >
      <img class="part-blur" src={queryThumbnailUrl(asked.query, 320)} alt="" draggable={false} />
      <img class="part-sharp" src={queryImageUrl(asked.query, SHARP)} alt={asked.name} draggable={false} />
      <div class="look-map" style={{ opacity: show === "colours" ? props.mix : Math.min(1, 1.25 * props.mix) }}>
        <Seen {...props} painter={painter} rest={likeness.rest} />
      </div>
      {at && <Pin at={at} asked={asked} />}
    </div>
  );
}

const STEPS: Record<string, At> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function Seen({ show, looked, colours, head, mass, cut, patchy, at, painter, rest }: Props & { painter: { current: Painter | null }; rest: () => void }) {
  const times = patchy ? 1 : 6;
  if (show === "colours") {
    if (!colours) return null;
    const draw = (on: Painter) => on.colours(covering(colours, cut));
    return <GridLayer name="look-layer" rows={colours.rows} columns={colours.columns} times={times} draw={draw} on={[colours, cut]} />;
  }
  if (!looked) return null;
  const { rows, columns } = looked;
  if (show === "attention") {
    const draw = (on: Painter) => {
      const values = attentionOf(looked, head);
      if (mass === null) on.values(shares(values), HEAT);
      else on.values(attended(values, mass), DARK);
    };
    return <GridLayer name="look-layer" rows={rows} columns={columns} times={times} draw={draw} on={[looked, head, mass]} />;
  }
  return <GridLayer name="look-layer" rows={rows} columns={columns} times={times} draw={rest} on={[looked, at?.join()]} handle={painter} />;
}

function Pin({ at, asked }: { at: At; asked: Asked }) {
  const [x, y] = shareOf(at, asked);
  return <span class="look-pin" style={{ left: `${100 * x}%`, top: `${100 * y}%` }} aria-hidden="true" />;
}

/** Draws what is like a place: the one under the pointer, or when it rests the one pinned, or nothing. */
function useLikeness(painter: { current: Painter | null }, looked: Looked | null, asked: Asked, at: At | null) {
  const now = useRef({ looked, at, row: new Float32Array(0) });
  now.current.looked = looked;
  now.current.at = at;
  const under = (place: At) => {
    const { looked: seen } = now.current;
    if (!seen || !painter.current) return;
    const patches = seen.rows * seen.columns;
    if (now.current.row.length !== patches) now.current.row = new Float32Array(patches);
    const row = rowAt(seen.cosines, seen, place, now.current.row);
    stretched(row);
    painter.current.values(row, HEAT);
  };
  const rest = () => {
    const pinned = now.current.at;
    if (pinned) under(shareOf(pinned, asked));
    else painter.current?.clear();
  };
  return { under, rest };
}
