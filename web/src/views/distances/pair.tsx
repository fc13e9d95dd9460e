// Two pictures: how alike, what that means here, and which of their parts make them so.
import { queryImageUrl, queryThumbnailUrl } from "../../api";
import { GridLayer } from "../../components/grid-layer";
import { Icon } from "../../components/icon";
import { percent } from "../../format";
import { HEAT } from "../../heat";
import { aboutPicture, formatRoute, navigate, routes, turn } from "../../route";
import { useAsked } from "../../state/asked";
import { VIEWS } from "..";
import { SAME, saidOf, useWhy, type Distances, type Grid, type Pair } from "./asking";
import { curveOf, placeOn } from "./scale";

interface Props {
  found: Distances;
  pair: Pair;
  why: boolean; // the parts are shown
}

export function PairPanel({ found, pair, why }: Props) {
  const shown = useWhy(pair.here, pair.there, why);
  const route = routes.get();
  return (
    <section class="pair" aria-label="Two pictures">
      <div class="pair-pictures">
        <Seen query={pair.here} grid={shown.value?.here ?? null} />
        <Seen query={pair.there} grid={shown.value?.there ?? null} />
      </div>
      <Said found={found} pair={pair} />
      {shown.failure && <p class="form-error" role="alert">{shown.failure}</p>}
      <div class="pair-tools">
        <button type="button" class={`button ${why ? "" : "primary"}`} aria-pressed={why} title="Which parts make them alike (w)" onClick={() => turn({ why: why ? "" : "true" })}>
          <Icon name="look" /> {why ? "Hide what makes them alike" : "What makes them alike?"}
        </button>
        {"match" in VIEWS && (
          <a class="button" href={formatRoute({ ...route, ...aboutPicture(route, "match", pair.here), there: pair.there })}>
            <Icon name="match" /> Match their parts
          </a>
        )}
      </div>
      <p class="pair-hint" aria-live="polite">
        {why && shown.value && "The warmer a place, the more it makes the two alike: the model attends to it, and the other picture has its like."}
        {why && !shown.value && !shown.failure && "Looking at both…"}
      </p>
    </section>
  );
}

function Seen({ query, grid }: { query: string; grid: Grid | null }) {
  const { asked } = useAsked(query);
  const shape = asked ? { aspectRatio: `${asked.width} / ${asked.height}`, "--ratio": String(asked.width / asked.height) } : { aspectRatio: "4 / 3", "--ratio": "1.333" };
  const details = () => /^\d+$/.test(query) && navigate({ picture: Number(query) });
  return (
    <figure style={shape}>
      <button type="button" class="pair-picture" style={{ aspectRatio: shape.aspectRatio }} aria-label={`Details of ${asked?.name ?? "this picture"}`} onClick={details}>
        <img class="part-blur" src={queryThumbnailUrl(query, 320)} alt="" draggable={false} />
        <img class="part-sharp" src={queryImageUrl(query, 1600)} alt={asked?.name ?? ""} draggable={false} />
        {grid && (
          <GridLayer
            name="pair-layer"
            rows={grid.rows}
            columns={grid.columns}
            draw={(painter) => painter.values(Float32Array.from(grid.shares, (share) => Math.sqrt(share / 255)), HEAT)}
            on={[grid]}
          />
        )}
      </button>
      <figcaption>{asked?.name ?? "\u00a0"}</figcaption>
    </figure>
  );
}

function Said({ found, pair }: { found: Distances; pair: Pair }) {
  const { cosine, percentile } = pair;
  const close = percentile === null || percentile >= 50;
  const same = cosine >= SAME;
  return (
    <div class="pair-said">
      {percentile === null || same ? (
        <p class="pair-number">{same ? "The same" : cosine.toFixed(3)}</p>
      ) : (
        <p class="pair-number">
          <small>{close ? "closer than" : "farther apart than"}</small> {percent(close ? percentile : 100 - percentile)} <small>of pairs</small>
        </p>
      )}
      <Spread found={found} cosine={cosine} />
      <p class="pair-words">
        {percentile === null || same ? `${saidOf(pair)}.` : "Of this library’s random pairs."} Cosine {cosine.toFixed(3)}.
      </p>
    </div>
  );
}

/** All pairs of the library as a hill, and where this one stands. */
function Spread({ found, cosine }: { found: Distances; cosine: number }) {
  const curve = curveOf(found.quantiles, cosine);
  if (!curve) return null;
  const at = 100 * placeOn(curve, cosine);
  return (
    <div class="spread" role="img" aria-label={`Where the pair lies among the library's pairs, from ${curve.low.toFixed(2)} to ${curve.high.toFixed(2)}`}>
      <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
        <path d={curve.path} />
      </svg>
      <i style={{ left: `${at}%` }} />
      <span>less alike</span>
      <span>more alike</span>
    </div>
  );
}
