import { describe, expect, it } from "vitest";
import { HOME, formatRoute, parseRoute } from "../src/route";
import { distancesCommand, distancesPython } from "../src/snippets-distances";
import { pairOf, parseWhy, type Distances } from "../src/views/distances/asking";
import { curveOf, placeOn } from "../src/views/distances/scale";

describe("distances", () => {
  it("of two are found whichever is named first", () => {
    const pair = { here: "1", there: "q_abc", cosine: 0.5, percentile: 90, sentence: "" };
    const found = { pictures: ["1", "q_abc"], order: [0, 1], pairs: [pair], quantiles: [], model: "m" } satisfies Distances;
    expect(pairOf(found, "q_abc", "1")).toBe(pair);
    expect(pairOf(found, "1", "2")).toBeUndefined();
  });

  it("come with grids of what makes two alike", () => {
    const buffer = new ArrayBuffer(24 + 2 + 3);
    const view = new DataView(buffer);
    [1, 2, 3, 1].forEach((value, i) => view.setUint16(4 + 2 * i, value, true));
    new Uint8Array(buffer, 24).set([255, 10, 1, 255, 3]);
    const why = parseWhy(buffer);
    expect(why.here).toMatchObject({ rows: 1, columns: 2 });
    expect([...why.here.shares]).toEqual([255, 10]);
    expect(why.there).toMatchObject({ rows: 3, columns: 1 });
    expect([...why.there.shares]).toEqual([1, 255, 3]);
  });

  it("have a hill that is highest where most pairs are", () => {
    const quantiles = Array.from({ length: 101 }, (_, i) => 0.5 * (i / 100) ** 3); // most near 0
    const curve = curveOf(quantiles, 0.3);
    expect(curve).not.toBeNull();
    if (!curve) return;
    const points = [...curve.path.matchAll(/L([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
    const top = points.reduce((best, one) => (one[1] < best[1] ? one : best));
    expect(top[0]).toBeLessThan(0.15);
    expect(placeOn(curve, 0.25)).toBeGreaterThan(0.45);
    expect(placeOn(curve, 0.25)).toBeLessThan(0.55);
    expect(curveOf([], 0.3)).toBeNull();
    expect(curveOf([0.2, 0.2], 0.2)).toBeNull();
  });

  it("keep the pictures, the pair and the question in the address", () => {
    const route = parseRoute("/distances", "?these=3&these=q_abcdefgh&pair=3,q_abcdefgh&why=true&why=no");
    expect(route.these).toEqual(["3", "q_abcdefgh"]);
    expect(route.knobs).toEqual({ pair: "3,q_abcdefgh", why: "true" });
    expect(formatRoute(route)).toBe("/distances?these=3&these=q_abcdefgh&pair=3,q_abcdefgh&why=true");
  });

  it("can be taken to a terminal and a notebook", () => {
    const route = { ...HOME, view: "distances", these: ["3", "7"], knobs: { why: "true" } };
    const paths = new Map([["3", "/p/a cat.jpg"], ["7", "/p/b.jpg"]]);
    expect(distancesCommand({ route, paths, origin: "" })).toBe("dinoscope distances '/p/a cat.jpg' /p/b.jpg --why why.png");
    expect(distancesPython({ route, paths, origin: "" })).toContain('session.distances("/p/a cat.jpg", "/p/b.jpg")');
  });
});
