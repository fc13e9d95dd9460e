import { describe, expect, it } from "vitest";
import { rowAt, Smoother, tableOf, tinted } from "../src/grids";
import { HEAT, smoothed } from "../src/heat";

describe("a smoother", () => {
  const bytes = new Uint8Array([0, 255, 0, 40, 128, 0]); // 2 rows of 3

  it("says the same as the slow way", () => {
    const slow = smoothed(bytes, 2, 3, 5);
    const fast = new Smoother(2, 3, 5).of(bytes);
    expect(fast).toHaveLength(slow.values.length);
    slow.values.forEach((value, i) => expect(Math.min(1, Math.max(0, (fast[i] as number) / 255))).toBeCloseTo(value, 4));
  });

  it("leaves patches as they are when it makes nothing finer", () => {
    expect([...new Smoother(2, 3, 1).of(bytes)]).toEqual([...bytes]);
  });

  it("reads one channel of many", () => {
    const pixels = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]); // two patches of four channels
    expect([...new Smoother(1, 2, 1).of(pixels, 4, 2)]).toEqual([3, 7]);
  });
});

describe("a table of colours", () => {
  it("holds red first and alpha last, whatever the machine", () => {
    const table = tableOf((value) => [255 * value, 10, 20, 30]);
    const pixels = new Uint32Array(3);
    tinted(new Float32Array([-1, 1, 2]), table, pixels);
    expect([...new Uint8Array(pixels.buffer)]).toEqual([0, 10, 20, 30, 255, 10, 20, 30, 255, 10, 20, 30]);
  });

  it("of heat goes from dark to amber", () => {
    const of = (i: number) => [...new Uint8Array(HEAT.buffer, 4 * i, 4)];
    expect(of(0)[3]).toBeGreaterThan(150);
    expect(of(255)[0]).toBeGreaterThan((of(255)[2] as number) + 100);
  });
});

describe("a row of a matrix", () => {
  const grid = { rows: 2, columns: 2 };
  const matrix = new Uint8Array([0, 10, 100, 20, 200, 30, 40, 40]); // four patches by two

  it("is a patch's own at its middle, also in the corners", () => {
    expect([...rowAt(matrix, grid, [0.75, 0.25], new Float32Array(2))]).toEqual([100, 20]);
    expect([...rowAt(matrix, grid, [0, 1], new Float32Array(2))]).toEqual([200, 30]);
  });

  it("is the mean half way between two", () => {
    expect([...rowAt(matrix, grid, [0.5, 0.25], new Float32Array(2))]).toEqual([50, 15]);
  });
});
