import { describe, expect, it } from "vitest";
import type { CurvePoint, Trial } from "../src/views/robustness/asking";
import { lostSpans } from "../src/views/robustness/chart";
import { amountOf, grouped, known, parseEdits, withEdit, writeEdits, type Kind } from "../src/views/robustness/edits";
import { outward } from "../src/views/robustness/sliders";
import { headline, ordinal, toneOf } from "../src/views/robustness/verdict";

const kind = (name: string, least = 0): Kind => ({
  name,
  title: name,
  least,
  switch: name === "mirror",
  less: least ? "less" : "",
  more: "more",
  amounts: Array.from({ length: least ? 201 : 101 }, (_, i) => `${i}`),
});
const KINDS = [kind("crop"), kind("mirror"), kind("brightness", -1), kind("blur")];

describe("edits in the address", () => {
  it("are read, and written in the order in which they are done", () => {
    const edits = parseEdits("blur:0.2,brightness:-.5,mirror:1");
    expect(edits).toEqual({ blur: 0.2, brightness: -0.5, mirror: 1 });
    expect(writeEdits(edits, KINDS)).toBe("mirror:1,brightness:-0.5,blur:0.2");
    expect(writeEdits({ blur: 0.1 + 0.2 }, KINDS)).toBe("blur:0.3");
  });

  it("leave out what is wrong or does nothing", () => {
    expect(parseEdits("blur:0,x,crop:evil,,hue:1e9,Blur:1")).toEqual({});
    expect(known({ blur: 3, brightness: -4, nothing: 1 }, KINDS)).toEqual({ brightness: -1, blur: 1 });
  });

  it("are undone by 0", () => {
    expect(withEdit({ blur: 0.2, crop: 0.1 }, "blur", 0)).toEqual({ crop: 0.1 });
    expect(withEdit({ crop: 0.1 }, "blur", 0.4)).toEqual({ crop: 0.1, blur: 0.4 });
  });

  it("have amounts in hundredths from the least on", () => {
    expect(amountOf(KINDS[2] as Kind, -1)).toBe("0");
    expect(amountOf(KINDS[2] as Kind, 0.29)).toBe("129");
    expect(amountOf(KINDS[3] as Kind, 0.29)).toBe("29");
  });

  it("are grouped as a person looks for them, and none is lost", () => {
    const groups = grouped([...KINDS, kind("sepia")]);
    expect(groups.map(([title, of]) => [title, of.map(({ name }) => name)])).toEqual([
      ["Light and colour", ["brightness"]],
      ["Sharpness", ["blur"]],
      ["Shape", ["crop", "mirror"]],
      ["More", ["sepia"]],
    ]);
  });
});

const trial = (rank: number | null, change: Partial<Trial> = {}): Trial => ({
  rank,
  among: 1500,
  beyond: false,
  cosine: 0.51,
  percentile: 90,
  chance: 0.1,
  by_chance: false,
  edits: [],
  sentence: "",
  hits: [],
  seconds: 0,
  ...change,
});

describe("what is said of an edited picture", () => {
  it("names its place", () => {
    expect(headline(trial(1))).toBe("Still the first of 1,500");
    expect(headline(trial(4))).toBe("Lost: now 4th of 1,500");
    expect(headline(trial(201, { beyond: true }))).toBe("Lost: more than 200 of 1,500 look more like it");
    expect(headline(trial(null))).toBe("Cosine 0.510 to the original");
    expect([2, 3, 11, 12, 21, 113].map(ordinal)).toEqual(["2nd", "3rd", "11th", "12th", "21st", "113th"]);
  });

  it("has a colour that does not promise too much", () => {
    expect(toneOf(trial(1))).toBe("first");
    expect(toneOf(trial(1, { by_chance: true }))).toBe("near");
    expect(toneOf(trial(3))).toBe("near");
    expect(toneOf(trial(40))).toBe("lost");
    expect(toneOf(trial(null))).toBe("alone");
  });
});

describe("a curve", () => {
  const points = (ranks: readonly (number | null)[]) => ranks.map((rank, i) => ({ strength: i / 10, rank }) as CurvePoint);

  it("is lost from where it is not the first to where it is again", () => {
    expect(lostSpans(points([1, 1, 2, 9, 1, 3]))).toEqual([[0.2, 0.3], [0.5, 0.5]]);
    expect(lostSpans(points([1, 1]))).toEqual([]);
    expect(lostSpans(points([null, null]))).toEqual([]);
  });

  it("sets a slider to where it is lost for sure", () => {
    expect(outward(0.4125)).toBe(0.42);
    expect(outward(-0.4125)).toBe(-0.42);
    expect(outward(0.41)).toBe(0.41);
    expect(outward(1)).toBe(1);
  });
});
