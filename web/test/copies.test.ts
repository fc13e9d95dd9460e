import { describe, expect, it } from "vitest";
import type { Pair } from "../src/views/copies/asking";
import { cssOf, inverse, pairOf, seenFrom, times, type Matrix } from "../src/views/copies/geometry";

const SHIFTED: Matrix = [2, 0, 30, 0, 2, 40, 0, 0, 1];
const BENT: Matrix = [1.1, 0.1, 5, -0.05, 0.9, 7, 0.0002, 0.0001, 1];

const put = (m: Matrix, x: number, y: number): [number, number] => {
  const depth = m[6] * x + m[7] * y + m[8];
  return [(m[0] * x + m[1] * y + m[2]) / depth, (m[3] * x + m[4] * y + m[5]) / depth];
};

const pair = (here: number, there: number, matrix: Matrix | readonly [] = SHIFTED): Pair => ({
  here,
  there,
  marked: false,
  found: { copy: 0.9, similar: 0.9, edits: [], edited: "here", here: [[0, 0]], there: [[30, 40]], matrix, sharper: 1 },
});

describe("maps between pictures", () => {
  it("lead there and back", () => {
    const [x, y] = put(times(inverse(BENT) as Matrix, BENT), 120, 80);
    expect(x).toBeCloseTo(120, 6);
    expect(y).toBeCloseTo(80, 6);
  });

  it("are none when nothing leads back", () => expect(inverse([1, 1, 0, 1, 1, 0, 0, 0, 1])).toBeNull());

  it("become CSS in the pixels that are on the screen", () => {
    const css = cssOf(SHIFTED, { width: 100, height: 100 }, { width: 50, height: 50 }, { width: 400, height: 400 }, { width: 200, height: 200 });
    const numbers = (/\((.*)\)/.exec(css)?.[1] as string).split(",").map(Number);
    expect(numbers).toEqual([2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 15, 20, 0, 1]);
  });
});

describe("a pair", () => {
  it("is seen from either picture", () => {
    expect(seenFrom(pair(1, 2), 2)).toEqual({ map: SHIFTED, mine: [[30, 40]], others: [[0, 0]] });
    const back = seenFrom(pair(1, 2), 1);
    expect(put(back.map as Matrix, 30, 40)).toEqual([0, 0]);
    expect(back.mine).toEqual([[0, 0]]);
  });

  it("of equal bytes has no map", () => expect(seenFrom(pair(1, 2, []), 1).map).toBeNull());

  it("is the one asked for, else another of the copy", () => {
    const pairs = [pair(1, 3), pair(2, 1), pair(3, 4)];
    expect(pairOf(pairs, 1, 2)).toBe(pairs[1]);
    expect(pairOf(pairs, 1, 4)).toBe(pairs[2]);
    expect(pairOf(pairs, 1, 9)).toBeUndefined();
  });
});
