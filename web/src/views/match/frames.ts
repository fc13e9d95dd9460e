// Where both pictures lie on the page, for what is drawn across it.
import { useLayoutEffect, useState } from "preact/hooks";
import type { At } from "../../grids";

export type SideName = "here" | "there";
export const otherSide = (side: SideName): SideName => (side === "here" ? "there" : "here");

export interface Rect {
  left: number; // px from the corner of what holds both
  top: number;
  width: number;
  height: number;
}

export interface Frames {
  here: Rect;
  there: Rect;
}

export type Both<T> = Record<SideName, T>;
type Holder = { current: HTMLElement | null };

export function framesOf(holder: HTMLElement | null, stages: Both<Holder>): Frames | null {
  if (!holder || !stages.here.current || !stages.there.current) return null;
  const { left, top } = holder.getBoundingClientRect();
  const rect = (element: HTMLElement): Rect => {
    const box = element.getBoundingClientRect();
    return { left: box.left - left, top: box.top - top, width: box.width, height: box.height };
  };
  return { here: rect(stages.here.current), there: rect(stages.there.current) };
}

/** The same, with a new rendering whenever the page is laid out anew. */
export function useFrames(holder: Holder, stages: Both<Holder>, on: readonly unknown[]): Frames | null {
  const [frames, setFrames] = useState<Frames | null>(null);
  useLayoutEffect(() => {
    const measure = () => setFrames(framesOf(holder.current, stages));
    measure();
    const observer = new ResizeObserver(measure);
    for (const element of [holder.current, stages.here.current, stages.there.current]) if (element) observer.observe(element);
    return () => observer.disconnect();
  }, on);
  return frames;
}

/** A place of a picture, as shares of its sides, on the page. */
export const pointOn = ({ left, top, width, height }: Rect, [x, y]: At): At => [left + x * width, top + y * height];

/** Leaves one picture to the other and arrives level, whether they lie beside or below one another. */
export function curve([ax, ay]: At, [bx, by]: At): string {
  const beside = Math.abs(bx - ax) >= Math.abs(by - ay);
  const [dx, dy] = beside ? [0.4 * (bx - ax), 0] : [0, 0.4 * (by - ay)];
  return `M${[ax, ay].map(round)}C${[ax + dx, ay + dy, bx - dx, by - dy, bx, by].map(round)}`;
}

const round = (value: number): string => value.toFixed(1);
