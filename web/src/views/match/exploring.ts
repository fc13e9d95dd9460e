// A pointer on one picture, warmth in the other: all of it without a rendering and without the network.
import { useEffect, useRef } from "preact/hooks";
import type { Painter } from "../../components/grid-layer";
import { rowAt, type At } from "../../grids";
import { HEAT } from "../../heat";
import { createStore } from "../../state/store";
import { framesOf, otherSide, type Both, type SideName } from "./frames";
import { heatOf, patchesIn, spotsIn, sureAt, type Cosines, type Dense } from "./grids";
import { MOST_SPOTS, tieNear, type Lead, type Tie } from "./threads";

export interface Pin {
  side: SideName;
  at: At; // shares of the sides
}

interface Seen {
  cosines: Cosines | null;
  dense: Dense | null;
  ties: readonly Tie[];
  pin: Pin | null;
  warm: boolean; // the other picture shows heat
}

/** What is under the pointer, in words; "" for nothing. */
export interface Told {
  tie: number; // the link that is pointed at, -1 for none
  sure: number | null; // of the best place for what is pointed at
}

export const NOTHING_TOLD: Told = { tie: -1, sure: null };
export const told = createStore<Told>(NOTHING_TOLD);

const NEAR = 12; // screen px: so close to its end a link is meant

export interface Exploring {
  holder: { current: HTMLDivElement | null };
  stages: Both<{ current: HTMLDivElement | null }>;
  painters: Both<{ current: Painter | null }>;
  leading: { current: Lead | null };
  under: (side: SideName, at: At) => void;
  rest: () => void; // what is pinned, or nothing
}

export function useExploring(seen: Seen): Exploring {
  const now = useRef(seen);
  now.current = seen;
  const holder = useRef<HTMLDivElement>(null);
  const stages = { here: useRef<HTMLDivElement>(null), there: useRef<HTMLDivElement>(null) };
  const painters = { here: useRef<Painter>(null), there: useRef<Painter>(null) };
  const leading = useRef<Lead>(null);
  const rows = useRef<Both<Float32Array>>({ here: new Float32Array(0), there: new Float32Array(0) });
  const frame = useRef(0);

  /** How warm each patch of the other picture is for a place in this one. */
  const heatFor = ({ here, there, forth, back, step }: Cosines, side: SideName, at: At): Float32Array => {
    const [own, other, table] = side === "here" ? [here, there, forth] : [there, here, back];
    const kept = rows.current;
    if (kept[side].length !== patchesIn(other)) kept[side] = new Float32Array(patchesIn(other));
    return heatOf(rowAt(table, own, at, kept[side]), step, kept[side]);
  };

  const show = (side: SideName, at: At, pinned: boolean) => {
    const { cosines, dense, ties, warm } = now.current;
    const frames = framesOf(holder.current, stages);
    if (!cosines || !frames || !holder.current) return;
    const other = otherSide(side);
    const heat = heatFor(cosines, side, at);
    const spots = spotsIn(heat, cosines[other], pinned ? MOST_SPOTS : 1);
    const { left, top, width, height } = frames[side];
    const near = pinned ? -1 : tieNear(ties, frames, side, [left + at[0] * width, top + at[1] * height], NEAR);
    if (warm) painters[other].current?.values(heat, HEAT);
    painters[side].current?.clear();
    leading.current?.show(side, at, spots, frames, pinned);
    pointTo(holder.current, near);
    holder.current.dataset["exploring"] = side;
    told.set({ tie: near, sure: dense ? sureAt(dense[side], at) : null });
  };

  const rest = () => {
    cancelAnimationFrame(frame.current);
    frame.current = 0;
    const { pin } = now.current;
    if (pin) return show(pin.side, pin.at, true);
    told.set(NOTHING_TOLD);
    painters.here.current?.clear();
    painters.there.current?.clear();
    leading.current?.hide();
    if (!holder.current) return;
    pointTo(holder.current, -1);
    delete holder.current.dataset["exploring"];
  };

  const next = useRef<{ side: SideName; at: At } | null>(null);
  const under = (side: SideName, at: At) => {
    next.current = { side, at };
    // At most once a frame, however often the pointer tells of itself.
    frame.current ||= requestAnimationFrame(() => {
      frame.current = 0;
      if (next.current) show(next.current.side, next.current.at, false);
    });
  };

  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  return { holder, stages, painters, leading, under, rest };
}

/** The link that is meant stays, the others step back. */
function pointTo(holder: HTMLElement, near: number): void {
  for (const old of holder.querySelectorAll(".match-threads .near")) old.classList.remove("near");
  if (near >= 0) holder.querySelector(`.match-threads [data-tie="${near}"]`)?.classList.add("near");
}
