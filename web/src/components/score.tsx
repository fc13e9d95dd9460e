import { closeness, percent } from "../format";
import type { Hit } from "../wire";

/** How close a hit is, in terms of this library's own pairs of pictures. */
export function Score({ hit }: { hit: Hit }) {
  if (Number.isNaN(hit.percentile)) return null;
  const said = `Closer than ${percent(hit.percentile)} of random pairs in this library (cosine ${hit.score.toFixed(3)})`;
  return (
    <div class="score" title={said}>
      <span class="score-bar" aria-hidden="true">
        <span style={{ width: `${closeness(hit.percentile) * 100}%` }} />
      </span>
      <span class="visually-hidden">{said}</span>
      <span aria-hidden="true">{percent(hit.percentile)}</span>
    </div>
  );
}
