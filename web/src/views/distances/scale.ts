// How all pairs of the library are spread, as a curve, and where one of them lies in it.

export interface Curve {
  path: string; // of the area under the curve, in a box of 1 x 1, y down
  low: number; // cosine at the left
  high: number; // and at the right
}

const BINS = 48;

/** The density of the pairs' cosines, from their 101 quantiles. */
export function curveOf(quantiles: readonly number[], shown: number): Curve | null {
  const first = quantiles[0];
  const last = quantiles.at(-1);
  if (first === undefined || last === undefined || last <= first) return null;
  const pad = 0.04 * (last - first);
  const low = Math.min(first, shown) - pad;
  const high = Math.max(last, shown) + pad;
  const counts = new Array<number>(BINS).fill(0);
  for (let i = 1; i < quantiles.length; i += 1) {
    // Between two quantiles lies one per cent of the pairs, evenly as far as is known.
    const [from, to] = [quantiles[i - 1] as number, quantiles[i] as number];
    for (let bin = 0; bin < BINS; bin += 1) {
      const [left, right] = [low + (bin / BINS) * (high - low), low + ((bin + 1) / BINS) * (high - low)];
      const shared = Math.min(right, to) - Math.max(left, from);
      if (to > from) counts[bin] = (counts[bin] as number) + Math.max(0, shared) / (to - from);
      else if (left <= from && from < right) counts[bin] = (counts[bin] as number) + 1;
    }
  }
  const soft = counts.map((_, i) => [-2, -1, 0, 1, 2].reduce((sum, k) => sum + (SOFT[k + 2] as number) * (counts[i + k] ?? 0), 0));
  const most = Math.max(...soft);
  const points = soft.map((value, i) => `L${((i + 0.5) / BINS).toFixed(4)},${(1 - value / most).toFixed(4)}`);
  return { path: `M0,1${points.join("")}L1,1Z`, low, high };
}

const SOFT = [0.1, 0.22, 0.36, 0.22, 0.1];

export const placeOn = ({ low, high }: Curve, cosine: number): number => (cosine - low) / (high - low);
