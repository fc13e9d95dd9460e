// The arithmetic of a chart: where a value lies, which round numbers stand beside it, how a line is drawn.

export type Point = readonly [x: number, y: number];

export interface Scale {
  (value: number): number; // pixels
  low: number;
  high: number;
}

export function scale(low: number, high: number, from: number, to: number): Scale {
  const span = high - low || 1;
  return Object.assign((value: number) => from + ((value - low) / span) * (to - from), { low, high });
}

/** Round numbers, about `wanted` of them, that lie between low and high. */
export function ticks(low: number, high: number, wanted = 4): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((one) => one * power >= rough * 0.72) ?? 10) * power;
  const found: number[] = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) found.push(Number((at * step).toPrecision(12)));
  return found;
}

/** The span of the values, a little air around it, and never so small that noise fills the chart. */
export function extent(values: Iterable<number>, within: readonly [number, number] | null = null): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return within ? [within[0], within[1]] : [0, 1];
  const least = Math.max(Math.abs(high), Math.abs(low)) * 0.004 || 1;
  const air = Math.max((high - low) * 0.08, (least - (high - low)) / 2);
  const [floor, ceiling] = within ?? [low >= 0 ? 0 : -Infinity, Infinity];
  return [Math.max(floor, low - air), Math.min(ceiling, high + air)];
}

/** An SVG path through the points; a gap in the values is a gap in the line. */
export function path(points: readonly Point[], x: Scale, y: Scale): string {
  let out = "";
  let drawing = false;
  for (const [at, value] of points) {
    if (!Number.isFinite(value)) {
      drawing = false;
      continue;
    }
    out += `${drawing ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    drawing = true;
  }
  return out;
}

/** A running mean over `width` points on either side, fewer at the ends: what the eye looks for in a noisy line. */
export function smooth(points: readonly Point[], width: number): Point[] {
  const sums = [0];
  const counts = [0];
  for (const [, value] of points) {
    const there = Number.isFinite(value);
    sums.push((sums.at(-1) ?? 0) + (there ? value : 0));
    counts.push((counts.at(-1) ?? 0) + (there ? 1 : 0));
  }
  return points.map(([at], i) => {
    const reach = Math.max(Math.min(width, i, points.length - 1 - i), Math.ceil(width / 3));
    const [from, to] = [Math.max(0, i - reach), Math.min(points.length, i + reach + 1)];
    const many = (counts[to] as number) - (counts[from] as number);
    return [at, many ? ((sums[to] as number) - (sums[from] as number)) / many : Number.NaN];
  });
}

/** Index of the last item whose step is not beyond `step`; 0 when all are, -1 when there is none. */
export function lastUpTo(steps: readonly number[], step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] as number) <= step) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, Math.min(0, steps.length - 1));
}

/** Index of the item whose step is nearest. */
export function nearest(steps: readonly number[], step: number): number {
  const before = lastUpTo(steps, step);
  const [here, next] = [steps[before], steps[before + 1]];
  return here !== undefined && next !== undefined && next - step < step - here ? before + 1 : before;
}

/** As many digits as a person can use: 5.231, 0.0412, 1,240, 5e-4. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1).replace(".0e", "e").replace("-", "−");
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en", { maximumFractionDigits: digits }).replace("-", "−");
}
