import { describe, expect, it } from "vitest";
import { begin, gripAt, type Scene } from "../src/gestures";
import { boxMark, edgesOf, pointMark, type Mark, type Point } from "../src/marks";

const scene = (change: Partial<Scene> = {}): Scene => ({
  marks: [],
  chosen: -1,
  tool: "box",
  adding: false,
  unwanted: false,
  radius: 20,
  unit: 2, // the picture is shown at half its size
  reach: 20,
  extent: { width: 1000, height: 600 },
  ...change,
});

/** The outcome of a press, its way and its end. */
function stroke(given: Scene, from: Point, ...way: Point[]) {
  const hand = begin(given, from);
  for (const at of way) hand.to(at);
  return hand.end();
}

const BOX = boxMark([100, 100, 400, 400]);

describe("a drag", () => {
  it("draws a box from any corner, inside the picture", () => {
    const { marks, chosen } = stroke(scene(), [300, 300], [200, 250], [-50, 100]);
    expect(marks).toEqual([boxMark([0, 100, 300, 300])]);
    expect(chosen).toBe(0);
  });

  it("begins anew, or joins what is marked", () => {
    expect(stroke(scene({ marks: [BOX] }), [600, 100], [700, 200]).marks).toEqual([boxMark([600, 100, 700, 200])]);
    const joined = stroke(scene({ marks: [BOX], adding: true }), [600, 100], [700, 200]);
    expect(joined).toEqual({ marks: [BOX, boxMark([600, 100, 700, 200])], chosen: 1 });
  });

  it("circles a lasso with few corners", () => {
    const way = Array.from({ length: 200 }, (_, i): Point => [
      300 + 100 * Math.cos((2 * Math.PI * i) / 200),
      300 + 100 * Math.sin((2 * Math.PI * i) / 200),
    ]);
    const { marks } = stroke(scene({ tool: "lasso" }), [400, 300], ...way);
    const [lasso] = marks as Mark[];
    expect(lasso?.kind).toBe("lasso");
    expect(lasso?.points.length).toBeGreaterThan(8);
    expect(lasso?.points.length).toBeLessThan(60);
    expect(edgesOf(lasso as Mark).map((edge) => Math.round(edge / 10))).toEqual([20, 20, 40, 40]);
  });

  it("paints a stroke that joins what is marked", () => {
    const { marks } = stroke(scene({ tool: "brush", marks: [BOX] }), [500, 100], [600, 100], [700, 100]);
    expect(marks).toEqual([BOX, { kind: "brush", points: [[500, 100], [700, 100]], radius: 20 }]);
  });

  it("shows what would be while it goes on", () => {
    const hand = begin(scene(), [100, 100]);
    expect(hand.to([103, 103])).toEqual([]); // still a click
    expect(hand.to([200, 300])).toEqual([boxMark([100, 100, 200, 300])]);
  });
});

describe("the chosen box", () => {
  const chosen = scene({ marks: [BOX], chosen: 0 });

  it("is pulled by a handle, moved by its edge or its middle", () => {
    expect(gripAt(chosen, [395, 405])).toBe("se");
    expect(gripAt(chosen, [100, 180])).toBe("move");
    expect(gripAt(chosen, [255, 250])).toBe("move");
    expect(gripAt(chosen, [180, 180])).toBeNull();
    expect(stroke(chosen, [400, 400], [500, 450]).marks).toEqual([boxMark([100, 100, 500, 450])]);
    expect(stroke(chosen, [250, 250], [260, 230]).marks).toEqual([boxMark([110, 80, 410, 380])]);
  });

  it("lets a smaller one be drawn inside it", () => {
    expect(stroke(chosen, [150, 150], [220, 210]).marks).toEqual([boxMark([150, 150, 220, 210])]);
  });

  it("pressed and let go is as it was", () => {
    expect(stroke(chosen, [400, 400], [400, 400])).toEqual({ marks: null, chosen: 0 });
  });

  it("is never pulled flat", () => {
    expect(stroke(chosen, [400, 250], [100, 250]).marks).toBeNull();
  });
});

describe("a click", () => {
  it("marks a point, with any tool", () => {
    for (const tool of ["box", "lasso", "at"] as const) {
      expect(stroke(scene({ tool }), [50, 60]).marks).toEqual([pointMark("at", [50, 60])]);
    }
    expect(stroke(scene({ tool: "brush" }), [50, 60]).marks).toEqual([{ kind: "brush", points: [[50, 60]], radius: 20 }]);
  });

  it("on a mark chooses it", () => {
    expect(stroke(scene({ marks: [BOX] }), [200, 200], [201, 201])).toEqual({ marks: null, chosen: 0 });
  });

  it("joins points to points, but begins anew after a box", () => {
    const point = pointMark("at", [900, 500]);
    expect(stroke(scene({ marks: [point] }), [50, 60]).marks).toEqual([point, pointMark("at", [50, 60])]);
    expect(stroke(scene({ marks: [BOX] }), [900, 500]).marks).toEqual([point]);
  });

  it("with the right button says what is not wanted, whatever the tool", () => {
    const { marks } = stroke(scene({ tool: "lasso", marks: [BOX], unwanted: true }), [250, 250]);
    expect(marks).toEqual([BOX, pointMark("not", [250, 250])]);
  });

  it("on a point takes it away; a drag moves it", () => {
    const marks = [BOX, pointMark("not", [500, 500])];
    expect(stroke(scene({ tool: "at", marks }), [505, 500]).marks).toEqual([BOX]);
    expect(stroke(scene({ tool: "at", marks }), [500, 500], [560, 480]).marks).toEqual([BOX, pointMark("not", [560, 480])]);
  });
});
