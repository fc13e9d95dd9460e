import { describe, expect, it } from "vitest";
import { expressionOf, isFiltered, NO_FILTERS, quoted } from "../src/filters";

describe("the filter expression", () => {
  it("joins what is set and leaves out the rest", () => {
    const filters = { ...NO_FILTERS, kind: "jpeg", from: "2021-01-01", text: " beach ", where: "width>=2000" };
    expect(expressionOf(filters)).toBe('path~"beach" and kind=jpeg and taken>=2021-01-01 and width>=2000');
  });

  it("is empty when nothing is set", () => {
    expect(expressionOf({ ...NO_FILTERS, text: "   " })).toBe("");
    expect(isFiltered(NO_FILTERS)).toBe(false);
  });

  it("quotes a value so that it stays one value", () => {
    expect(quoted("sea and sand")).toBe('"sea and sand"');
    expect(quoted('5" lens')).toBe("'5\" lens'");
    expect(quoted(`both " and '`)).toBe(`'both " and '`);
  });
});
