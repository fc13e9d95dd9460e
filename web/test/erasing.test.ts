import { describe, expect, it } from "vitest";
import { erasedBy, paintedOver } from "../src/erasing";
import { begin, type Scene } from "../src/gestures";
import { asksSomething, boxMark, formatMark, markAt, parseMark, partsOf, pointMark, type Kind, type Mark, type Point } from "../src/marks";

const stroke = (kind: Kind, radius: number, ...points: Point[]): Mark => ({ kind, points, radius });
const BOX = boxMark([100, 100, 400, 400]);
const PAINTED = stroke("brush", 20, [100, 500], [500, 500]);

const scene = (change: Partial<Scene> = {}): Scene => ({
  marks: [],
  chosen: -1,
  tool: "box",
  adding: false,
  unwanted: false,
  radius: 20,
  unit: 2,
  reach: 20,
  extent: { width: 1000, height: 600 },
  ...change,
});

function drawn(given: Scene, from: Point, ...way: Point[]) {
  const hand = begin(given, from);
  for (const at of way) hand.to(at);
  return hand.end();
}

describe("the eraser", () => {
  it("takes a way out of what is marked, which stays as it is around it", () => {
    const { marks, chosen } = drawn(scene({ tool: "erase", marks: [BOX] }), [90, 200], [300, 200], [450, 200]);
    expect(marks).toEqual([BOX, stroke("erase", 20, [90, 200], [450, 200])]);
    expect(chosen).toBe(-1);
    expect(partsOf(marks as Mark[])).toMatchObject({ boxes: [[100, 100, 400, 400]], erased: [expect.anything()] });
  });

  it("takes away the points and ends the strokes of what is not meant", () => {
    const marks = [BOX, pointMark("at", [600, 100]), pointMark("not", [700, 100]), stroke("avoid", 15, [500, 300], [900, 300])];
    const after = erasedBy(marks, stroke("erase", 20, [600, 90], [600, 310]));
    expect(after.map(({ kind }) => kind)).toEqual(["box", "not", "avoid", "avoid", "erase"]);
    const [, , left, right] = after as [Mark, Mark, Mark, Mark];
    expect(left.points.at(-1)?.[0]).toBeLessThanOrEqual(580);
    expect(left.points.at(-1)?.[0]).toBeGreaterThan(560);
    expect(right.points[0]?.[0]).toBeGreaterThanOrEqual(620);
    expect(right.points.at(-1)).toEqual([900, 300]);
  });

  it("takes a mark away altogether when nothing of it is left, and then itself", () => {
    const after = erasedBy([BOX, PAINTED], stroke("erase", 30, [90, 500], [510, 500]));
    expect(after.map(({ kind }) => kind)).toEqual(["box", "erase"]);
    const inTwo = erasedBy([PAINTED], stroke("erase", 30, [90, 500], [300, 500]));
    expect(inTwo.map(({ kind }) => kind)).toEqual(["brush", "erase"]);
    expect(erasedBy(inTwo, stroke("erase", 30, [300, 500], [510, 500]))).toEqual([]);
  });

  it("does nothing where nothing is marked", () => {
    expect(drawn(scene({ tool: "erase" }), [90, 200], [300, 200]).marks).toBeNull();
  });

  it("paints over the edge of a chosen box, and does not pull it", () => {
    const { marks } = drawn(scene({ tool: "erase", marks: [BOX], chosen: 0 }), [400, 250], [420, 300]);
    expect(marks?.[0]).toEqual(BOX);
    expect(marks?.[1]?.kind).toBe("erase");
  });

  it("gives way to what is marked again", () => {
    const erased = [BOX, stroke("erase", 20, [120, 200], [380, 200])];
    const { marks } = drawn(scene({ tool: "brush", marks: erased }), [250, 150], [250, 250]);
    const kinds = (marks as Mark[]).map(({ kind }) => kind);
    expect(kinds).toEqual(["box", "erase", "erase", "brush"]);
    expect(paintedOver(erased, boxMark([90, 90, 420, 420]))).toEqual([BOX]);
    expect(paintedOver(erased, PAINTED)).toEqual(erased);
  });
});

describe("not this", () => {
  it("is a point by a click, and a stroke by a drag", () => {
    const not = scene({ tool: "not", marks: [PAINTED] });
    expect(drawn(not, [700, 100], [702, 101]).marks).toEqual([PAINTED, pointMark("not", [700, 100])]);
    expect(drawn(not, [700, 100], [800, 100]).marks).toEqual([PAINTED, stroke("avoid", 20, [700, 100], [800, 100])]);
    expect(drawn(scene({ unwanted: true, marks: [PAINTED] }), [700, 100], [800, 100]).marks).toHaveLength(2);
  });

  it("is outlined for the server, and asks nothing by itself", () => {
    const avoid = stroke("avoid", 10, [50, 50], [90, 50]);
    expect(asksSomething([avoid])).toBe(false);
    const parts = partsOf([BOX, avoid]);
    expect(Object.keys(parts)).toEqual(["boxes", "not_polygons"]);
    const xs = parts.not_polygons?.flat().map(([x]) => x) as number[];
    expect([Math.min(...xs), Math.max(...xs)]).toEqual([40, 100]);
  });
});

it("keeps strokes of all kinds in the address", () => {
  for (const kind of ["brush", "avoid", "erase"] as const) {
    const mark = stroke(kind, 12, [1, 2], [3, 4]);
    expect(parseMark(kind, formatMark(mark))).toEqual(mark);
    expect(parseMark(kind, "0,1,2")).toBeNull();
  }
});

it("does not choose what was erased by a click on it", () => {
  expect(markAt([BOX, stroke("erase", 20, [120, 200], [380, 200])], [200, 200], 5)).toBe(0);
});
