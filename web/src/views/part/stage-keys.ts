// The stage without a pointer: everything a hand can mark, keys can, too.
import { boxMark, grown, moved, pointMark, settled, type Extent, type Mark, type Point } from "../../marks";
import { routes } from "../../route";
import { chosen, draft, mark, nudge, tool } from "../../state/part";
import type { Viewing } from "./use-view";

const ARROWS: Record<string, Point> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const STEP = 0.02; // of the picture's longer side
const FIRST = 0.3; // of each side: the box that a key makes

const now = (): readonly Mark[] => draft.get() ?? routes.get().marks;

/** `cancel` gives up what a hand is drawing; true when there was something. */
export function onStageKey(event: KeyboardEvent, extent: Extent, viewing: Viewing, cancel: () => boolean): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = ARROWS[event.key];
  const acts: Record<string, () => boolean> = {
    Enter: () => make(extent),
    " ": () => make(extent),
    Delete: remove,
    Backspace: remove,
    Escape: () => cancel() || unchoose(),
    m: chooseNext,
    "+": () => (viewing.zoom(1.5), true),
    "=": () => (viewing.zoom(1.5), true),
    "-": () => (viewing.zoom(1 / 1.5), true),
    "0": () => (viewing.fit(), true),
  };
  const done = arrow ? push(arrow, event.shiftKey, extent) : acts[event.key]?.();
  if (!done) return;
  event.preventDefault();
}

/** A new mark in the middle, ready to be moved: a point for the point tools, a box for the others. */
function make(extent: Extent): boolean {
  const { width, height } = extent;
  const middle: Point = [width / 2, height / 2];
  const using = tool.get();
  const made =
    using === "at" || using === "not"
      ? pointMark(using, middle)
      : boxMark([
          width * (0.5 - FIRST / 2),
          height * (0.5 - FIRST / 2),
          width * (0.5 + FIRST / 2),
          height * (0.5 + FIRST / 2),
        ]);
  mark([...now(), settled(made, extent)]);
  chosen.set(now().length - 1);
  return true;
}

/** Move the chosen mark, or with Shift make a box wider, narrower, taller, lower. */
function push([dx, dy]: Point, larger: boolean, extent: Extent): boolean {
  if (now().length === 0) return make(extent);
  if (!now()[chosen.get()]) chosen.set(now().length - 1);
  const index = chosen.get();
  const old = now()[index] as Mark;
  const step = Math.max(1, STEP * Math.max(extent.width, extent.height));
  const next =
    larger && old.kind === "box"
      ? grown(old, [(dx * step) / 2, (-dy * step) / 2], extent, step / 2) // up is taller
      : moved(old, [dx * step, dy * step], extent);
  nudge(now().map((one, i) => (i === index ? settled(next, extent) : one)));
  return true;
}

function remove(): boolean {
  const index = now()[chosen.get()] ? chosen.get() : now().length - 1;
  if (index < 0) return false;
  mark(now().filter((_, i) => i !== index));
  chosen.set(Math.min(index, now().length - 1));
  return true;
}

function unchoose(): boolean {
  if (chosen.get() < 0) return false;
  chosen.set(-1);
  return true;
}

function chooseNext(): boolean {
  if (now().length === 0) return false;
  chosen.set((chosen.get() + 1) % now().length);
  return true;
}

