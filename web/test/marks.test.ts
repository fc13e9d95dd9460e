import { describe, expect, it } from "vitest";
import {
  asksSomething,
  boxMark,
  edgesOf,
  formatMark,
  grown,
  handleAt,
  isStroke,
  KINDS,
  markAt,
  moved,
  parseMark,
  partsOf,
  pointMark,
  settled,
  simplified,
  stretched,
  type Mark,
  type Point,
} from "../src/marks";

const SIZE = { width: 1000, height: 600 };
const lasso: Mark = { kind: "lasso", points: [[100, 100], [200, 100], [150, 200]], radius: 0 };
const brush: Mark = { kind: "brush", points: [[10, 10], [50, 10]], radius: 8 };

describe("a mark in the address", () => {
  it("is the same after writing and reading", () => {
    for (const mark of [boxMark([1, 2, 30, 40]), lasso, brush, pointMark("at", [5, 6]), pointMark("not", [7.5, 8])]) {
      expect(parseMark(mark.kind, formatMark(mark))).toEqual(mark);
    }
  });

  it("is dropped when it is none", () => {
    const wrong = ["", "1", "1,2,3", "a,b,c,d", "1,2,Infinity,4", "1,2,NaN,4", ",,,"];
    for (const kind of KINDS) for (const text of wrong) expect(parseMark(kind, text) && kind).toSatisfy(
      (read) => read === null || (isStroke({ kind }) && text === "1,2,3"),
    );
    expect(parseMark("box", "5,5,5,9")).toBeNull();
    expect(parseMark("brush", "-3,1,1")).toBeNull();
    expect(parseMark("lasso", Array.from({ length: 2000 }, () => 1).join(","))).toBeNull();
  });

  it("drawn from any corner is one box", () => {
    expect(parseMark("box", "30,40,1,2")).toEqual(boxMark([1, 2, 30, 40]));
  });
});

describe("a mark", () => {
  it("stays inside the picture", () => {
    expect(edgesOf(settled(boxMark([-50, -2, 2000, 90.4]), SIZE))).toEqual([0, 0, 1000, 90]);
    expect(settled(pointMark("at", [1000, 600]), SIZE).points[0]).toEqual([1000, 600].map((v) => Math.round(v - 0.5)));
    expect(edgesOf(moved(boxMark([900, 500, 990, 590]), [500, 500], SIZE))).toEqual([910, 510, 1000, 600]);
    expect(edgesOf(moved(boxMark([5, 5, 20, 20]), [-500, 3], SIZE))).toEqual([0, 8, 15, 23]);
  });

  it("of a small picture is kept to a tenth of a pixel", () => {
    expect(edgesOf(settled(boxMark([1.26, 1, 5, 5.04]), { width: 40, height: 30 }))).toEqual([1.3, 1, 5, 5]);
  });

  it("is pulled by its handles and turns over when pulled through", () => {
    const box = boxMark([100, 100, 200, 200]);
    expect(edgesOf(stretched(box, "se", [250, 260]))).toEqual([100, 100, 250, 260]);
    expect(edgesOf(stretched(box, "n", [999, 50]))).toEqual([100, 50, 200, 200]);
    expect(edgesOf(stretched(box, "w", [300, 0]))).toEqual([200, 100, 300, 200]);
    expect(handleAt([100, 100, 200, 300], "e")).toEqual([200, 200]);
  });

  it("grows about its middle and never vanishes", () => {
    const box = boxMark([100, 100, 200, 200]);
    expect(edgesOf(grown(box, [10, 0], SIZE, 4))).toEqual([90, 100, 210, 200]);
    const [left, , right] = edgesOf(grown(box, [-500, 0], SIZE, 4));
    expect(right - left).toBeCloseTo(4);
    expect(edgesOf(grown(box, [900, 900], SIZE, 4))).toEqual([0, 0, 1000, 600]);
  });

  it("is found under the pointer, the topmost first", () => {
    const marks = [boxMark([0, 0, 300, 300]), lasso, brush, pointMark("not", [400, 400])];
    expect(markAt(marks, [150, 120], 3)).toBe(1);
    expect(markAt(marks, [105, 190], 3)).toBe(0); // beside the lasso's slope
    expect(markAt(marks, [30, 17], 3)).toBe(2);
    expect(markAt(marks, [30, 19], 3)).toBe(0);
    expect(markAt(marks, [404, 400], 3)).toBe(3);
    expect(markAt(marks, [700, 500], 3)).toBe(-1);
  });
});

describe("a way", () => {
  it("is made of fewer points, none far off", () => {
    const way = Array.from({ length: 200 }, (_, i): Point => [i, 20 * Math.sin(i / 20)]);
    const fewer = simplified(way, 1);
    expect(fewer.length).toBeLessThan(30);
    expect(fewer[0]).toEqual(way[0]);
    expect(fewer.at(-1)).toEqual(way.at(-1));
    for (const [x, y] of way) {
      const i = Math.max(1, fewer.findIndex(([fx]) => fx >= x));
      const [ax, ay] = fewer[i - 1] as Point;
      const [bx, by] = fewer[i] as Point;
      expect(Math.abs(y - (ay + ((x - ax) / (bx - ax)) * (by - ay)))).toBeLessThan(1.5);
    }
  });
});

describe("what the server gets", () => {
  it("is what was marked, by kind", () => {
    expect(partsOf([boxMark([1, 2, 3, 4]), lasso, pointMark("at", [5, 6]), pointMark("not", [7, 8])])).toEqual({
      boxes: [[1, 2, 3, 4]],
      polygons: [[[100, 100], [200, 100], [150, 200]]],
      points: [[5, 6]],
      not_points: [[7, 8]],
    });
    expect(partsOf([])).toEqual({});
  });

  it("is a stroke's outline, as wide as the brush", () => {
    const [polygon] = partsOf([brush]).polygons as [Point[]];
    const xs = polygon.map(([x]) => x);
    const ys = polygon.map(([, y]) => y);
    expect([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]).toEqual([2, 2, 58, 18]);
  });

  it("never is more than it takes, however long somebody paints", () => {
    const scribble: Mark = {
      kind: "brush",
      points: Array.from({ length: 390 }, (_, i): Point => [(i * 37) % 900, (i * 91) % 500]),
      radius: 5,
    };
    const { polygons } = partsOf([scribble, scribble]) as { polygons: Point[][] };
    expect(polygons.length).toBeLessThanOrEqual(60);
  });

  it("needs something wanted", () => {
    expect(asksSomething([pointMark("not", [1, 1])])).toBe(false);
    expect(asksSomething([pointMark("not", [1, 1]), pointMark("at", [2, 2])])).toBe(true);
  });
});
