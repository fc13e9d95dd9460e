// The picture a part is selected on, large, and the hand on it.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { queryImageUrl, queryThumbnailUrl } from "../../api";
import { HeatMap } from "../../components/places";
import type { Scene } from "../../gestures";
import { wordsOf } from "../../marks";
import { routes } from "../../route";
import type { Asked } from "../../state/asked";
import { brushSize, chosen, draft, found, show, tool } from "../../state/part";
import { useStore } from "../../state/store";
import { onStageKey } from "./stage-keys";
import { MarksLayer } from "./marks-layer";
import { PAINTS } from "./tools";
import { useHand } from "./use-hand";
import type { Viewing } from "./use-view";

interface Props {
  asked: Asked;
  stage: { current: HTMLDivElement | null };
  viewing: Viewing;
  children?: ComponentChildren; // drawn on the picture, under the marks
}

const SHARP = 1600; // px of the longer side that are fetched

export function Stage({ asked, stage, viewing, children }: Props) {
  const sheet = useRef<HTMLDivElement>(null);
  const brush = useRef<HTMLSpanElement>(null);
  const using = useStore(tool);
  const size = useStore(brushSize);
  const kept = useStore(routes).marks;
  const drawn = useStore(draft);
  const marks = drawn ?? kept;
  const handled = useStore(chosen);
  const coarse = useCoarse();
  const showing = useStore(show);
  const { view, unit } = viewing;
  const radius = size * Math.max(asked.width, asked.height);

  // What happens between two renderings still sees the newest marks.
  const scene = (): Omit<Scene, "adding" | "unwanted" | "reach"> => ({
    marks: draft.get() ?? routes.get().marks,
    chosen: chosen.get(),
    tool: tool.get(),
    radius,
    unit,
    extent: asked,
  });
  const hand = useHand({ stage, sheet, viewing, scene });
  const drawing = drawn !== null;

  const followBrush = (event: PointerEvent) => {
    if (!brush.current || event.pointerType === "touch") return;
    const { left, top } = (stage.current as HTMLElement).getBoundingClientRect();
    brush.current.style.translate = `${event.clientX - left}px ${event.clientY - top}px`;
  };

  return (
    <div
      ref={stage}
      class={`part-stage using-${using}${showing === "heat" ? " lit" : ""}`}
      tabIndex={0}
      role="application"
      aria-label={`${asked.name}: mark a part of it`}
      aria-describedby="part-how"
      style={{ aspectRatio: `${asked.width} / ${asked.height}` }}
      onPointerDown={hand.onPointerDown}
      onPointerMove={(event) => (followBrush(event), hand.onPointerMove(event))}
      onPointerUp={hand.onPointerUp}
      onPointerCancel={hand.onPointerCancel}
      onWheel={hand.onWheel}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => onStageKey(event, asked, viewing, hand.cancel)}
    >
      <div
        ref={sheet}
        class="part-sheet"
        data-part-query
        style={{ width: `${viewing.size.width}px`, height: `${viewing.size.height}px`, translate: `${view.x}px ${view.y}px` }}
      >
        <img class="part-blur" src={queryThumbnailUrl(asked.query, 320)} alt="" draggable={false} />
        <img class="part-sharp" src={queryImageUrl(asked.query, SHARP)} alt={asked.name} draggable={false} />
        <Say of={asked} drawing={drawing} />
        {children}
        <MarksLayer marks={marks} chosen={drawing ? -1 : handled} extent={asked} unit={unit} coarse={coarse} />
      </div>
      {PAINTS.includes(using) && !coarse && (
        <span ref={brush} class={`brush-cursor ${using}`} style={{ width: `${(2 * radius) / unit}px`, height: `${(2 * radius) / unit}px` }} />
      )}
      <p class="visually-hidden" role="status">
        {marks.length === 0 ? "Nothing is marked." : marks.map(wordsOf).join(". ")}
      </p>
    </div>
  );
}

/** With the heat maps: which patches of the part have how much say. */
function Say({ of, drawing }: { of: Asked; drawing: boolean }) {
  const { answer, of: about } = useStore(found);
  if (useStore(show) !== "heat" || drawing || !answer || about !== of.query) return null;
  const { rows, columns, weights } = answer.query;
  return <HeatMap bytes={weights} rows={rows} columns={columns} />;
}

function useCoarse(): boolean {
  const [coarse, setCoarse] = useState(false);
  useLayoutEffect(() => {
    const query = matchMedia("(pointer: coarse)");
    const look = () => setCoarse(query.matches);
    look();
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, []);
  return coarse;
}

