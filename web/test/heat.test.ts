import { describe, expect, it } from "vitest";
import { coloured, patchesOf, smoothed, topOf } from "../src/heat";

const bytes = new Uint8Array([0, 255, 0, 0, 128, 0]); // 2 rows of 3

describe("a heat map", () => {
  it("is read row by row, and nothing else is", () => {
    expect(patchesOf(btoa(String.fromCharCode(...bytes)), 2, 3)).toEqual(bytes);
    expect(patchesOf("AAAA", 2, 3)).toBeNull();
    expect(patchesOf("not base64!", 2, 3)).toBeNull();
    expect(patchesOf("", 0, 0)).toBeNull();
  });

  it("keeps the patches' values at their middles and stays between 0 and 1", () => {
    const { values, width, height } = smoothed(bytes, 2, 3, 5);
    expect([width, height]).toEqual([15, 10]);
    const middle = (row: number, column: number) => values[(row * 5 + 2) * width + column * 5 + 2];
    expect(middle(0, 1)).toBeCloseTo(1, 5);
    expect(middle(1, 1)).toBeCloseTo(128 / 255, 5);
    expect(middle(1, 2)).toBeCloseTo(0, 5);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
  });

  it("of one patch is even", () => {
    expect(new Set(smoothed(new Uint8Array([200]), 1, 1, 4).values).size).toBe(1);
  });

  it("is dark where it is cold and warm where it is hot", () => {
    const pixels = coloured({ values: new Float32Array([0, 1]), width: 2, height: 1 });
    const [cold, hot] = [pixels.slice(0, 4), pixels.slice(4)];
    expect(cold[3]).toBeGreaterThan(150);
    expect(cold[0]).toBeLessThan(20);
    expect(hot[0]).toBeGreaterThan((hot[2] as number) + 100);
  });

  it("lights weak hits, too, but less than the best", () => {
    expect(topOf(new Uint8Array([255]))).toBe(1);
    const weak = new Uint8Array([100]);
    expect(100 / 255 / topOf(weak)).toBeGreaterThan(0.5);
    expect(100 / 255 / topOf(weak)).toBeLessThan(1);
  });
});
