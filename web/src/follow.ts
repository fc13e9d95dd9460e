// Between two looks of the server the outline is carried along: the place that was seen is looked for in small grey
// frames, as a template. A look may take seconds; this takes a fraction of a millisecond, and says when it has lost it.
import type { Edges, Extent } from "./marks";

export interface Grey extends Extent {
  values: Uint8Array; // row by row
}

const LARGEST = 160; // px of the longer side of a grey frame
const REACH = 8; // px of it that a thing may move between two of them
const SAMPLES = 400; // of a template, at most
const FLAT = 4; // deviation of grey levels below which there is nothing to follow
export const HELD = 0.55; // correlation from which the place is still the place,
const AGAIN = 0.75; // and from which another one is, after it was lost
const COARSE = 2; // px between two places tried in a whole frame

/** How large a grey frame of a picture is. */
export function greySize({ width, height }: Extent): Extent {
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

export function greyOf({ width, height, data }: { width: number; height: number; data: Uint8ClampedArray }): Grey {
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i += 1) {
    values[i] = (77 * (data[4 * i] as number) + 151 * (data[4 * i + 1] as number) + 28 * (data[4 * i + 2] as number)) >> 8;
  }
  return { width, height, values };
}

/** What is looked for: the grey values in a box, fewer of them where it is large, about their mean. */
export interface Template {
  left: number; // of the box, whole px of the grey frame
  top: number;
  offsets: readonly (readonly [x: number, y: number])[]; // of each value from there
  values: Float32Array; // mean 0, length 1
  width: number;
  height: number;
}

/** Null: the box is outside, or as flat as a wall. */
export function templateOf(frame: Grey, [l, t, r, b]: Edges): Template | null {
  const [left, top] = [Math.max(0, Math.floor(l)), Math.max(0, Math.floor(t))];
  const [right, bottom] = [Math.min(frame.width, Math.ceil(r)), Math.min(frame.height, Math.ceil(b))];
  const [width, height] = [right - left, bottom - top];
  if (width < 3 || height < 3) return null;
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / SAMPLES)));
  const offsets: [number, number][] = [];
  for (let y = 0; y < height; y += step) for (let x = 0; x < width; x += step) offsets.push([x, y]);
  const values = Float32Array.from(offsets, ([x, y]) => frame.values[(top + y) * frame.width + left + x] as number);
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  const length = Math.hypot(...values.map((one) => one - mean));
  if (length < FLAT * Math.sqrt(values.length)) return null;
  return { left, top, offsets, values: values.map((one) => (one - mean) / length), width, height };
}

export interface Held {
  dx: number; // from where the template was taken, grey px
  dy: number;
  score: number; // correlation, -1 to 1
}

/** Where a template is in a frame, near where it was in the frame before. */
export function followed(template: Template, frame: Grey, { dx, dy }: Held): Held {
  let best: Held = { dx, dy, score: -1 };
  for (let y = dy - REACH; y <= dy + REACH; y += 1) {
    for (let x = dx - REACH; x <= dx + REACH; x += 1) {
      const score = alike(template, frame, x, y);
      if (score > best.score) best = { dx: x, dy: y, score };
    }
  }
  return best;
}

/** The same in all of a frame: where the template is after it was lost. */
export function foundAgain(template: Template, frame: Grey): Held {
  let best: Held = { dx: 0, dy: 0, score: -1 };
  for (let y = -template.top; y <= frame.height - template.height - template.top; y += COARSE) {
    for (let x = -template.left; x <= frame.width - template.width - template.left; x += COARSE) {
      const score = alike(template, frame, x, y);
      if (score > best.score) best = { dx: x, dy: y, score };
    }
  }
  return followed(template, frame, best);
}

function alike({ left, top, offsets, values, width, height }: Template, frame: Grey, dx: number, dy: number): number {
  const [x0, y0] = [left + dx, top + dy];
  if (x0 < 0 || y0 < 0 || x0 + width > frame.width || y0 + height > frame.height) return -1;
  let [sum, squares, product] = [0, 0, 0];
  for (let i = 0; i < values.length; i += 1) {
    const [x, y] = offsets[i] as readonly [number, number];
    const value = frame.values[(y0 + y) * frame.width + x0 + x] as number;
    sum += value;
    squares += value * value;
    product += value * (values[i] as number);
  }
  const spread = squares - (sum * sum) / values.length;
  return spread <= 0 ? -1 : product / Math.sqrt(spread);
}

/** Follows the places of one look through the frames since, and those that come. */
export class Follower {
  private frames: { at: number; grey: Grey }[] = [];
  private things: { template: Template | null; held: Held }[] = [];
  private scale = 1; // px of the picture in one of the grey frame

  /** A frame, and when it was taken (ms); kept until a look at a later one has come. */
  push(grey: Grey, at: number): void {
    this.frames.push({ at, grey });
    if (this.frames.length > MOST) this.frames.shift();
    this.step(grey);
  }

  /** A look at the frame taken at `at` has come: these boxes were seen in it. */
  seen(grey: Grey, at: number, picture: Extent, boxes: readonly Edges[]): void {
    this.scale = picture.width / grey.width;
    this.things = boxes.map((box) => ({
      template: templateOf(grey, box.map((edge) => edge / this.scale) as unknown as Edges),
      held: { dx: 0, dy: 0, score: 1 },
    }));
    this.frames = this.frames.filter((one) => one.at > at);
    for (const one of this.frames) this.step(one.grey);
  }

  private step(grey: Grey): void {
    for (const thing of this.things) {
      if (!thing.template) continue;
      if (thing.held.score >= HELD) thing.held = followed(thing.template, grey, thing.held);
      else {
        const again = foundAgain(thing.template, grey);
        if (again.score >= AGAIN) thing.held = again;
      }
    }
  }

  /** How far each has moved since the look, in the picture's px; null: it is lost. */
  shifts(): ([dx: number, dy: number] | null)[] {
    return this.things.map(({ template, held }) => (template && held.score < HELD ? null : [held.dx * this.scale, held.dy * this.scale]));
  }
}

const MOST = 80; // frames kept while the server looks
