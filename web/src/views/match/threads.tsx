// What is drawn across both pictures: links, points that agree, and where a pointer leads.
import { useImperativeHandle, useRef } from "preact/hooks";
import type { At } from "../../grids";
import type { Asked } from "../../state/asked";
import type { Geometry, Link } from "./asking";
import { curve, otherSide, pointOn, type Both, type Frames, type SideName } from "./frames";
import { cssAt, spreadOut, type Spot } from "./grids";

export interface Tie {
  here: At; // shares of the sides
  there: At;
  colour: string;
  weight: number; // [0, 1]: how plain it is drawn
}

const FAINT = 0.35; // confidence of a link that is hardly drawn
const PLAIN = 0.8; // and of one that could not be plainer

/** Links in the colours of where they start, among all of them. */
export function tiesOf(links: readonly Link[], { here, there }: Both<Asked>): Tie[] {
  const share = ([x, y]: readonly [number, number], { width, height }: Asked): At => [x / width, y / height];
  const starts = links.map((link) => share(link.here, here));
  const colours = spreadOut(starts).map(cssAt);
  return links.map((link, i) => ({
    here: starts[i] as At,
    there: share(link.there, there),
    colour: colours[i] as string,
    weight: Math.min(1, Math.max(0.15, (link.confidence - FAINT) / (PLAIN - FAINT))),
  }));
}

/** Points that obey the geometry; few lines, or nothing would be seen. */
export function agreeing({ points }: Geometry, sides: Both<Asked>): Tie[] {
  const links = points.map(([x, y, u, v]): Link => ({ here: [x, y], there: [u, v], similarity: 1, confidence: 0.6 }));
  return tiesOf(links, sides);
}

const MOST_LINES = 40;

export function Threads({ ties, frames, fine = false }: { ties: readonly Tie[]; frames: Frames; fine?: boolean }) {
  const every = fine ? Math.ceil(ties.length / MOST_LINES) : 1;
  return (
    <svg class={`match-threads${fine ? " fine" : ""}`} aria-hidden="true">
      {ties.map((tie, i) => {
        const [from, to] = [pointOn(frames.here, tie.here), pointOn(frames.there, tie.there)];
        const d = curve(from, to);
        const radius = fine ? 2.5 : 4 + 2.5 * tie.weight;
        return (
          <g key={i} data-tie={i} style={{ "--colour": tie.colour, "--weight": String(0.4 + 0.6 * tie.weight) }}>
            {i % every === 0 && <path class="under" d={d} />}
            {i % every === 0 && <path d={d} />}
            {[from, to].map(([x, y], end) => <circle key={end} cx={x.toFixed(1)} cy={y.toFixed(1)} r={radius} />)}
          </g>
        );
      })}
    </svg>
  );
}

/** The link that ends near a place on the page, within `reach` px; -1 for none. */
export function tieNear(ties: readonly Tie[], frames: Frames, side: SideName, [x, y]: At, reach: number): number {
  let [best, least] = [-1, reach];
  ties.forEach((tie, i) => {
    const [tx, ty] = pointOn(frames[side], tie[side]);
    const far = Math.hypot(tx - x, ty - y);
    if (far < least) [best, least] = [i, far];
  });
  return best;
}

export interface Lead {
  show(side: SideName, at: At, spots: readonly Spot[], frames: Frames, pinned: boolean): void;
  hide(): void;
}

export const MOST_SPOTS = 5;

/**
 * From a place in one picture to its best places in the other; moved without any rendering.
 *
 * What follows a pointer are small things that a browser moves without painting; the line is there for what is pinned.
 */
export function Leading({ handle }: { handle: { current: Lead | null } }) {
  const holder = useRef<HTMLDivElement>(null);
  useImperativeHandle(handle, () => ({
    show: (...given) => holder.current && lead(holder.current, ...given),
    hide: () => holder.current?.style.setProperty("display", "none"),
  }), []);
  return (
    <div ref={holder} class="match-leading" style={{ display: "none" }} aria-hidden="true">
      <svg>
        <path class="under" />
        <path />
      </svg>
      <span class="from" />
      {Array.from({ length: MOST_SPOTS }, (_, i) => <span key={i} class="spot">{i + 1}</span>)}
    </div>
  );
}

function lead(holder: HTMLElement, side: SideName, at: At, spots: readonly Spot[], frames: Frames, pinned: boolean): void {
  const [svg, from, ...rings] = [...holder.children] as [SVGElement, ...HTMLElement[]];
  const start = pointOn(frames[side], at);
  const ends = spots.map((spot) => pointOn(frames[otherSide(side)], spot.at));
  holder.classList.toggle("pinned", pinned);
  holder.classList.toggle("numbered", spots.length > 1);
  if (pinned) for (const path of svg.children) path.setAttribute("d", ends[0] ? curve(start, ends[0]) : "");
  put(from as HTMLElement, start);
  rings.forEach((ring, i) => {
    put(ring, ends[i]);
    ring.style.opacity = String(0.65 + 0.35 * (spots[i]?.odds ?? 0));
  });
  holder.style.display = "";
}

function put(ring: HTMLElement, place: At | undefined): void {
  ring.style.display = place ? "" : "none";
  if (place) ring.style.transform = `translate(${place[0].toFixed(1)}px, ${place[1].toFixed(1)}px)`;
}
