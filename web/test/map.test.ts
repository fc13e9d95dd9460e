import { describe, expect, it } from "vitest";
import { fitted, formatCamera, onScreen, panned, parseCamera, placeAt, zoomed } from "../src/views/map/camera";
import { Index, inside, parsePoints, type Corner } from "../src/views/map/points";

/** Points as the server packs them: ids ascending, x and y, 1 where the map was fitted on it. */
function packed(rows: readonly (readonly [id: number, x: number, y: number, fitted: number])[]): ArrayBuffer {
  const n = rows.length;
  const buffer = new ArrayBuffer(16 + 13 * n);
  const view = new DataView(buffer);
  [..."DMP2"].forEach((letter, i) => view.setUint8(i, letter.charCodeAt(0)));
  view.setUint32(4, n, true);
  rows.forEach(([id, x, y, fitted], i) => {
    view.setFloat64(16 + 8 * i, id, true);
    view.setUint16(16 + 8 * n + 4 * i, x, true);
    view.setUint16(18 + 8 * n + 4 * i, y, true);
    view.setUint8(16 + 12 * n + i, fitted);
  });
  return buffer;
}

const dice = (() => {
  let state = 7;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
})();
const cloud = (n: number) =>
  new Index(parsePoints(packed(Array.from({ length: n }, (_, i) => [i + 1, Math.floor(dice() * 65536), Math.floor(dice() * 65536), 1] as const))));
const all = () => true;

describe("points", () => {
  it("keep their ids, places and the server's order through the shuffle", () => {
    const rows = [[3, 10, 20, 1], [5, 65535, 0, 0], [2 ** 52 + 1, 300, 400, 1]] as const;
    const found = parsePoints(packed(rows));
    expect([...found.ids].sort()).toEqual([3, 2 ** 52 + 1, 5]);
    for (let i = 0; i < 3; i += 1) {
      const [id, x, y, fitted] = rows[found.source[i] as number] as (typeof rows)[number];
      expect([found.ids[i], found.places[2 * i], found.places[2 * i + 1], found.later[i]]).toEqual([id, x, y, 1 - fitted]);
    }
    expect(parsePoints(packed([])).count).toBe(0);
  });

  it("begin with a fair sample: half of them are left of the middle", () => {
    const { places } = cloud(4000).points;
    let left = 0;
    for (let i = 0; i < 400; i += 1) if ((places[2 * i] as number) < 32768) left += 1;
    expect(left).toBeGreaterThan(150);
    expect(left).toBeLessThan(250);
  });

  it("are found by where they are, as by looking at all of them", () => {
    const index = cloud(3000);
    const { places } = index.points;
    const area = { left: 9000, top: 20000, right: 17777, bottom: 31234 };
    const found: number[] = [];
    index.within(area, (i) => found.push(i));
    const judge: number[] = [];
    for (let i = 0; i < 3000; i += 1) {
      const [x, y] = [places[2 * i] as number, places[2 * i + 1] as number];
      if (x >= area.left && x <= area.right && y >= area.top && y <= area.bottom) judge.push(i);
    }
    expect(found.sort((a, b) => a - b)).toEqual(judge);
    expect(judge.length).toBeGreaterThan(20);
    const [x, y] = [places[24] as number, places[25] as number];
    expect(index.nearest(x + 1, y, 300, all)).toBe(12);
    expect(index.nearest(x + 1, y, 300, (i) => i !== 12)).not.toBe(12);
  });

  it("have one deputy a field, the same seen from near and from far", () => {
    const index = cloud(2000);
    const whole = { left: 0, top: 0, right: 65535, bottom: 65535 };
    const everywhere = index.deputiesIn(3, whole, null);
    expect(everywhere).toHaveLength(64);
    const part = index.deputiesIn(3, { left: 0, top: 0, right: 30000, bottom: 30000 }, null);
    expect(part.every((i) => everywhere.includes(i))).toBe(true);
    const even = Uint8Array.from({ length: 2000 }, (_, i) => 1 - (i % 2));
    const passed = index.deputiesIn(3, whole, even);
    expect(passed).toHaveLength(64);
    expect(passed.every((i) => i % 2 === 0)).toBe(true);
    expect(index.deputiesIn(3, whole, null)).toEqual(everywhere);
    const near = { left: 20000, top: 20000, right: 20400, bottom: 20400 };
    expect(index.deputiesIn(11, near, even).every((i) => i % 2 === 0)).toBe(true);
  });

  it("inside an outline are those it goes round", () => {
    const index = cloud(2000);
    const triangle: Corner[] = [[10000, 10000], [50000, 12000], [20000, 60000]];
    const found = new Set(inside(index, triangle, all));
    const side = ([ax, ay]: Corner, [bx, by]: Corner, x: number, y: number) => Math.sign((bx - ax) * (y - ay) - (by - ay) * (x - ax));
    const { places } = index.points;
    for (let i = 0; i < 2000; i += 1) {
      const [x, y] = [places[2 * i] as number, places[2 * i + 1] as number];
      const [a, b, c] = triangle as [Corner, Corner, Corner];
      const within = side(a, b, x, y) === side(b, c, x, y) && side(b, c, x, y) === side(c, a, x, y);
      expect(found.has(i)).toBe(within);
    }
    expect(inside(index, triangle.slice(0, 2), all)).toEqual([]);
  });
});

describe("the camera", () => {
  const screen = { width: 1000, height: 600 };
  const middle = { x: 0.5, y: 0.5, zoom: 1 };

  it("keeps what is under the pointer when it zooms", () => {
    const before = { x: 0.4, y: 0.6, zoom: 3 };
    const after = zoomed(before, screen, 2.5, [700, 200]);
    expect(after.zoom).toBeCloseTo(7.5);
    const [a, b] = [placeAt(before, screen, [700, 200]), placeAt(after, screen, [700, 200])];
    expect(b[0]).toBeCloseTo(a[0], 3);
    expect(b[1]).toBeCloseTo(a[1], 3);
  });

  it("moves with the hand, and not off the map", () => {
    const place = placeAt(middle, screen, [500, 300]);
    const [x, y] = onScreen(panned(middle, screen, 40, -25), screen, ...place);
    expect([x, y].map(Math.round)).toEqual([540, 275]);
    expect(panned(middle, screen, 1e6, 0).x).toBe(0);
  });

  it("stands where every point is seen", () => {
    const { bounds } = cloud(300);
    const camera = fitted(bounds, screen);
    for (const [x, y] of [[bounds.left, bounds.top], [bounds.right, bounds.bottom]] as const) {
      const [px, py] = onScreen(camera, screen, x, y);
      expect(px > 0 && px < 1000 && py > 0 && py < 600).toBe(true);
    }
    expect(onScreen(camera, screen, bounds.left, bounds.top)[1]).toBeLessThan(60);
  });

  it("is kept in the address", () => {
    expect(parseCamera(formatCamera({ x: 0.25, y: 0.75, zoom: 12 }))).toEqual({ x: 0.25, y: 0.75, zoom: 12 });
    expect(parseCamera("here")).toBeNull();
    expect(parseCamera(undefined)).toBeNull();
  });
});
