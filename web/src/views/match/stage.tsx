// One of the two pictures, large, and the pointer on it.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { queryImageUrl, queryThumbnailUrl } from "../../api";
import type { At } from "../../grids";
import type { Asked } from "../../state/asked";
import type { Shape } from "./grids";

interface Props {
  asked: Asked;
  stage: { current: HTMLDivElement | null };
  kind: string; // of its class
  shape: Shape | null; // its patches, which the arrow keys step by
  at: At | null; // where the pin is, shares of the sides
  under: (at: At, pressed: boolean) => void;
  leave: () => void;
  pin: (at: At | null) => void; // null: let it go
  children?: ComponentChildren; // over the picture
}

const SHARP = 1600; // px of the longer side that are fetched
const REACH = 12; // screen px around a pin that are it
const STEPS: Record<string, At> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (share: number): number => Math.min(1, Math.max(0, share));

export function Stage({ asked, stage, kind, shape, at, under, leave, pin, children }: Props) {
  const placeOf = (event: PointerEvent): At => {
    const { left, top, width, height } = (stage.current as HTMLElement).getBoundingClientRect();
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  };
  const pressed = useRef<At>([0, 0]); // on the screen
  /** A click on the pin, and no drag from it, lets it go. */
  const onPin = (event: PointerEvent): boolean => {
    if (!at || Math.hypot(event.clientX - pressed.current[0], event.clientY - pressed.current[1]) > 4) return false;
    const { left, top, width, height } = (stage.current as HTMLElement).getBoundingClientRect();
    return Math.hypot(left + at[0] * width - event.clientX, top + at[1] * height - event.clientY) <= REACH;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const [dx, dy] = STEPS[event.key] ?? [0, 0];
    const marks = event.key === "Enter" && !at;
    if ((!dx && !dy && !marks) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [x, y] = at ?? [0.5, 0.5];
    const step = at ? 1 : 0; // the first one marks the middle
    const { columns, rows } = shape ?? { columns: 24, rows: 24 };
    pin([within(x + (step * dx) / columns), within(y + (step * dy) / rows)]);
  };
  return (
    <>
      <div
        ref={stage}
        class={`match-stage ${kind}`}
        style={{ aspectRatio: `${asked.width} / ${asked.height}` }}
        tabIndex={0}
        role="application"
        aria-label={`${asked.name}: choose a place with the arrow keys`}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          pressed.current = [event.clientX, event.clientY];
          stage.current?.setPointerCapture(event.pointerId);
          under(placeOf(event), true);
        }}
        onPointerMove={(event) => under(placeOf(event), event.buttons > 0)}
        onPointerUp={(event) => event.button === 0 && pin(onPin(event) ? null : placeOf(event))}
        onPointerLeave={leave}
        onPointerCancel={leave}
        onKeyDown={onKeyDown}
      >
        <img class="part-blur" src={queryThumbnailUrl(asked.query, 320)} alt="" draggable={false} />
        <img class="part-sharp" src={queryImageUrl(asked.query, SHARP)} alt={asked.name} draggable={false} />
        {children}
      </div>
      <figcaption>{asked.name}</figcaption>
    </>
  );
}
