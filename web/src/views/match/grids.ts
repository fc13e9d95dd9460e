// What the server sends of a match as bytes, and what the page makes of it. docs/api.md describes the bytes.
import { between, type At } from "../../grids";

export interface Shape {
  rows: number;
  columns: number;
}

/** How strongly each patch of one picture answers to each of the other. */
export interface Cosines {
  here: Shape;
  there: Shape;
  step: number; // what one of a byte's 255 steps is worth
  forth: Uint8Array; // patches of here x patches of there
  back: Uint8Array; // and turned, so that both can be asked row by row
}

/** Where the patches of one picture lie in the other. */
export interface Side extends Shape {
  places: Uint16Array; // (x, y) of each patch's middle in the other; 65535 is its right or lower edge
  confidence: Uint8Array;
  standing: Uint8Array; // how much each stands out from the ground
}

export interface Dense {
  here: Side;
  there: Side;
}

/** A marked part as it lies in the other picture. */
export interface Transferred extends Shape {
  confidence: number; // [0, 1]
  box: readonly [left: number, top: number, right: number, bottom: number] | null; // px; null: it is not to be found
  heat: Uint8Array; // from 128 on a patch belongs to it
}

const NOT_A_MATCH = "The server sent something else than asked for: load the page anew.";

function opened(buffer: ArrayBuffer, magic: string, header: number): DataView {
  const view = new DataView(buffer);
  if (buffer.byteLength < header || [...magic].some((letter, i) => view.getUint8(i) !== letter.charCodeAt(0))) {
    throw new Error(NOT_A_MATCH);
  }
  return view;
}

const shapeAt = (view: DataView, at: number): Shape => ({ rows: view.getUint16(at, true), columns: view.getUint16(at + 2, true) });

export const patchesIn = ({ rows, columns }: Shape): number => rows * columns;

export function parseCosines(buffer: ArrayBuffer): Cosines {
  const view = opened(buffer, "DMC1", 24);
  const [here, there] = [shapeAt(view, 4), shapeAt(view, 8)];
  const [n, m] = [patchesIn(here), patchesIn(there)];
  if (buffer.byteLength !== 24 + n * m) throw new Error(NOT_A_MATCH);
  const forth = new Uint8Array(buffer, 24);
  return { here, there, step: (view.getFloat32(20, true) - view.getFloat32(16, true)) / 255, forth, back: turned(forth, n, m) };
}

function turned(table: Uint8Array, rows: number, columns: number): Uint8Array {
  const out = new Uint8Array(table.length);
  for (let row = 0, i = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1, i += 1) out[column * rows + row] = table[i] as number;
  }
  return out;
}

export function parseDense(buffer: ArrayBuffer): Dense {
  const view = opened(buffer, "DMD1", 16);
  const shapes = [shapeAt(view, 4), shapeAt(view, 8)] as const;
  const [n, m] = shapes.map(patchesIn) as [number, number];
  if (buffer.byteLength !== 16 + 6 * (n + m)) throw new Error(NOT_A_MATCH);
  const bytesAt = 16 + 4 * (n + m);
  const side = (shape: Shape, before: number, count: number): Side => ({
    ...shape,
    places: new Uint16Array(buffer, 16 + 4 * before, 2 * count),
    confidence: new Uint8Array(buffer, bytesAt + before, count),
    standing: new Uint8Array(buffer, bytesAt + n + m + before, count),
  });
  return { here: side(shapes[0], 0, n), there: side(shapes[1], n, m) };
}

export function parseTransfer(buffer: ArrayBuffer): Transferred {
  const view = opened(buffer, "DMT1", 28);
  const shape = shapeAt(view, 4);
  if (buffer.byteLength !== 28 + patchesIn(shape)) throw new Error(NOT_A_MATCH);
  const box = [12, 16, 20, 24].map((at) => view.getFloat32(at, true)) as unknown as [number, number, number, number];
  return { ...shape, confidence: view.getFloat32(8, true), box: box[2] > box[0] ? box : null, heat: new Uint8Array(buffer, 28) };
}

// --- heat under a point

const SHARPNESS = 0.05; // by which one patch must beat another to be e times as likely: the server's, too
const WARMTH = 4 * SHARPNESS; // of a heat map: that a second best is seen

/** A row of bytes as shares of heat, the best 1. */
export function heatOf(row: Float32Array, step: number, out: Float32Array): Float32Array {
  let most = 0;
  for (let i = 0; i < row.length; i += 1) most = Math.max(most, row[i] as number);
  const scale = step / WARMTH;
  for (let i = 0; i < row.length; i += 1) out[i] = Math.exp(((row[i] as number) - most) * scale);
  return out;
}

export interface Spot {
  at: At; // shares of the picture's sides
  odds: number; // against the best, which has 1
}

const REACH = 2; // patches around the best that decide the place between patches, and are no place of their own

/** The best places of a heat map, best first, no two of them neighbours. */
export function spotsIn(heat: Float32Array, { rows, columns }: Shape, most: number, least = 0.02): Spot[] {
  const left = heat.slice();
  const spots: Spot[] = [];
  while (spots.length < most) {
    let best = 0;
    for (let i = 1; i < left.length; i += 1) if ((left[i] as number) > (left[best] as number)) best = i;
    const odds = likely(left[best] as number);
    if (!(odds >= least)) break;
    spots.push({ at: amid(heat, { rows, columns }, best), odds });
    around({ rows, columns }, best, (i) => (left[i] = 0));
  }
  return spots;
}

/** Heat is drawn softer than it is. */
const likely = (heat: number): number => heat ** (WARMTH / SHARPNESS);

function amid(heat: Float32Array, shape: Shape, best: number): At {
  let [sum, x, y] = [0, 0, 0];
  around(shape, best, (i, row, column) => {
    const weight = likely((heat[i] as number) / (heat[best] as number));
    sum += weight;
    x += weight * (column + 0.5);
    y += weight * (row + 0.5);
  });
  return [x / sum / shape.columns, y / sum / shape.rows];
}

function around({ rows, columns }: Shape, patch: number, each: (i: number, row: number, column: number) => void): void {
  const [row, column] = [Math.floor(patch / columns), patch % columns];
  for (let r = Math.max(0, row - REACH); r <= Math.min(rows - 1, row + REACH); r += 1) {
    for (let c = Math.max(0, column - REACH); c <= Math.min(columns - 1, column + REACH); c += 1) each(r * columns + c, r, c);
  }
}

/** How sure the best place for a point is, [0, 1]. */
export function sureAt({ rows, columns, confidence }: Side, [x, y]: At): number {
  const [column, right, dx] = between(x, columns);
  const [row, below, dy] = between(y, rows);
  const of = (r: number, c: number) => (confidence[r * columns + c] as number) / 255;
  const above = (1 - dx) * of(row, column) + dx * of(row, right);
  return (1 - dy) * above + dy * ((1 - dx) * of(below, column) + dx * of(below, right));
}

// --- colours that belong together

/** A place's colour: its direction from the middle is the hue, so neighbours are alike. `hue` in degrees, others in shares. */
export function toneAt([x, y]: At): { hue: number; saturation: number; lightness: number } {
  const [right, down] = [2 * x - 1, 2 * y - 1];
  const far = Math.min(1, Math.hypot(right, down));
  const hue = ((Math.atan2(down, right) * 180) / Math.PI + 360) % 360;
  return { hue, saturation: 0.55 + 0.4 * far, lightness: 0.72 - 0.17 * far };
}

export function cssAt(at: At): string {
  const { hue, saturation, lightness } = toneAt(at);
  return `hsl(${hue.toFixed(1)} ${(100 * saturation).toFixed(1)}% ${(100 * lightness).toFixed(1)}%)`;
}

/** The same colour, 0 to 255. */
export function rgbAt(at: At): [red: number, green: number, blue: number] {
  const { hue, saturation, lightness } = toneAt(at);
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

const VEIL = 0.78; // how much of a colour covers the picture where the match is sure
const UNSURE = 0.25; // confidence from which a place has a colour
const SURE = 0.6; // and from which it has all of it
const CLEAR = 0.5; // how much a patch stands out that has all its colour: ground fits ground anywhere
const EDGE = 65535; // stands for the right or lower edge

/** Four bytes a patch: the colour of its own place, or `carried` over from the place it answers to. */
export function coloursOf({ rows, columns, places, confidence, standing }: Side, carried: boolean): Uint8Array {
  const out = new Uint8Array(4 * rows * columns);
  for (let i = 0; i < rows * columns; i += 1) {
    const own: At = [((i % columns) + 0.5) / columns, (Math.floor(i / columns) + 0.5) / rows];
    const at: At = carried ? [(places[2 * i] as number) / EDGE, (places[2 * i + 1] as number) / EDGE] : own;
    const sure = share(((confidence[i] as number) / 255 - UNSURE) / (SURE - UNSURE));
    const clear = share((standing[i] as number) / 255 / CLEAR) ** 2;
    out.set(rgbAt(at), 4 * i);
    out[4 * i + 3] = Math.round(255 * VEIL * sure * clear);
  }
  return out;
}

const share = (value: number): number => Math.min(1, Math.max(0, value));

/** Places among their like: of the smallest box around all, so that few that lie close still differ. */
export function spreadOut(places: readonly At[]): At[] {
  const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [wide, high] = [Math.max(...xs) - left || 1, Math.max(...ys) - top || 1];
  return places.map(([x, y]) => [(x - left) / wide, (y - top) / high]);
}
