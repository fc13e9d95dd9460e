// Many pictures, each with each: the brighter a field, the rarer so close a pair is in the library.
import { useState } from "preact/hooks";
import { queryThumbnailUrl } from "../../api";
import { closeness, percent } from "../../format";
import { pairOf, saidOf, type Distances, type Pair } from "./asking";

interface Props {
  found: Distances;
  chosen: Pair | null;
  choose: (pair: Pair) => void;
  remove: (query: string) => void;
}

const WORDY = 12; // up to so many, a field has room for its number

export function Matrix({ found, chosen, choose, remove }: Props) {
  const [under, setUnder] = useState<readonly [number, number] | null>(null);
  const queries = found.order.map((index) => found.pictures[index] as string);
  const lit = (query: string, at: number) => under?.includes(at) || (chosen !== null && (chosen.here === query || chosen.there === query));
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] } as Record<string, [number, number]>;
  const onKeyDown = (event: KeyboardEvent) => {
    const step = steps[event.key];
    const cell = (event.target as HTMLElement).closest<HTMLElement>("[data-at]");
    if (!step || !cell) return;
    event.preventDefault();
    let [row, column] = (cell.dataset["at"] as string).split(",").map(Number) as [number, number];
    do [row, column] = [row + step[0], column + step[1]];
    while (row === column);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-at="${row},${column}"]`)?.focus();
  };
  return (
    <div class={`matrix${queries.length <= WORDY ? " wordy" : ""}`} style={{ "--n": String(queries.length) }} onKeyDown={onKeyDown} onPointerLeave={() => setUnder(null)} role="group" aria-label="How alike the pictures are, each with each">
      <div class="matrix-row">
        <span />
        {queries.map((query, at) => <Head key={query} query={query} number={at + 1} lit={lit(query, at)} remove={remove} />)}
      </div>
      {queries.map((one, row) => (
        <div class="matrix-row" key={one}>
          <span class={`matrix-head${lit(one, row) ? " lit" : ""}`}>
            <img src={queryThumbnailUrl(one, 160)} alt="" loading="lazy" draggable={false} />
          </span>
          {queries.map((other, column) => {
            const pair = row === column ? undefined : pairOf(found, one, other);
            if (!pair) return <span key={other} class="matrix-self" />;
            const warm = pair.percentile === null ? Math.max(0, pair.cosine) : closeness(pair.percentile);
            return (
              <button
                key={other}
                type="button"
                class={chosen === pair ? "chosen" : ""}
                data-at={`${row},${column}`}
                style={{ "--warm": `${Math.round(100 * warm)}%` }}
                title={saidOf(pair)}
                aria-label={`Pictures ${row + 1} and ${column + 1}, ${shortOf(pair)}: ${saidOf(pair)}`}
                aria-pressed={chosen === pair}
                onPointerEnter={() => setUnder([row, column])}
                onClick={() => choose(pair)}
              >
                <span aria-hidden="true">{shortOf(pair)}</span>
              </button>
            );
          })}
        </div>
      ))}
    </div>
  );
}

const shortOf = ({ percentile, cosine }: Pair): string => (percentile === null ? cosine.toFixed(2) : percent(percentile).replace(" ", ""));

function Head({ query, number, lit, remove }: { query: string; number: number; lit: boolean; remove: (query: string) => void }) {
  return (
    <span class={`matrix-head${lit ? " lit" : ""}`}>
      <button type="button" title="Take it out" aria-label={`Take picture ${number} out`} onClick={() => remove(query)}>
        <img src={queryThumbnailUrl(query, 160)} alt="" loading="lazy" draggable={false} />
      </button>
    </span>
  );
}
