// What the server sends of a look inside, and what the page makes of it. docs/api.md describes the bytes.
import type { At } from "../../grids";

export interface Looked {
  rows: number;
  columns: number;
  layer: number; // from 1
  layers: number; // the model's
  width: number; // of the original, px
  height: number;
  seconds: number; // 0: it was known
  largest: Float32Array; // a head each: the attention of its most attended patch
  attention: Uint8Array; // heads x rows x columns, 255 being that
  cosines: Uint8Array; // patches x patches: 0 is -1, 255 is 1
}

export interface Colours {
  rows: number;
  columns: number;
  pixels: Uint8Array; // red, green, blue, foreground of each patch
}

const NOT_A_LOOK = "The server sent something else than asked for: load the page anew.";

function opened(buffer: ArrayBuffer, magic: string, header: number): DataView {
  const view = new DataView(buffer);
  if (buffer.byteLength < header || [...magic].some((letter, i) => view.getUint8(i) !== letter.charCodeAt(0))) {
    throw new Error(NOT_A_LOOK);
  }
  return view;
}

export function parseLook(buffer: ArrayBuffer): Looked {
  const view = opened(buffer, "DLK1", 32);
  const [rows, columns, heads, layer, layers] = [4, 6, 8, 10, 12].map((at) => view.getUint16(at, true)) as [number, number, number, number, number];
  const patches = rows * columns;
  const start = 32 + 4 * heads;
  if (buffer.byteLength !== start + heads * patches + patches * patches) throw new Error(NOT_A_LOOK);
  return {
    rows,
    columns,
    layer,
    layers,
    width: view.getUint32(16, true),
    height: view.getUint32(20, true),
    seconds: view.getFloat32(24, true),
    largest: Float32Array.from({ length: heads }, (_, i) => view.getFloat32(32 + 4 * i, true)),
    attention: new Uint8Array(buffer, start, heads * patches),
    cosines: new Uint8Array(buffer, start + heads * patches),
  };
}

export function parseColours(buffer: ArrayBuffer): Colours {
  const view = opened(buffer, "DLC1", 8);
  const [rows, columns] = [view.getUint16(4, true), view.getUint16(6, true)];
  if (buffer.byteLength !== 8 + 4 * rows * columns) throw new Error(NOT_A_LOOK);
  return { rows, columns, pixels: new Uint8Array(buffer, 8) };
}

/** A head's attention, or with `null` the mean of all heads', in its own numbers. */
export function attentionOf({ rows, columns, largest, attention }: Looked, head: number | null): Float32Array {
  const patches = rows * columns;
  const out = new Float32Array(patches);
  largest.forEach((most, i) => {
    if (head !== null && head !== i) return;
    const scale = most / 255 / (head === null ? largest.length : 1);
    for (let p = 0; p < patches; p += 1) out[p] = (out[p] as number) + scale * (attention[i * patches + p] as number);
  });
  return out;
}

/** As shares of the largest. */
export function shares(values: Float32Array): Float32Array {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return values.map((value) => (most > 0 ? value / most : 0));
}

/** 1 for the fewest patches that together hold `mass` of it all, 0 for the others. */
export function attended(values: Float32Array, mass: number): Float32Array {
  const order = [...values.keys()].sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
  const all = values.reduce((a, b) => a + b, 0);
  const out = new Float32Array(values.length);
  let before = 0;
  for (const i of order) {
    if (before >= mass * all) break;
    out[i] = 1;
    before += values[i] as number;
  }
  return out;
}

const EVEN = 32; // bytes: in a picture whose patches are more alike than this, cosine 0.75, all are alike

/** A row of the matrix from its least to 1, [0, 1], in place; that least byte. */
export function stretched(row: Float32Array): number {
  let low = 255 - EVEN;
  for (let i = 0; i < row.length; i += 1) low = Math.min(low, row[i] as number);
  const scale = 1 / (255 - low);
  for (let i = 0; i < row.length; i += 1) row[i] = ((row[i] as number) - low) * scale;
  return low;
}

/** What covers the picture where the colours are shown: all of it, or with `cut` the things on their ground only. */
export function covering({ pixels }: Colours, cut: boolean): Uint8Array {
  const out = pixels.slice();
  for (let i = 3; i < out.length; i += 4) {
    const foreground = (pixels[i] as number) / 255;
    if (cut) for (let c = i - 3; c < i; c += 1) out[c] = (pixels[c] as number) * foreground;
    out[i] = 255;
  }
  return out;
}

/** A place of the original as shares of its sides. */
export const shareOf = ([x, y]: At, { width, height }: { width: number; height: number }): At => [x / width, y / height];
