import { describe, expect, it } from "vitest";
import { bytes, closeness, day, duration, fileName, parted, percent, place, plural } from "../src/format";

describe("a percentile", () => {
  it("never claims certainty, and is never rounded up", () => {
    expect([42, 89.99, 99.2, 99.96, 99.9999, 100].map(percent)).toEqual([
      "42 %",
      "89 %",
      "99.2 %",
      "99.96 %",
      "99.99 %",
      "99.99 %",
    ]);
  });

  it("fills a quarter of the bar for each tenfold rarity", () => {
    expect([90, 99, 99.9, 99.99].map(closeness).map((x) => x.toFixed(2))).toEqual(["0.25", "0.50", "0.75", "1.00"]);
    expect(closeness(100)).toBe(1);
    expect(closeness(-3)).toBeGreaterThan(0);
  });
});

describe("numbers for people", () => {
  it("reads sizes", () => {
    expect([0, 999, 1000, 70_400, 12_300_000, 999_600_000].map(bytes)).toEqual(["0 B", "999 B", "1.0 kB", "70 kB", "12 MB", "1.0 GB"]);
  });

  it("reads durations", () => {
    expect([0.0021, 0.083, 0.5, 12, 90, 7300].map(duration)).toEqual(["2.1 ms", "83 ms", "0.5 s", "12 s", "2 min", "2 h 2 min"]);
  });

  it("parts a sentence at its colon", () => {
    expect(parted("A clear match: 65 others would not.")).toEqual(["A clear match", "65 others would not."]);
    expect(parted("Nothing here: unrelated ones come as close.")).toEqual(["Nothing here", "Unrelated ones come as close."]);
    expect(parted("All of it.")).toEqual(["All of it", ""]);
  });

  it("counts one picture and many", () => {
    expect([plural(1, "picture"), plural(12_000, "picture")]).toEqual(["1 picture", "12,000 pictures"]);
  });

  it("reads dates and places, and says nothing of what is unknown", () => {
    expect(day("2021-07-03T10:00:00")).toBe("3 July 2021");
    expect([day(null), day("rubbish")]).toEqual(["", ""]);
    expect(place(-33.8568, 151.2153)).toBe("33.8568° S, 151.2153° E");
  });

  it("finds a file's name on either system", () => {
    expect([fileName("/a/b.jpg"), fileName("C:\\a\\b.jpg"), fileName("/")]).toEqual(["b.jpg", "b.jpg", "/"]);
  });
});
