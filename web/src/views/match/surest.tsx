// Fewer links: the surest of them.
import { turn } from "../../route";
import type { Link } from "./asking";

export function Surest({ links, sure }: { links: readonly Link[]; sure: number }) {
  const shown = links.filter(({ confidence }) => confidence >= sure).length;
  return (
    <label class="slider match-sure">
      <span>Surest links only</span>
      <output>{shown} of {links.length}</output>
      <input
        type="range"
        min={0}
        max={100}
        value={Math.round(100 * strictness(links, sure))}
        aria-label="Surest links only"
        aria-valuetext={`${shown} of ${links.length} links`}
        onInput={(event) => turn({ sure: thresholdOf(links, Number(event.currentTarget.value) / 100) })}
      />
    </label>
  );
}

/** How many of the links a threshold takes away, as a share of all but the surest. */
export function strictness(links: readonly Link[], sure: number): number {
  const gone = links.filter(({ confidence }) => confidence < sure).length;
  return gone / Math.max(1, links.length - 1);
}

/** The threshold that takes that share of the links away; the surest one stays. */
export function thresholdOf(links: readonly Link[], share: number): string {
  const order = links.map(({ confidence }) => confidence).sort((a, b) => a - b);
  const gone = Math.round(share * (order.length - 1));
  return gone <= 0 ? "" : (Math.floor(1000 * (order[gone] as number)) / 1000).toFixed(3);
}
