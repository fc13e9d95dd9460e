// One picture laid on another: 3 x 3 maps between their pixels, and how CSS is told of them.
import type { Outline, Pair } from "./asking";

export type Matrix = readonly [number, number, number, number, number, number, number, number, number];

export function times(a: Matrix, b: Matrix): Matrix {
  const at = (row: number, column: number) => [0, 1, 2].reduce((sum, k) => sum + (a[3 * row + k] as number) * (b[3 * k + column] as number), 0);
  return [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => at(Math.floor(i / 3), i % 3)) as unknown as Matrix;
}

export function inverse([a, b, c, d, e, f, g, h, i]: Matrix): Matrix | null {
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (!Number.isFinite(1 / det)) return null;
  return [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d].map(
    (value) => value / det,
  ) as unknown as Matrix;
}

const scaled = (x: number, y: number): Matrix => [x, 0, 0, 0, y, 0, 0, 0, 1];

/** The CSS transform that lays a picture, drawn at `drawn` pixels a side, on another drawn at `frame`. */
export function cssOf(map: Matrix, from: Sized, drawn: Sized, to: Sized, frame: Sized): string {
  const whole = times(scaled(frame.width / to.width, frame.height / to.height), times(map, scaled(from.width / drawn.width, from.height / drawn.height)));
  const [a, b, c, d, e, f, g, h, i] = whole.map((value) => value / whole[8]) as unknown as Matrix;
  return `matrix3d(${[a, d, 0, g, b, e, 0, h, 0, 0, 1, 0, c, f, 0, i].join(",")})`;
}

export interface Sized {
  width: number;
  height: number;
}

/** A pair as one of its pictures sees it: the map from the other one to it, and the outlines in both. */
export interface Seen {
  map: Matrix | null;
  mine: Outline;
  others: Outline;
}

export function seenFrom(pair: Pair, id: number): Seen {
  const { matrix, here, there } = pair.found;
  const whole = matrix.length === 9 ? (matrix as Matrix) : null;
  if (pair.there === id) return { map: whole, mine: there, others: here };
  return { map: whole && inverse(whole), mine: here, others: there };
}

/** The surest pair of two pictures; of a picture and any other when these two are none. */
export function pairOf(pairs: readonly Pair[], one: number, other: number): Pair | undefined {
  const both = (pair: Pair) => (pair.here === one && pair.there === other) || (pair.here === other && pair.there === one);
  return pairs.find(both) ?? pairs.find((pair) => pair.here === other || pair.there === other);
}
