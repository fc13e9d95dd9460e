// The map's points in memory: found by place, drawn in an order whose every beginning is a fair sample.

export interface Points {
  count: number;
  ids: Float64Array; // of pictures, whole numbers
  places: Uint16Array; // x, y of each; 65535 is the right or lower edge
  later: Uint8Array; // 1: placed among the others after the map was laid out
  source: Uint32Array; // place of each in the server's order
}

export const WHOLE = 65535;
const HEADER = 16;

/** The bytes of /map/points, shuffled by what the ids say: the same picture stands for its surroundings at each visit. */
export function parsePoints(data: ArrayBuffer): Points {
  const count = new DataView(data).getUint32(4, true);
  const ids = new Float64Array(data, HEADER, count);
  const places = new Uint16Array(data, HEADER + 8 * count, 2 * count);
  const fitted = new Uint8Array(data, HEADER + 12 * count, count);
  const order = shuffled(ids);
  const found: Points = {
    count,
    ids: new Float64Array(count),
    places: new Uint16Array(2 * count),
    later: new Uint8Array(count),
    source: order,
  };
  for (let i = 0; i < count; i += 1) {
    const from = order[i] as number;
    found.ids[i] = ids[from] as number;
    found.places[2 * i] = places[2 * from] as number;
    found.places[2 * i + 1] = places[2 * from + 1] as number;
    found.later[i] = 1 - (fitted[from] as number);
  }
  return found;
}

const INDEX = 2 ** 25; // more points than that no key has room for

function shuffled(ids: Float64Array): Uint32Array {
  const keys = Float64Array.from(ids, (id, i) => (mixed(id) >>> 4) * INDEX + i);
  keys.sort();
  return Uint32Array.from(keys, (key) => key % INDEX);
}

function mixed(id: number): number {
  let x = Math.imul(id ^ (id >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return (x ^ (x >>> 16)) >>> 0;
}

const SIDE = 512; // buckets a side
const SHIFT = 7; // from a place to its bucket

export interface Area {
  left: number; // in places, 0 to WHOLE
  top: number;
  right: number;
  bottom: number;
}

/** Finds points by where they are. */
export class Index {
  private readonly starts = new Uint32Array(SIDE * SIDE + 1);
  private readonly members: Uint32Array;
  private readonly deputies = new Map<number, Int32Array>(); // by level, of those that passed
  private passed: Uint8Array | null = null;

  readonly bounds: Area; // of all points

  constructor(readonly points: Points) {
    const { count, places } = points;
    this.bounds = boundsOf(points);
    const bucket = (i: number) => ((places[2 * i + 1] as number) >> SHIFT) * SIDE + ((places[2 * i] as number) >> SHIFT);
    for (let i = 0; i < count; i += 1) (this.starts[bucket(i) + 1] as number) += 1;
    for (let b = 0; b < SIDE * SIDE; b += 1) (this.starts[b + 1] as number) += this.starts[b] as number;
    const next = this.starts.slice(0, -1);
    this.members = new Uint32Array(count);
    for (let i = 0; i < count; i += 1) {
      const b = bucket(i);
      this.members[next[b] as number] = i;
      (next[b] as number) += 1;
    }
  }

  /** Every point in an area. */
  within(area: Area, each: (i: number, x: number, y: number) => void): void {
    const clamp = (place: number) => Math.min(SIDE - 1, Math.max(0, place >> SHIFT));
    const { places } = this.points;
    for (let row = clamp(area.top); row <= clamp(area.bottom); row += 1) {
      const from = this.starts[row * SIDE + clamp(area.left)] as number;
      const to = this.starts[row * SIDE + clamp(area.right) + 1] as number;
      for (let k = from; k < to; k += 1) {
        const i = this.members[k] as number;
        const [x, y] = [places[2 * i] as number, places[2 * i + 1] as number];
        if (x >= area.left && x <= area.right && y >= area.top && y <= area.bottom) each(i, x, y);
      }
    }
  }

  /** The nearest point that is allowed within a reach; -1 for none. */
  nearest(x: number, y: number, reach: number, allowed: (i: number) => boolean): number {
    let [best, distance] = [-1, reach * reach];
    this.within({ left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }, (i, px, py) => {
      const apart = (px - x) ** 2 + (py - y) ** 2;
      if (apart <= distance && allowed(i)) [best, distance] = [i, apart];
    });
    return best;
  }

  /** Of each field of a grid of 2 ** level a side, in an area, the first point that passes: it stands for the field. */
  deputiesIn(level: number, area: Area, passing: Uint8Array | null): number[] {
    const cells = 2 ** level;
    const cellOf = (place: number) => Math.min(cells - 1, Math.max(0, Math.floor((place / (WHOLE + 1)) * cells)));
    if (level > FINEST) return this.deputiesAnew(cells, cellOf, area, passing);
    const all = this.deputiesOf(level, cells, cellOf, passing);
    const found: number[] = [];
    for (let row = cellOf(area.top); row <= cellOf(area.bottom); row += 1) {
      for (let column = cellOf(area.left); column <= cellOf(area.right); column += 1) {
        const i = all[row * cells + column] as number;
        if (i >= 0) found.push(i);
      }
    }
    return found;
  }

  private deputiesOf(level: number, cells: number, cellOf: (place: number) => number, passing: Uint8Array | null): Int32Array {
    if (this.passed !== passing) {
      this.passed = passing;
      this.deputies.clear();
    }
    const known = this.deputies.get(level);
    if (known) return known;
    const { count, places } = this.points;
    const all = new Int32Array(cells * cells).fill(-1);
    for (let i = count - 1; i >= 0; i -= 1) {
      if (passing !== null && passing[i] === 0) continue;
      all[cellOf(places[2 * i + 1] as number) * cells + cellOf(places[2 * i] as number)] = i;
    }
    this.deputies.set(level, all);
    return all;
  }

  private deputiesAnew(cells: number, cellOf: (place: number) => number, area: Area, passing: Uint8Array | null): number[] {
    const found = new Map<number, number>();
    this.within(area, (i, x, y) => {
      if (passing !== null && passing[i] === 0) return;
      const cell = cellOf(y) * cells + cellOf(x);
      const before = found.get(cell);
      if (before === undefined || i < before) found.set(cell, i);
    });
    return [...found.values()];
  }
}

function boundsOf({ count, places }: Points): Area {
  let [left, top, right, bottom] = [WHOLE, WHOLE, 0, 0];
  for (let i = 0; i < count; i += 1) {
    const [x, y] = [places[2 * i] as number, places[2 * i + 1] as number];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return count > 0 ? { left, top, right, bottom } : { left: 0, top: 0, right: WHOLE, bottom: WHOLE };
}

const FINEST = 9; // levels kept for all points; finer ones are worked out where one looks

export type Corner = readonly [x: number, y: number];

/** The points inside an outline, in places; an outline that crosses itself holds what it goes round. */
export function inside(index: Index, outline: readonly Corner[], allowed: (i: number) => boolean): number[] {
  if (outline.length < 3) return [];
  const [xs, ys] = [outline.map(([x]) => x), outline.map(([, y]) => y)];
  const area = { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  const sides = sidesByRow(outline);
  const found: number[] = [];
  index.within(area, (i, x, y) => {
    if (allowed(i) && wound(sides[y >> SHIFT] ?? [], x, y)) found.push(i);
  });
  return found;
}

type Side = readonly [x0: number, y0: number, x1: number, y1: number];

/** The sides of an outline that may matter for the places of each row of buckets. */
function sidesByRow(outline: readonly Corner[]): Side[][] {
  const rows: Side[][] = Array.from({ length: SIDE }, () => []);
  outline.forEach(([x0, y0], k) => {
    const [x1, y1] = outline[(k + 1) % outline.length] as Corner;
    const from = Math.max(0, Math.floor(Math.min(y0, y1)) >> SHIFT);
    const to = Math.min(SIDE - 1, Math.floor(Math.max(y0, y1)) >> SHIFT);
    for (let row = from; row <= to; row += 1) rows[row]?.push([x0, y0, x1, y1]);
  });
  return rows;
}

/** Whether an outline goes round a place: how often its sides cross the ray to the right, with their direction. */
function wound(sides: readonly Side[], x: number, y: number): boolean {
  let turns = 0;
  for (const [x0, y0, x1, y1] of sides) {
    if (y0 <= y === y1 <= y) continue;
    if (x0 + ((y - y0) / (y1 - y0)) * (x1 - x0) > x) turns += y1 > y0 ? 1 : -1;
  }
  return turns !== 0;
}
