// The two pictures side by side, with what belongs together in them.
import { useEffect, useLayoutEffect, useMemo } from "preact/hooks";
import { GridLayer } from "../../components/grid-layer";
import type { At } from "../../grids";
import { keysRest } from "../../keys";
import { navigate, routes, turn } from "../../route";
import type { Knobs } from "../../knobs";
import type { Asked } from "../../state/asked";
import { draft } from "../../state/part";
import { useStore } from "../../state/store";
import { questionOf, useCosines, useDense, useGeometry, useMatch, useTransfer } from "./asking";
import { useExploring, type Pin } from "./exploring";
import { useFrames, type Both, type SideName } from "./frames";
import { coloursOf, type Dense } from "./grids";
import { Header, showing, SHOWS, swapped } from "./header";
import { Marking } from "./marking";
import { Found, PartTold } from "./part";
import { Stage } from "./stage";
import { Strip } from "./strip";
import { agreeing, Leading, Threads, tiesOf } from "./threads";
import { Underneath } from "./underneath";
import { Verdicts } from "./verdicts";
import { outlineOf } from "./words";

export function Pair({ here, there }: Both<Asked>) {
  const { knobs, marks } = useStore(routes);
  const drawn = useStore(draft);
  const show = SHOWS.find((one) => one === knobs["show"]) ?? "links";
  const question = questionOf(here.query, there.query, knobs);
  const match = useMatch(question);
  const cosines = useCosines(question);
  const dense = useDense(question);
  const geometry = useGeometry(question, match.value !== null);
  const part = useTransfer(question, drawn ?? marks, show === "part" && match.value !== null);

  const most = Number(knobs["links"]) || Infinity; // the best come first
  const pin = useMemo(() => pinOf(knobs, { here, there }), [knobs["here_at"], knobs["there_at"], here, there]);
  const ties = useMemo(() => {
    if (show === "geometry") return geometry.value ? agreeing(geometry.value, { here, there }) : [];
    return show === "links" && match.value ? tiesOf(match.value.links, { here, there }).slice(0, most) : [];
  }, [show, match.value, geometry.value, most, here, there]);
  const exploring = useExploring({ cosines: cosines.value, dense: dense.value, ties, pin, warm: show === "links" });
  const { holder, stages, rest } = exploring;
  const frames = useFrames(holder, stages, [show]);
  const free = show !== "part"; // the pointer explores; in a part it marks
  useLayoutEffect(rest, [cosines.value, dense.value, ties, pin, show, frames]);
  usePairKeys();

  const place = (side: SideName, at: At | null) => turn(pinned({ here, there }, side, at));
  const stageOf = (side: SideName, asked: Asked) => (
    <Stage
      asked={asked}
      stage={stages[side]}
      kind={`${side} show-${show}`}
      shape={cosines.value?.[side] ?? null}
      at={pin?.side === side ? pin.at : null}
      under={(at, pressed) => free && (pressed || !pin) && exploring.under(side, at)}
      leave={() => free && rest()}
      pin={(at) => free && place(side, at)}
    >
      {show === "links" && cosines.value && (
        <GridLayer key="heat" name="match-layer" {...cosines.value[side]} draw={rest} on={[]} handle={exploring.painters[side]} />
      )}
      {show === "dense" && dense.value && <Coloured key="colours" dense={dense.value} side={side} />}
      {show === "part" && side === "there" && <Found key="part" part={part.value} extent={asked} />}
      {show === "geometry" && side === "there" && geometry.value && <Outline key="outline" d={outlineOf(geometry.value, here)} extent={there} />}
    </Stage>
  );

  return (
    <div class="match">
      <Header here={here} there={there} show={show} />
      <div
        ref={holder}
        class="match-stages"
        style={{ "--columns": columnsFor(here, there) }}
        aria-busy={match.waiting}
        data-match={match.value && cosines.value && dense.value && !match.waiting ? "ready" : "waiting"}
      >
        <figure class="match-side" style={{ "--ratio": String(here.width / here.height) }}>
          {show === "part" ? <Marking asked={here} stage={stages.here} /> : stageOf("here", here)}
        </figure>
        <figure class="match-side" style={{ "--ratio": String(there.width / there.height) }}>{stageOf("there", there)}</figure>
        {frames && free && <Threads ties={ties} frames={frames} fine={show === "geometry"} />}
        {free && <Leading handle={exploring.leading} />}
        {(match.waiting || (match.value === null && !match.failure)) && (
          <p class="look-waiting" role="status"><span class="spinner" aria-hidden="true" /> Looking closer at both</p>
        )}
      </div>
      {match.failure && <p class="form-error" role="alert">{match.failure}</p>}
      {show === "part" ? (
        <PartTold part={part} marks={marks.length} />
      ) : (
        <Underneath show={show} match={match.value} geometry={geometry.value} pinned={pin !== null} links={ties.length} />
      )}
      {match.value && <Verdicts match={match.value} geometry={geometry} shape={cosines.value} show={show} links={ties.length} />}
      <Strip here={here} there={there.query} />
    </div>
  );
}

/** As wide as makes both of one height, as long as neither gets lost. */
function columnsFor(...both: readonly Asked[]): string {
  return both.map(({ width, height }) => `minmax(0, ${Math.min(2.4, Math.max(0.6, width / height)).toFixed(3)}fr)`).join(" ");
}

function Coloured({ dense, side }: { dense: Dense; side: SideName }) {
  const { rows, columns } = dense[side];
  return (
    <GridLayer
      name="match-layer"
      rows={rows}
      columns={columns}
      draw={(painter) => painter.colours(coloursOf(dense[side], side === "there"))}
      on={[dense]}
    />
  );
}

/** The whole of the first picture as it lies in the second. */
function Outline({ d, extent }: { d: string | null; extent: Asked }) {
  if (!d) return null;
  return (
    <svg class="match-outline" viewBox={`0 0 ${extent.width} ${extent.height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="under" d={d} />
      <path d={d} />
    </svg>
  );
}

/** A place that the address pins on one of the pictures. */
export function pinOf(knobs: Knobs, sides: Both<Asked>): Pin | null {
  for (const side of ["here", "there"] as const) {
    const [x = NaN, y = NaN] = (knobs[`${side}_at`] ?? "").split(",").map(Number);
    const { width, height } = sides[side];
    if (x >= 0 && y >= 0 && x <= width && y <= height) return { side, at: [x / width, y / height] };
  }
  return null;
}

function pinned(sides: Both<Asked>, side: SideName, at: At | null): Record<string, string> {
  const { width, height } = sides[side];
  const text = at ? `${Math.round(at[0] * width)},${Math.round(at[1] * height)}` : "";
  return { here_at: "", there_at: "", [`${side}_at`]: text };
}

function usePairKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (keysRest(event)) return;
      const wanted = SHOWS[Number(event.key) - 1];
      if (wanted) showing(wanted);
      else if (event.key === "f") navigate(swapped(routes.get()));
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}
