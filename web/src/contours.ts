// From a mask to the line around it: what was seen as bits is drawn as a curve, sharp at any size.
import type { Edges, Point } from "./marks";
import { simplified } from "./marks";

export interface Bits {
  width: number;
  height: number;
  inside: Uint8Array; // row by row, 0 or not
}

const LEAST = 3; // corners of a ring that is drawn

/** The rings around what is inside, outer ones and holes, in the bits' own units: corners of pixels. */
export function ringsOf({ width, height, inside }: Bits): Point[][] {
  const at = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && inside[y * width + x] !== 0;
  const key = (x: number, y: number) => y * (width + 1) + x;
  // Every edge between inside and outside once, inside to its right.
  const edges = new Map<number, number[]>();
  const add = (ax: number, ay: number, bx: number, by: number) => {
    const from = key(ax, ay);
    edges.set(from, [...(edges.get(from) ?? []), key(bx, by)]);
  };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!at(x, y)) continue;
      if (!at(x, y - 1)) add(x, y, x + 1, y);
      if (!at(x + 1, y)) add(x + 1, y, x + 1, y + 1);
      if (!at(x, y + 1)) add(x + 1, y + 1, x, y + 1);
      if (!at(x - 1, y)) add(x, y + 1, x, y);
    }
  }
  const rings: Point[][] = [];
  for (const start of edges.keys()) {
    for (;;) {
      const ring: Point[] = [];
      let now: number | undefined = start;
      for (let next = edges.get(now)?.pop(); next !== undefined; next = edges.get(now)?.pop()) {
        ring.push([now % (width + 1), Math.floor(now / (width + 1))]);
        now = next;
        if (now === start) break;
      }
      if (ring.length < LEAST) break;
      rings.push(ring);
    }
  }
  return rings;
}

/** Steps of pixels become slopes: the middle of each edge, then few of them. */
function smooth(ring: readonly Point[], tolerance: number): readonly Point[] {
  const middles = ring.map(([x, y], i): Point => {
    const [nx, ny] = ring[(i + 1) % ring.length] as Point;
    return [(x + nx) / 2, (y + ny) / 2];
  });
  const half = Math.floor(middles.length / 2); // a ring has no ends: two halves have
  const first = simplified(middles.slice(0, half + 1), tolerance);
  const second = simplified([...middles.slice(half), middles[0] as Point], tolerance);
  return [...first.slice(0, -1), ...second.slice(0, -1)];
}

/** The outline as an SVG path in the picture's pixels; "" where nothing is inside. */
export function pathOfMask(bits: Bits, [left, top, right, bottom]: Edges): string {
  const across = (right - left) / bits.width;
  const down = (bottom - top) / bits.height;
  const told = (value: number) => +value.toFixed(1);
  return ringsOf(bits)
    .map((ring) => smooth(ring, 0.6))
    .filter((ring) => ring.length >= LEAST)
    .map((ring) => `M${ring.map(([x, y]) => `${told(left + x * across)} ${told(top + y * down)}`).join("L")}Z`)
    .join("");
}

/** The bits of a PNG in base64. Rejects what is none. */
export async function bitsOf(mask: string): Promise<Bits> {
  const bytes = Uint8Array.from(atob(mask), (one) => one.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { width, height } = image;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.drawImage(image, 0, 0);
  image.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, inside: Uint8Array.from({ length: width * height }, (_, i) => ((data[4 * i] as number) > 127 ? 1 : 0)) };
}
