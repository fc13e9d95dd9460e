// What is shown of the match.
import { Segments } from "../../components/segments";
import { turn } from "../../route";
import type { Link } from "./asking";

export type Show = "links" | "dense" | "part" | "geometry";
export const SHOWS: readonly Show[] = ["links", "dense", "part", "geometry"];

interface Props {
  show: Show;
  sure: number; // links surer than this are drawn
  links: readonly Link[];
}

export function Controls({ show, sure, links }: Props) {
  const shown = links.filter(({ confidence }) => confidence >= sure).length;
  return (
    <div class="match-controls">
      <Segments<Show>
        legend="What is shown"
        quiet
        value={show}
        options={[
          ["links", "Links", "Which part is which (1)"],
          ["dense", "Colours", "One colour, one part (2)"],
          ["part", "A part", "Mark a part, and see it in the other (3)"],
          ["geometry", "Geometry", "Is it the very same thing? (4)"],
        ]}
        onChange={(one) => turn({ show: one === "links" ? "" : one })}
      />
      {show === "links" && links.length > 1 && (
        <label class="match-sure">
          <span>Surest only</span>
          <input
            type="range"
            min={0}
            max={100}
            value={Math.round(100 * strictness(links, sure))}
            aria-valuetext={`${shown} of ${links.length} links`}
            onInput={(event) => turn({ sure: thresholdOf(links, Number(event.currentTarget.value) / 100) })}
          />
          <output>{shown} of {links.length}</output>
        </label>
      )}
    </div>
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
  return gone === 0 ? "" : (Math.floor(1000 * (order[gone] as number)) / 1000).toFixed(3);
}
