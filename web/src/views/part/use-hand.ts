// Pointers on the stage: mouse, pen and fingers mark; two fingers, the wheel and the middle button move the picture.
import { useRef } from "preact/hooks";
import { begin, gripAt, type Scene, type Stroke } from "../../gestures";
import type { Point } from "../../marks";
import { adding, chosen, draft, mark } from "../../state/part";
import type { Viewing } from "./use-view";

interface Hand {
  stage: { current: HTMLElement | null };
  sheet: { current: HTMLElement | null };
  viewing: Viewing;
  scene: () => Omit<Scene, "adding" | "unwanted" | "reach">;
}

type Doing = { kind: "mark"; id: number; stroke: Stroke } | { kind: "pan"; id: number } | { kind: "pinch" } | null;

const REACH = { mouse: 10, pen: 14, touch: 24 } as const; // screen px
const CURSORS: Record<string, string> = {
  move: "move", n: "ns-resize", s: "ns-resize", e: "ew-resize", w: "ew-resize",
  nw: "nwse-resize", se: "nwse-resize", ne: "nesw-resize", sw: "nesw-resize",
};

export function useHand({ stage, sheet, viewing, scene }: Hand) {
  const doing = useRef<Doing>(null);
  const fingers = useRef(new Map<number, Point>()); // on the stage, px from its corner
  const before = useRef<readonly Point[]>([]); // the two fingers of a pinch, at the last move

  const onPicture = (event: PointerEvent): Point => {
    const { left, top, width, height } = (sheet.current as HTMLElement).getBoundingClientRect();
    const { extent } = scene();
    return [((event.clientX - left) / width) * extent.width, ((event.clientY - top) / height) * extent.height];
  };
  const onStage = (event: { clientX: number; clientY: number }): Point => {
    const { left, top } = (stage.current as HTMLElement).getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const reachOf = (event: PointerEvent) =>
    (REACH[event.pointerType as keyof typeof REACH] ?? REACH.mouse) * viewing.unit;

  const drop = () => {
    doing.current = null;
    draft.set(null);
  };

  return {
    cancel: (): boolean => {
      const busy = doing.current?.kind === "mark";
      drop();
      return busy;
    },

    onPointerDown(event: PointerEvent) {
      const element = stage.current as HTMLElement;
      fingers.current.set(event.pointerId, onStage(event));
      element.setPointerCapture(event.pointerId);
      if (event.pointerType === "touch" && fingers.current.size > 1) {
        drop(); // the first finger meant to pinch, not to mark
        doing.current = { kind: "pinch" };
        before.current = [...fingers.current.values()];
        return;
      }
      if (doing.current) return;
      if (event.button === 1) {
        event.preventDefault();
        doing.current = { kind: "pan", id: event.pointerId };
        return;
      }
      const how = {
        adding: adding.get() || event.shiftKey,
        unwanted: event.button === 2 || event.altKey,
        reach: reachOf(event),
      };
      doing.current = { kind: "mark", id: event.pointerId, stroke: begin({ ...scene(), ...how }, onPicture(event)) };
    },

    onPointerMove(event: PointerEvent) {
      const now = doing.current;
      const last = fingers.current.get(event.pointerId);
      const at = onStage(event);
      if (last) fingers.current.set(event.pointerId, at);
      if (now?.kind === "pan" && now.id === event.pointerId && last) viewing.pan(at[0] - last[0], at[1] - last[1]);
      else if (now?.kind === "pinch") pinch();
      else if (now?.kind === "mark" && now.id === event.pointerId) draw(event, now.stroke);
      else if (!now && event.pointerType !== "touch") {
        const grip = gripAt({ ...scene(), reach: reachOf(event) }, onPicture(event));
        (stage.current as HTMLElement).style.cursor = grip ? (CURSORS[grip] as string) : "";
      }
    },

    onPointerUp(event: PointerEvent) {
      fingers.current.delete(event.pointerId);
      const now = doing.current;
      if (now?.kind === "mark" && now.id === event.pointerId) {
        doing.current = null;
        now.stroke.to(onPicture(event));
        const outcome = now.stroke.end();
        if (outcome.marks) mark(outcome.marks);
        else draft.set(null);
        chosen.set(outcome.chosen);
      } else if (now?.kind === "pan" ? now.id === event.pointerId : fingers.current.size === 0) {
        doing.current = null;
      }
    },

    onPointerCancel(event: PointerEvent) {
      fingers.current.delete(event.pointerId);
      if (fingers.current.size === 0 || doing.current?.kind === "mark") drop();
    },

    onWheel(event: WheelEvent) {
      if (event.ctrlKey || event.metaKey) viewing.zoom(Math.exp(-event.deltaY / 120), onStage(event));
      else if (viewing.view.zoom > 1) viewing.pan(-event.deltaX, -event.deltaY);
      else return; // the page scrolls
      event.preventDefault();
    },
  };

  function draw(event: PointerEvent, stroke: Stroke): void {
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length > 0 ? passed : [event]) draft.set(stroke.to(onPicture(one)));
  }

  function pinch(): void {
    const [a, b] = [...fingers.current.values()];
    const [c, d] = before.current;
    if (!a || !b || !c || !d) return;
    const spread = ([ax, ay]: Point, [bx, by]: Point) => Math.max(1, Math.hypot(ax - bx, ay - by));
    const middle = ([ax, ay]: Point, [bx, by]: Point): Point => [(ax + bx) / 2, (ay + by) / 2];
    const [to, from] = [middle(a, b), middle(c, d)];
    viewing.pan(to[0] - from[0], to[1] - from[1]);
    viewing.zoom(spread(a, b) / spread(c, d), to);
    before.current = [a, b];
  }
}
