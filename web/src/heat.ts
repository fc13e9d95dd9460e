// Heat maps: a byte a patch from the server, a soft light over the picture on the screen.
import { tableOf } from "./grids";

/** The bytes of a map, row by row; as many as there are patches, or none at all. */
export function patchesOf(base64: string, rows: number, columns: number): Uint8Array | null {
  let text: string;
  try {
    text = atob(base64);
  } catch {
    return null;
  }
  if (text.length !== rows * columns || text.length === 0) return null;
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export interface Field {
  values: Float32Array; // row by row, [0, 1]
  width: number;
  height: number;
}

/** Values between the patches' middles, `times` finer: a cubic that goes through them all (Catmull, Rom). */
export function smoothed(bytes: Uint8Array, rows: number, columns: number, times: number): Field {
  const [width, height] = [columns * times, rows * times];
  const wide = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    const at = (column: number) => (bytes[row * columns + Math.min(columns - 1, Math.max(0, column))] as number) / 255;
    for (let x = 0; x < width; x += 1) wide[row * width + x] = between(at, (x + 0.5) / times - 0.5);
  }
  const values = new Float32Array(height * width);
  for (let x = 0; x < width; x += 1) {
    const at = (row: number) => wide[Math.min(rows - 1, Math.max(0, row)) * width + x] as number;
    for (let y = 0; y < height; y += 1) values[y * width + x] = clamp(between(at, (y + 0.5) / times - 0.5));
  }
  return { values, width, height };
}

function between(at: (i: number) => number, place: number): number {
  const i = Math.floor(place);
  const t = place - i;
  const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

// Where nothing is alike the picture is dimmed; where it is, an amber light lies on it, brightest at its heart.
const COLOURS: readonly [at: number, red: number, green: number, blue: number, alpha: number][] = [
  [0, 8, 12, 11, 0.68],
  [0.25, 26, 20, 12, 0.56],
  [0.5, 190, 96, 8, 0.42],
  [0.75, 244, 158, 28, 0.4],
  [1, 255, 214, 102, 0.42],
];

/** The picture of a field, (height, width, RGBA) bytes. `top` is the value that counts as the hottest. */
export function coloured({ values, width, height }: Field, top = 1): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * width * height);
  values.forEach((value, i) => pixels.set(colourOf(clamp(value / top)), 4 * i));
  return pixels;
}

function colourOf(value: number): number[] {
  const next = Math.max(1, COLOURS.findIndex(([at]) => at >= value));
  const [low, ...from] = COLOURS[next - 1] as (typeof COLOURS)[number];
  const [high, ...to] = COLOURS[next] as (typeof COLOURS)[number];
  const share = (value - low) / (high - low);
  return from.map((one, i) => (one + share * ((to[i] as number) - one)) * (i === 3 ? 255 : 1));
}

/** The same colours for what is drawn while a pointer moves. */
export const HEAT = tableOf(colourOf);

/** What counts as the hottest of a hit: the weaker ones are lit, too, but less than the best. */
export function topOf(bytes: Uint8Array): number {
  const hottest = bytes.reduce((most, one) => Math.max(most, one), 0) / 255;
  return Math.max(0.2, 0.35 + 0.65 * hottest);
}
