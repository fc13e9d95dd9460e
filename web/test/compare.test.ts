import { describe, expect, it } from "vitest";
import { labelsOf, signTest, tallyOf, verdictOf } from "../src/views/compare/words";
import type { Comparison } from "../src/wire";

describe("the sign test", () => {
  it("is the coin's own probability", () => {
    expect(signTest(0, 0)).toBe(1);
    expect(signTest(5, 0)).toBeCloseTo(2 / 32, 12);
    expect(signTest(1, 7)).toBeCloseTo((2 * 9) / 256, 12);
    expect(signTest(7, 1)).toBe(signTest(1, 7));
    expect(signTest(400, 380)).toBeGreaterThan(0.4);
  });
});

describe("a judgement", () => {
  const labels = ["starter", "mine"] as const;

  it("counts votes and leaves ties out of the odds", () => {
    const tally = tallyOf(["first", "first", "equal", "second", "first", "first", "first", "first"]);
    expect(tally).toMatchObject({ first: 6, second: 1, equal: 1 });
    expect(tally.p).toBe(signTest(6, 1));
  });

  it("names a winner only where a coin would not do", () => {
    expect(verdictOf(tallyOf(Array(8).fill("second")), labels)).toBe(
      "You prefer mine: starter 0, mine 8. A fair coin would be so uneven in less than 1 % of cases.",
    );
    expect(verdictOf(tallyOf(["first", "first", "second"]), labels)).toMatch(/^You lean towards starter, but chance/);
    expect(verdictOf(tallyOf(["first", "second"]), labels)).toBe("A draw: starter 1, mine 1.");
    expect(verdictOf(tallyOf(["equal"]), labels)).toBe("You found them equal every time.");
    expect(verdictOf(tallyOf([]), labels)).toBe("Nothing was judged.");
  });
});

describe("the models", () => {
  it("go by their keys where their names are the same", () => {
    const pair = (one: string, other: string) =>
      ({ first: { name: one, key: "k1" }, second: { name: other, key: "k2" } }) as Comparison;
    expect(labelsOf(pair("a", "b"))).toEqual(["a", "b"]);
    expect(labelsOf(pair("a", "a"))).toEqual(["k1", "k2"]);
  });
});
