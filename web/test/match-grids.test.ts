import { describe, expect, it } from "vitest";
import { coloursOf, cssAt, heatOf, parseCosines, parseDense, parseTransfer, rgbAt, spotsIn, spreadOut, sureAt, type Side } from "../src/views/match/grids";

const bytes = (...parts: (string | Uint8Array | Uint16Array | Float32Array)[]): ArrayBuffer => {
  const all = parts.flatMap((part) =>
    typeof part === "string" ? [...part].map((letter) => letter.charCodeAt(0)) : [...new Uint8Array(part.buffer.slice(0))],
  );
  return new Uint8Array(all).buffer;
};
const u16 = (...values: number[]) => Uint16Array.from(values);
const u8 = (...values: number[]) => Uint8Array.from(values);
const f32 = (...values: number[]) => Float32Array.from(values);

describe("what the server sends", () => {
  const cosines = bytes("DMC1", u16(1, 2, 3, 1, 0, 0), f32(-1, 4.1), u8(1, 2, 3, 4, 5, 6));

  it("is a table that can be asked from either side", () => {
    const read = parseCosines(cosines);
    expect([read.here, read.there]).toEqual([{ rows: 1, columns: 2 }, { rows: 3, columns: 1 }]);
    expect([...read.forth]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...read.back]).toEqual([1, 4, 2, 5, 3, 6]);
    expect(read.step).toBeCloseTo(5.1 / 255, 6);
  });

  it("is the places of both sides, and how sure each is", () => {
    const read = parseDense(bytes("DMD1", u16(1, 2, 1, 1, 1, 0), u16(0, 1, 2, 3), u16(65535, 9), u8(10, 20), u8(30), u8(40, 50), u8(60)));
    expect([[...read.here.places], [...read.here.confidence], [...read.here.standing]]).toEqual([[0, 1, 2, 3], [10, 20], [40, 50]]);
    expect([[...read.there.places], [...read.there.confidence], [...read.there.standing]]).toEqual([[65535, 9], [30], [60]]);
  });

  it("is a part with its box, or without one", () => {
    const found = parseTransfer(bytes("DMT1", u16(1, 2), f32(0.75, 10, 20, 30, 40), u8(0, 200)));
    expect([found.box, found.confidence, [...found.heat]]).toEqual([[10, 20, 30, 40], 0.75, [0, 200]]);
    expect(parseTransfer(bytes("DMT1", u16(1, 1), f32(0, 0, 0, 0, 0), u8(0))).box).toBeNull();
  });

  it("is refused with a sentence when it is something else", () => {
    expect(() => parseCosines(bytes("DMC1"))).toThrow(/load the page anew/);
    expect(() => parseCosines(cosines.slice(0, -1))).toThrow(/load the page anew/);
    expect(() => parseDense(cosines)).toThrow(/load the page anew/);
    expect(() => parseTransfer(cosines)).toThrow(/load the page anew/);
  });
});

describe("heat under a point", () => {
  it("is 1 at the best, and falls as the server's does", () => {
    const heat = heatOf(f32(100, 50, 100), 0.01, new Float32Array(3));
    expect(heat[0]).toBe(1);
    expect(heat[1]).toBeCloseTo(Math.exp(-0.5 / 0.2), 6);
  });

  it("has its best places one after the other, neighbours counted once", () => {
    const heat = new Float32Array(8 * 10).fill(0.01);
    heat[2 * 10 + 2] = 1; // row 2, column 2
    heat[2 * 10 + 3] = 0.99; // its neighbour
    heat[6 * 10 + 8] = 0.8;
    const spots = spotsIn(heat, { rows: 8, columns: 10 }, 5);
    expect(spots).toHaveLength(2);
    const [first, second] = spots as [(typeof spots)[0], (typeof spots)[0]];
    expect(first.odds).toBe(1);
    expect(first.at[0]).toBeGreaterThan(0.26); // between both, not on one's middle
    expect(first.at[0]).toBeLessThan(0.34);
    expect(second.at[0]).toBeCloseTo(0.85, 2);
    expect(second.at[1]).toBeCloseTo(6.5 / 8, 2);
    expect(second.odds).toBeCloseTo(0.8 ** 4, 5);
  });
});

describe("colours", () => {
  const side = (confidence: number[], standing: number[], places: number[]): Side => ({
    rows: 1,
    columns: confidence.length,
    confidence: u8(...confidence),
    standing: u8(...standing),
    places: u16(...places),
  });

  it("of neighbours are alike, of opposite places are not", () => {
    const apart = (a: number[], b: number[]) => Math.hypot(...a.map((one, i) => one - (b[i] as number)));
    expect(apart(rgbAt([0.1, 0.2]), rgbAt([0.12, 0.2]))).toBeLessThan(25);
    expect(apart(rgbAt([0.1, 0.2]), rgbAt([0.9, 0.8]))).toBeGreaterThan(120);
  });

  it("are the same in a style sheet and in a canvas", () => {
    expect(cssAt([1, 0.5])).toBe("hsl(0.0 95.0% 55.0%)");
    expect(rgbAt([1, 0.5])).toEqual([249, 31, 31]);
  });

  it("are carried over, and cover only what is sure and stands out", () => {
    const here = coloursOf(side([255, 255], [255, 255], [0, 0, 0, 0]), false);
    const there = coloursOf(side([255, 60, 255], [255, 255, 10], [16384, 32768, 16384, 32768, 0, 0]), true);
    expect([...there.slice(0, 3)]).toEqual([...here.slice(0, 3)]); // it answers to the first patch's middle
    expect(there[3]).toBeGreaterThan(150);
    expect(there[7]).toBe(0);
    expect(there[11]).toBeLessThan(10);
  });

  it("of links that start close together still differ", () => {
    expect(spreadOut([[0.5, 0.5], [0.6, 0.55]])).toEqual([[0, 0], [1, 1]]);
    expect(spreadOut([[0.5, 0.5]])).toEqual([[0, 0]]);
  });

  it("of confidence between patches is between theirs", () => {
    expect(sureAt(side([0, 255], [0, 0], [0, 0, 0, 0]), [0.5, 0.5])).toBeCloseTo(0.5, 6);
  });
});
