import { describe, expect, it } from "vitest";
import { boxOn, closeTo, covering, fitted, held, sheetOf, zoomed } from "../src/frames";

const WIDE = { width: 1000, height: 500 };

describe("a window", () => {
  it("shows the whole picture in its own shape", () => {
    expect(covering(WIDE, 2, null)).toEqual({ left: 0, top: 0, ...WIDE });
    expect(sheetOf(covering(WIDE, 2, null), WIDE)).toEqual({ left: "0%", top: "0%", width: "100%", height: "100%" });
  });

  it("of another shape keeps the place in sight", () => {
    expect(covering(WIDE, 1, null).left).toBe(250);
    expect(covering(WIDE, 1, [900, 100, 1000, 200])).toEqual({ left: 500, top: 0, width: 500, height: 500 });
  });

  it("is close around a place, of the tile's shape, inside the picture", () => {
    const window = closeTo(WIDE, 1, [480, 230, 540, 270]);
    expect(window.width).toBeCloseTo(window.height);
    expect(window.width).toBeCloseTo(100);
    expect(window.left + window.width / 2).toBeCloseTo(510);
    expect(closeTo(WIDE, 1, [0, 0, 10, 10])).toEqual({ left: 0, top: 0, width: 100, height: 100 });
    expect(closeTo(WIDE, 1, [0, 0, 1000, 500])).toEqual(covering(WIDE, 1, null));
  });

  it("has its places where they are in the picture", () => {
    expect(boxOn(WIDE, [100, 100, 300, 200])).toEqual({ left: "10%", top: "20%", width: "20%", height: "20%" });
    expect(sheetOf({ left: 500, top: 0, width: 500, height: 500 }, WIDE)).toMatchObject({ left: "-100%", width: "200%" });
  });
});

describe("a stage", () => {
  const stage = { width: 600, height: 600 };
  const start = held({ x: 0, y: 0, zoom: 1 }, WIDE, stage);

  it("fits the picture into its middle", () => {
    expect(fitted(WIDE, stage)).toEqual({ width: 600, height: 300 });
    expect(start).toEqual({ x: 0, y: 150, zoom: 1 });
  });

  it("holds still what is under the pointer", () => {
    const view = zoomed(start, 4, [150, 300], WIDE, stage);
    expect(view.zoom).toBe(4);
    expect((150 - view.x) / (600 * 4)).toBeCloseTo(150 / 600);
    expect((300 - view.y) / (300 * 4)).toBeCloseTo(0.5);
  });

  it("never loses the picture, and comes back to where it was", () => {
    const far = held({ x: -9000, y: 9000, zoom: 4 }, WIDE, stage);
    expect(far).toEqual({ x: 600 - 2400, y: 0, zoom: 4 });
    expect(zoomed(far, 0.001, [0, 0], WIDE, stage)).toEqual(start);
  });
});
