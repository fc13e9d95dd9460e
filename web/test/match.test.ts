import { describe, expect, it } from "vitest";
import { leadsTo } from "../src/acts";
import { boxMark } from "../src/marks";
import { formatRoute, HOME, parseRoute, type Route } from "../src/route";
import { matchCommand, matchCurl, matchPython } from "../src/snippets-match";
import type { Asked } from "../src/snippets";
import { curve, pointOn } from "../src/views/match/frames";
import { swapped } from "../src/views/match/header";
import { tieNear, tiesOf } from "../src/views/match/threads";
import { carriedBy, outlineOf, wayShares } from "../src/views/match/words";

const pair: Route = { ...HOME, view: "match", of: "12", there: "20" };
const sized = (width: number, height: number) => ({ query: "1", name: "a", width, height });

describe("an address of a match", () => {
  it("keeps what is shown, the place that is pinned and what is marked", () => {
    const route = { ...pair, knobs: { show: "part", here_at: "10,20", links: "7" }, marks: [boxMark([1, 2, 3, 4])] };
    const [path = "", search = ""] = formatRoute(route).split("?");
    expect(parseRoute(path, search)).toEqual(route);
  });

  it("knows no other way to show it", () => {
    expect(parseRoute("/match", "here=12&there=20&show=nonsense&links=many").knobs).toEqual({});
  });

  it("swapped has its pin on the same picture, and no marks", () => {
    const route = { ...pair, knobs: { here_at: "10,20", mirrored: "true" }, marks: [boxMark([1, 2, 3, 4])] };
    expect(swapped(route)).toEqual({ of: "20", there: "12", marks: [], knobs: { mirrored: "true", there_at: "10,20" } });
    expect({ ...route, ...swapped({ ...route, ...swapped(route) }) }).toEqual({ ...route, marks: [] });
  });
});

describe("the match of a hit", () => {
  const match = { view: "match", icon: "match", label: "Match", key: "m", onTile: true } as const;
  const leads = (route: Partial<Route>, query = "20") => formatRoute({ ...HOME, ...route, ...leadsTo(match, query, { ...HOME, ...route }) });

  it("is with what it was found by", () => {
    expect(leads({ like: ["12"] })).toBe("/match?here=12&there=20");
    expect(leads({ view: "match", of: "12" })).toBe("/match?here=12&there=20");
  });

  it("of a search for a part shows that part", () => {
    expect(leads({ view: "part", of: "q_x", marks: [boxMark([1, 2, 3, 4])] })).toBe("/match?here=q_x&there=20&show=part&box=1,2,3,4");
  });

  it("is yet to be chosen where there is no one picture it was found by", () => {
    expect(leads({})).toBe("/match?here=20");
    expect(leads({ like: ["12", "13"] })).toBe("/match?here=20");
    expect(leads({ like: ["20"] })).toBe("/match?here=20");
  });
});

describe("links", () => {
  const links = [0.9, 0.5, 0.7].map((confidence, i) => ({ here: [10 * i, 5], there: [0, i], similarity: 0.5, confidence })) as Parameters<typeof tiesOf>[0][number][];

  it("are drawn the plainer the surer, in colours that differ", () => {
    const ties = tiesOf(links, { here: sized(100, 50), there: sized(10, 10) });
    expect(ties.map(({ here }) => here)).toEqual([[0, 0.1], [0.1, 0.1], [0.2, 0.1]]);
    expect((ties[0]?.weight ?? 0) > (ties[2]?.weight ?? 0) && (ties[2]?.weight ?? 0) > (ties[1]?.weight ?? 0)).toBe(true);
    expect(new Set(ties.map(({ colour }) => colour)).size).toBe(3);
  });

  it("are meant by a pointer near their end, in either picture", () => {
    const frames = { here: { left: 0, top: 0, width: 100, height: 100 }, there: { left: 200, top: 0, width: 100, height: 100 } };
    const ties = [{ here: [0.1, 0.1], there: [0.9, 0.9], colour: "", weight: 1 }] as const;
    expect(tieNear(ties, frames, "here", [14, 12], 12)).toBe(0);
    expect(tieNear(ties, frames, "there", [290, 90], 12)).toBe(0);
    expect(tieNear(ties, frames, "there", [210, 10], 12)).toBe(-1);
  });
});

describe("what is drawn across the page", () => {
  it("starts and ends where the places lie", () => {
    const from = pointOn({ left: 10, top: 20, width: 100, height: 50 }, [0.5, 1]);
    expect(from).toEqual([60, 70]);
    expect(curve(from, [300, 90])).toMatch(/^M60\.0,70\.0C.*300\.0,90\.0$/);
  });
});

describe("the verdict", () => {
  const shifted = [[1, 0, 10], [0, 1, 20], [0, 0, 1]];

  it("carries the whole picture over a plane, unless it reaches beyond the horizon", () => {
    expect(carriedBy([[2, 0, 0], [0, 2, 0], [0, 0, 4]], 10, 20)).toEqual([5, 10]);
    const plane = { relation: "plane", sentence: "", matrix: shifted, agreeing: 9, matched: 9, points: [] } as const;
    expect(outlineOf({ ...plane, points: [] }, { width: 100, height: 50 })).toBe("M10.0 20.0L110.0 20.0L110.0 70.0L10.0 70.0Z");
    expect(outlineOf({ ...plane, points: [], matrix: [[1, 0, 0], [0, 1, 0], [-0.02, 0, 1]] }, { width: 100, height: 50 })).toBeNull();
    expect(outlineOf({ ...plane, points: [], relation: "cameras" }, { width: 100, height: 50 })).toBeNull();
  });

  it("of which way round is shared out, also where nobody voted", () => {
    const way = { mirrored: false, chosen: false, ambiguous: false, sentence: "" };
    expect(wayShares({ ...way, straight_score: 0.3, mirrored_score: 0.1 }).map((one) => +one.toFixed(3))).toEqual([0.75, 0.25]);
    expect(wayShares({ ...way, straight_score: 0, mirrored_score: 0 })).toEqual([0.5, 0.5]);
  });
});

describe("the same match elsewhere", () => {
  const asked = (change: Partial<Route>): Asked => ({
    route: { ...pair, ...change },
    paths: new Map([["12", "/my pictures/a.jpg"]]),
    origin: "http://127.0.0.1:7766",
  });

  it("in a shell", () => {
    expect(matchCommand(asked({ there: "q_x", knobs: { mirrored: "false", show: "dense", patches: "256" } }))).toBe(
      "dinoscope match '/my pictures/a.jpg' picture.jpg --dense --no-flip --patches 256 --out match.png",
    );
    expect(matchCommand(asked({ knobs: { show: "part" }, marks: [boxMark([1, 2, 3, 4])] }))).toContain("--box 1,2,3,4 --out match.png");
  });

  it("in Python", () => {
    expect(matchPython(asked({ knobs: { there_at: "5,6" } }))).toContain('session.match("/my pictures/a.jpg", "20")\n    print(matches.turned.find((5, 6), k=5))');
    expect(matchPython(asked({ knobs: { mirrored: "true" } }))).toContain("mirrored=True");
    const part = matchPython(asked({ knobs: { show: "part" }, marks: [boxMark([1, 2, 3, 4])] }));
    expect(part).toContain("part = dinoscope.Selection(boxes=(dinoscope.Box(1, 2, 3, 4),))\nwith");
    expect(part).toContain("dinoscope.transfer(matches, part).box");
  });

  it("over HTTP", () => {
    expect(matchCurl(asked({ knobs: { patches: "256", links: "7" } }))).toBe("curl 'http://127.0.0.1:7766/api/v1/match?here=12&there=20&patches=256&links=7'");
    expect(matchCurl(asked({ knobs: { show: "part" }, marks: [boxMark([1, 2, 3, 4])] }))).toContain(`--json '{"boxes":[[1,2,3,4]]}'`);
  });
});
