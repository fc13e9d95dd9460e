// Two pictures of a set: side by side, one wiped over the other, or what differs.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { queryImageUrl } from "../../api";
import type { Picture } from "../../wire";
import { cssOf, type Seen, type Sized } from "./geometry";
import type { Outline } from "./asking";

export type Mode = "side" | "wipe" | "differ";

const SIDE = 1024; // pixels of the pictures compared

interface Props {
  base: Picture;
  other: Picture;
  seen: Seen; // as the base sees it
  mode: Mode;
  alike: boolean; // the same bytes: nothing differs
}

export function Stage({ base, other, seen, mode, alike }: Props) {
  if (mode === "side" || (!seen.map && !alike)) {
    return (
      <div class="copies-pair">
        <One picture={base} outline={seen.mine} label="The one to keep" />
        <One picture={other} outline={seen.others} label="The copy" />
      </div>
    );
  }
  return <Laid base={base} other={other} seen={seen} differ={mode === "differ"} />;
}

function One({ picture, outline, label }: { picture: Picture; outline: Outline; label: string }) {
  return (
    <figure style={{ "--ratio": picture.width / picture.height }}>
      <div class="copies-picture" style={{ aspectRatio: `${picture.width} / ${picture.height}` }}>
        <img src={queryImageUrl(String(picture.id), SIDE)} alt={`${label}: ${picture.name}`} draggable={false} />
        <Drawn picture={picture} outline={outline} />
      </div>
    </figure>
  );
}

function Drawn({ picture, outline }: { picture: Sized; outline: Outline }) {
  if (outline.length < 3) return null;
  const points = outline.map(([x, y]) => `${x},${y}`).join(" ");
  return (
    <svg class="copies-outline" viewBox={`0 0 ${picture.width} ${picture.height}`} preserveAspectRatio="none" aria-hidden="true">
      <polygon class="under" points={points} />
      <polygon points={points} />
    </svg>
  );
}

/** The other picture on the base, where it belongs: wiped in from the right, or subtracted. */
function Laid({ base, other, seen, differ }: { base: Picture; other: Picture; seen: Seen; differ: boolean }) {
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Sized | null>(null);
  const [at, setAt] = useState(0.5);
  useLayoutEffect(() => {
    const element = frame.current as HTMLDivElement;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => watch.disconnect();
  }, [base.id]);
  const most = SIDE / Math.max(other.width, other.height, SIDE);
  const drawn = { width: other.width * most, height: other.height * most };
  const map = seen.map ?? [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const move = (event: PointerEvent) => {
    if (differ || (event.type === "pointermove" && event.buttons === 0)) return;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    setAt(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  return (
    <div class="copies-laid" style={{ "--ratio": base.width / base.height }}>
      <div
        ref={frame}
        class={`copies-picture ${differ ? "differ" : "wipe"}`}
        style={{ aspectRatio: `${base.width} / ${base.height}`, "--at": `${100 * at}%` }}
        onPointerDown={(event) => {
          (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
          move(event);
        }}
        onPointerMove={move}
      >
        <img src={queryImageUrl(String(base.id), SIDE)} alt={`The one to keep: ${base.name}`} draggable={false} />
        <div class="copies-over">
          {size && (
            <img
              class="copies-warped"
              src={queryImageUrl(String(other.id), SIDE)}
              alt={`The copy: ${other.name}`}
              draggable={false}
              style={{ width: `${drawn.width}px`, height: `${drawn.height}px`, transform: cssOf(map, other, drawn, base, size) }}
            />
          )}
        </div>
        {differ && seen.mine.length > 2 && <Outside picture={base} outline={seen.mine} />}
        <Drawn picture={base} outline={seen.mine} />
        {!differ && <i class="copies-edge" aria-hidden="true" />}
      </div>
      {!differ && (
        <input
          type="range"
          class="copies-wipe-range"
          min={0}
          max={100}
          value={100 * at}
          aria-label="How much of the copy is shown"
          onInput={(event) => setAt(Number(event.currentTarget.value) / 100)}
        />
      )}
    </div>
  );
}

/** What of the base the copy does not show has nothing to differ from: it is veiled. */
function Outside({ picture, outline }: { picture: Sized; outline: Outline }) {
  const { width, height } = picture;
  const hole = outline.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y}`).join("");
  return (
    <svg class="copies-outline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="veil" fill-rule="evenodd" d={`M0 0H${width}V${height}H0Z${hole}Z`} />
    </svg>
  );
}
