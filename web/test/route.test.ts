import { beforeEach, describe, expect, it } from "vitest";
import { NO_FILTERS } from "../src/filters";
import { aboutPicture, formatRoute, HOME, leaving, navigate, parseRoute, routes, similarTo, withoutQuery, withQuery, type Route } from "../src/route";

const parse = (address: string): Route => {
  const url = new URL(address, "http://here");
  return parseRoute(url.pathname, url.search);
};

describe("an address", () => {
  it("is the same after reading and writing", () => {
    const addresses = [
      "/",
      "/activity",
      "/?like=12&like=q_aB3-_&unlike=7",
      "/?like=12&text=a+%22b%22&kind=jpeg&camera=X%26Y&year=2021&folder=%2Fa+b&from=2020-01-01&to=2021-01-01",
      "/?where=width%3E%3D2000+and+camera%7Ecanon",
      "/?order=path",
      "/?order=taken&descending=false",
      "/?like=3&picture=4",
      "/look?of=12&these=3&these=q_x&show=attention&layer=11&facet=keys&patches=576&at=10.5,20",
      "/match?here=12&there=q_aB3&mirrored=true&at=4,5&box=10,20,30,40",
      "/distances?these=1&these=q_x&these=3",
      "/map?of=12",
      "/robustness?of=q_x&edits=brightness:-0.5,blur:0.2&seed=3",
      "/training?run=my.run-2",
      "/compare?model=starter%40c6%2Ffit256-bicubic%2Ffp32&model=mine%400e%2Ffit64-bicubic%2Ffp32&around=12",
    ];
    for (const address of addresses) expect(formatRoute(parse(address))).toBe(address);
  });

  it("says nothing that is the default", () => {
    expect(formatRoute(HOME)).toBe("/");
    expect(parse("/")).toEqual(HOME);
  });

  it("drops what no picture can be", () => {
    const route = parse("/?like=12x&like=javascript:1&like=5&unlike=../a&picture=-3&order=evil&run=../a");
    expect(route.like).toEqual(["5"]);
    expect(route.unlike).toEqual([]);
    expect(route.picture).toBeNull();
    expect(route.order).toBe("added");
    expect(route.run).toBe("");
  });

  it("turns only knobs that the view has, and of the form they have", () => {
    expect(parse("/look?of=1&layer=two&facet=evil&at=1;2&strength=3&mass=0.6").knobs).toEqual({ mass: "0.6" });
    expect(parse("/part?of=1&layer=2").knobs).toEqual({});
  });

  it("keeps what is about a picture to the view that is about it", () => {
    expect(parse("/part?of=1&there=2&these=3")).toMatchObject({ of: "1", there: "", these: [], knobs: {} });
    expect(parse("/?of=1&here=2").of).toBe("");
  });

  it("never wants and unwants one picture at once", () => {
    expect(parse("/?like=5&like=5&unlike=5")).toMatchObject({ like: ["5"], unlike: [] });
  });
});

describe("a search", () => {
  const filtered: Route = { ...HOME, filters: { ...NO_FILTERS, kind: "png" }, like: ["1", "2"], unlike: ["3"], picture: 9 };

  it("for one picture starts anew and keeps the filters", () => {
    expect({ ...filtered, ...similarTo(filtered, "7") }).toMatchObject({
      like: ["7"],
      unlike: [],
      picture: null,
      filters: { kind: "png" },
    });
  });

  it("moves a picture from one side to the other", () => {
    expect(withQuery(filtered, "unlike", "2")).toMatchObject({ like: ["1"], unlike: ["3", "2"] });
    expect(withQuery(filtered, "like", "3", "4")).toMatchObject({ like: ["1", "2", "3", "4"], unlike: [] });
  });

  it("leaves what a view was about behind", () => {
    const matched = parse("/match?here=12&there=13&show=dense&kind=png");
    expect(formatRoute({ ...matched, ...aboutPicture(matched, "look", "14") })).toBe("/look?kind=png&of=14");
    expect(formatRoute({ ...matched, ...similarTo(matched, "14") })).toBe("/?like=14&kind=png");
    expect(formatRoute({ ...matched, ...leaving() })).toBe("/?kind=png");
  });

  it("loses a picture from either side", () => {
    expect(withoutQuery(filtered, "1")).toMatchObject({ like: ["2"], unlike: ["3"] });
    expect(withoutQuery(filtered, "3")).toMatchObject({ unlike: [] });
  });
});

describe("going somewhere", () => {
  beforeEach(() => {
    history.replaceState(null, "", "/");
    routes.set(HOME);
  });

  it("changes the address and can be taken back", () => {
    const before = history.length;
    navigate({ like: ["4"] });
    expect(location.search).toBe("?like=4");
    expect(history.length).toBe(before + 1);
  });

  it("to where one is already adds nothing to the history", () => {
    navigate({ like: ["4"] });
    const before = history.length;
    navigate({ like: ["4"] });
    expect(history.length).toBe(before);
  });
});
