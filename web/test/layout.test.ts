import { describe, expect, it } from "vitest";
import { beside, EMPTY, layOut, rowOf, rowsBetween, wholeHeight, type Measures, type Row } from "../src/layout";

const measures: Measures = { width: 1000, target: 180, gap: 8, caption: 0, square: false };

// A library as people have them: landscape, portrait, square, a panorama.
const aspects = Array.from({ length: 997 }, (_, i) => [1.5, 0.67, 1.33, 1, 1.78, 0.75, 5][(i * 11) % 7] as number);

const right = (row: Row) => {
  const last = row.cells.at(-1);
  return (last?.x ?? 0) + (last?.width ?? 0);
};

describe("justified rows", () => {
  const layout = layOut(aspects, measures);

  it("hold every picture once, in order", () => {
    expect(layout.rows.flatMap((row) => row.cells.map((cell) => cell.index))).toEqual(aspects.map((_, i) => i));
  });

  it("fill the width exactly, save the last", () => {
    for (const row of layout.rows.slice(0, -1)) expect(right(row)).toBeCloseTo(1000, 6);
    expect(right(layout.rows.at(-1) as Row)).toBeLessThanOrEqual(1000.001);
  });

  it("keep each picture's shape, and clamp a panorama", () => {
    for (const row of layout.rows) {
      for (const cell of row.cells) {
        expect(cell.width / row.height).toBeCloseTo(Math.min(3.5, aspects[cell.index] as number), 6);
      }
    }
  });

  it("are about as high as wished", () => {
    const heights = layout.rows.map((row) => row.height);
    expect(Math.max(...heights)).toBeLessThan(180 * 1.6);
    expect(Math.min(...heights)).toBeGreaterThan(180 * 0.6);
  });

  it("do not overlap", () => {
    layout.rows.slice(1).forEach((row, i) => {
      const above = layout.rows[i] as Row;
      expect(row.top).toBeCloseTo(above.top + above.height + 8, 6);
    });
  });

  it("are the same whether pictures arrive at once or page by page", () => {
    let grown = EMPTY;
    for (let count = 60; count < aspects.length + 60; count += 60) grown = layOut(aspects.slice(0, count), measures, grown);
    expect(grown).toEqual(layout);
  });

  it("survive a picture without a size", () => {
    const cells = layOut([NaN, 0, 1], measures).rows.flatMap((row) => row.cells);
    expect(cells.every((cell) => cell.width > 0 && Number.isFinite(cell.width))).toBe(true);
  });

  it("lay out a hundred thousand pictures", () => {
    const many = Array.from({ length: 100_000 }, (_, i) => aspects[i % 997] as number);
    expect(layOut(many, measures).count).toBe(100_000);
  });
});

describe("squares", () => {
  it("are all of one size and fill the width", () => {
    const layout = layOut(aspects.slice(0, 23), { ...measures, square: true });
    const sides = new Set(layout.rows.flatMap((row) => row.cells.map((cell) => cell.width.toFixed(6))));
    expect(sides.size).toBe(1);
    expect(right(layout.rows[0] as Row)).toBeCloseTo(1000, 6);
  });
});

describe("what is in view", () => {
  const layout = layOut(aspects, measures);

  it("is every row that touches the window and no other", () => {
    const [first, end] = rowsBetween(layout.rows, 1000, 1800);
    layout.rows.forEach((row, i) => {
      const touches = row.top + row.height >= 1000 && row.top <= 1800;
      expect(i >= first && i < end).toBe(touches);
    });
  });

  it("finds the row of a picture", () => {
    expect(layout.rows[rowOf(layout.rows, 500)]?.cells.some((cell) => cell.index === 500)).toBe(true);
    expect(rowOf(layout.rows, 5000)).toBe(-1);
  });

  it("moves down and up under the same place", () => {
    const down = beside(layout.rows, 3, 1);
    expect(rowOf(layout.rows, down)).toBe(rowOf(layout.rows, 3) + 1);
    expect(rowOf(layout.rows, beside(layout.rows, down, -1))).toBe(rowOf(layout.rows, 3));
    expect(beside(layout.rows, 0, -1)).toBe(0);
  });

  it("guesses the height of what has not arrived within a tenth", () => {
    const part = layOut(aspects.slice(0, 120), measures);
    const guess = wholeHeight(part, aspects.length, measures);
    expect(Math.abs(guess / layout.height - 1)).toBeLessThan(0.1);
  });
});
