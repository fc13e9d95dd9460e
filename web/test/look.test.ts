import { describe, expect, it } from "vitest";
import { parseRoute, HOME } from "../src/route";
import { lookCommand, lookCurl, lookPython } from "../src/snippets-look";
import { attended, attentionOf, covering, parseColours, parseLook, shares, stretched } from "../src/views/look/grids";

/** A look of 1 row of 2 patches by 2 heads, as the server packs it. */
function packed(): ArrayBuffer {
  const buffer = new ArrayBuffer(32 + 8 + 4 + 4);
  const view = new DataView(buffer);
  [..."DLK1"].forEach((letter, i) => view.setUint8(i, letter.charCodeAt(0)));
  [1, 2, 2, 10, 11, 0].forEach((value, i) => view.setUint16(4 + 2 * i, value, true));
  view.setUint32(16, 300, true);
  view.setUint32(20, 150, true);
  view.setFloat32(24, 0.25, true);
  view.setFloat32(32, 0.5, true);
  view.setFloat32(36, 0.25, true);
  new Uint8Array(buffer, 40).set([255, 51, 0, 255, 255, 100, 100, 255]);
  return buffer;
}

describe("a look", () => {
  it("is read as the server packs it", () => {
    const looked = parseLook(packed());
    expect(looked).toMatchObject({ rows: 1, columns: 2, layer: 10, layers: 11, width: 300, height: 150, seconds: 0.25 });
    expect([...looked.largest]).toEqual([0.5, 0.25]);
    expect([...looked.cosines]).toEqual([255, 100, 100, 255]);
  });

  it("that is none, or is cut short, is refused with a sentence", () => {
    expect(() => parseLook(packed().slice(0, 47))).toThrow("load the page anew");
    expect(() => parseLook(new ArrayBuffer(3))).toThrow("load the page anew");
    expect(() => parseColours(packed())).toThrow("load the page anew");
  });

  it("has each head's attention in its own numbers, and the mean of all", () => {
    const looked = parseLook(packed());
    expect([...attentionOf(looked, 0)].map((one) => +one.toFixed(3))).toEqual([0.5, 0.1]);
    expect([...attentionOf(looked, 1)].map((one) => +one.toFixed(3))).toEqual([0, 0.25]);
    expect([...attentionOf(looked, null)].map((one) => +one.toFixed(3))).toEqual([0.25, 0.175]);
  });
});

describe("attention", () => {
  it("that lies on the fewest patches is cut at a share of it all", () => {
    const values = new Float32Array([1, 4, 1, 2]);
    expect([...attended(values, 0.5)]).toEqual([0, 1, 0, 0]);
    expect([...attended(values, 0.6)]).toEqual([0, 1, 0, 1]);
    expect([...attended(values, 1)]).toEqual([1, 1, 1, 1]);
  });

  it("of nothing at all stays nothing", () => {
    expect([...shares(new Float32Array(2))]).toEqual([0, 0]);
  });
});

describe("likeness", () => {
  it("goes from the least to the same", () => {
    const row = new Float32Array([55, 255, 155]);
    expect(stretched(row)).toBe(55);
    expect([...row]).toEqual([0, 1, 0.5]);
  });

  it("to an even picture is nowhere less", () => {
    const row = new Float32Array([255, 250]);
    stretched(row);
    expect(Math.min(...row)).toBeGreaterThan(0.8);
  });
});

describe("colours", () => {
  it("cover everything, and cut out are dark on the ground", () => {
    const buffer = new ArrayBuffer(8 + 8);
    new Uint8Array(buffer).set([..."DLC1"].map((letter) => letter.charCodeAt(0)));
    new DataView(buffer).setUint16(4, 1, true);
    new DataView(buffer).setUint16(6, 2, true);
    new Uint8Array(buffer, 8).set([200, 100, 50, 255, 200, 100, 50, 0]);
    const colours = parseColours(buffer);
    expect([...covering(colours, false)]).toEqual([200, 100, 50, 255, 200, 100, 50, 255]);
    expect([...covering(colours, true)]).toEqual([200, 100, 50, 255, 0, 0, 0, 255]);
  });
});

describe("the same look elsewhere", () => {
  const asked = (search: string) => ({
    route: { ...HOME, ...parseRoute("/look", search) },
    paths: new Map([["12", "/a b/cat.jpg"]]),
    origin: "http://here",
  });

  it("is a command line that the program takes", () => {
    expect(lookCommand(asked("?of=12&cut=true&layer=9&patches=576"))).toBe(
      "dinoscope look '/a b/cat.jpg' --pca --cut --layer 9 --patches 576 --out look.png",
    );
    expect(lookCommand(asked("?of=12&show=attention&mass=0.6"))).toContain("--attention --mass 0.6");
    expect(lookCommand(asked("?of=12&show=likeness&at=10,20&facet=keys"))).toContain("--heat 10,20 --facet keys");
  });

  it("is Python and an address", () => {
    expect(lookPython(asked("?of=12&show=likeness&at=10,20"))).toContain("look.likeness((10, 20))");
    expect(lookCurl(asked("?of=12&show=likeness&at=10,20&layer=3"))).toBe(
      "curl -OJ 'http://here/api/v1/look/export?picture=12&layer=3&show=likeness&x=10&y=20'",
    );
  });
});
