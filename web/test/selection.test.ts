import { beforeEach, expect, it } from "vitest";
import { clearSelection, selection, selectThrough, toggleSelected } from "../src/state/selection";

const shown = [10, 11, 12, 13, 14, 15];

beforeEach(clearSelection);

it("selects and unselects", () => {
  toggleSelected(10);
  toggleSelected(12);
  toggleSelected(10);
  expect(selection.get()).toEqual([12]);
});

it("selects through from the last picture touched, in either direction", () => {
  toggleSelected(13);
  selectThrough(11, shown);
  expect(new Set(selection.get())).toEqual(new Set([11, 12, 13]));
  selectThrough(15, shown);
  expect(new Set(selection.get())).toEqual(new Set([11, 12, 13, 14, 15]));
});

it("selects one picture when there is nothing to select through from", () => {
  selectThrough(14, shown);
  expect(selection.get()).toEqual([14]);
});
