import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, ApiError, regionCall, type RegionRequest } from "../src/api";
import { boxMark, pointMark } from "../src/marks";
import { formatRoute, HOME, parseRoute, routes, selectPart, withoutPlace, withPlace, type Route } from "../src/route";
import { ask, askMore, clearPart, draft, forgetPart, found, looked, mark, over, questionOf, redo, steps, undo } from "../src/state/part";
import type { RegionAnswer, RegionHit } from "../src/wire";

const BOX = boxMark([10, 20, 30, 40]);
const PART: Route = { ...HOME, view: "part", of: "12", marks: [BOX] };
const question = (change: Partial<Route> = {}) => questionOf({ ...PART, ...change }, change.marks ?? PART.marks) as RegionRequest;

const hit = (id: number): RegionHit => ({
  picture: { id, width: 4, height: 3 } as RegionHit["picture"],
  score: 0.5,
  percentile: NaN,
  whole: null,
  places: [{ box: [1, 1, 2, 2], score: 0.5 }],
  near: null,
  doubtful: false,
  grid: [3, 4],
  heat: "",
  links: [],
  copies: [],
});

const page = (ids: number[], next: number | null = null): RegionAnswer => ({
  hits: ids.map(hit),
  verdict: null,
  judged: false,
  query: { rows: 1, columns: 1, weights: "/w==" },
  model: "starter",
  engine: "exact",
  searched: 9,
  missing: 0,
  note: null,
  seconds: 0.1,
  encode_seconds: 0,
  next_offset: next,
});

beforeEach(() => {
  vi.restoreAllMocks();
  vi.useFakeTimers();
  history.replaceState(null, "", "/");
  routes.set({ ...PART, marks: [] });
  over.set(false);
  forgetPart();
  ask(null, true);
});

describe("the address of a part", () => {
  const parse = (address: string) => {
    const url = new URL(address, "http://here");
    return parseRoute(url.pathname, url.search);
  };

  it("is the same after reading and writing, in the order it was marked", () => {
    const addresses = [
      "/part",
      "/part?of=12",
      "/part?of=q_aB3-_&at=5,6&box=1,2,30,40&not=7.5,8&lasso=1,1,9,1,5,9&brush=8,1,1,20,20&at=1,2",
      "/part?kind=webp&of=12&box=1,2,30,40&more=45:1,2,3,4&less=46:5,6,7,8&also=0.3",
      "/part?picture=3&of=12&box=1,2,30,40",
    ];
    for (const address of addresses) expect(formatRoute(parse(address))).toBe(address);
  });

  it("drops what cannot be", () => {
    const route = parse("/part?of=12&box=1,2&box=4,4,1,1&box=a,b,c,d&more=x:1,2,3,4&less=1:9,9,1,1&also=7");
    expect(route).toMatchObject({ of: "12", more: [], less: [], also: 0 });
    expect(route.marks).toEqual([boxMark([1, 1, 4, 4])]);
    expect(parse("/part?of=../x&box=1,2,3,4")).toMatchObject({ of: "", marks: [] });
  });

  it("starts anew on another picture, and keeps the filters", () => {
    const other = selectPart({ ...PART, filters: { ...HOME.filters, kind: "png" } }, "13");
    expect(other).toMatchObject({ view: "part", of: "13", marks: [], filters: { kind: "png" } });
  });

  it("has a place on one side only", () => {
    const place = { picture: "4", box: [1, 2, 3, 4] as const };
    const wanted = { ...PART, ...withPlace(PART, "more", place) };
    expect(wanted).toMatchObject({ more: [place], less: [] });
    expect(withPlace(wanted, "less", { ...place })).toMatchObject({ more: [], less: [place] });
    expect(withoutPlace(wanted, { ...place })).toEqual({ more: [], less: [] });
  });
});

describe("a question", () => {
  it("says only what was said", () => {
    expect(regionCall(question())).toEqual([
      "/search/region?k=60&collapse=true",
      { picture: "12", boxes: [[10, 20, 30, 40]], refine: false },
    ]);
    const [path, body] = regionCall({
      ...question({ marks: [pointMark("at", [1, 2]), pointMark("not", [3, 4])], also: 0.5, filters: { ...HOME.filters, kind: "png" } }),
      offset: 60,
    });
    expect(path).toBe("/search/region?where=kind%3Dpng&k=60&offset=60&collapse=true");
    expect(body).toEqual({ picture: "12", points: [[1, 2]], not_points: [[3, 4]], also: 0.5, refine: false });
  });

  it("is none without something wanted", () => {
    expect(questionOf(PART, [])).toBeNull();
    expect(questionOf(PART, [pointMark("not", [3, 4])])).toBeNull();
    expect(questionOf({ ...PART, of: "" }, [BOX])).toBeNull();
  });

  it("waits for the hand to rest, and only the last one is answered", async () => {
    const search = vi.spyOn(api, "searchRegion").mockImplementation(async () => page([1, 2]));
    for (let right = 31; right < 40; right += 1) ask(question({ marks: [boxMark([10, 20, right, 40])] }), false);
    expect(search).not.toHaveBeenCalled();
    await vi.runAllTimersAsync();
    expect(search).toHaveBeenCalledTimes(1);
    expect(found.get()).toMatchObject({ loading: false, error: null, of: "12" });
    expect(found.get().hits.map(({ picture }) => picture.id)).toEqual([1, 2]);
  });

  it("gives up the one before, and never shows its answer late", async () => {
    const signals: AbortSignal[] = [];
    vi.spyOn(api, "searchRegion").mockImplementation(async (_, signal) => {
      signals.push(signal as AbortSignal);
      const slow = signals.length === 1;
      await new Promise((resolve) => setTimeout(resolve, slow ? 500 : 10));
      return page(slow ? [1] : [2]);
    });
    ask(question(), false);
    await vi.advanceTimersByTimeAsync(200);
    ask(question({ also: 0.5 }), false);
    expect(signals[0]?.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(2000);
    expect(found.get().hits.map(({ picture }) => picture.id)).toEqual([2]);
  });

  it("asked twice is asked once", async () => {
    const search = vi.spyOn(api, "searchRegion").mockResolvedValue(page([1]));
    ask(question(), false);
    await vi.runAllTimersAsync();
    ask(question(), false);
    await vi.runAllTimersAsync();
    expect(search).toHaveBeenCalledTimes(1);
  });

  it("keeps what was found until better is known, on the same picture", async () => {
    vi.spyOn(api, "searchRegion").mockResolvedValue(page([1]));
    ask(question(), false);
    await vi.runAllTimersAsync();
    ask(question({ also: 0.5 }), false);
    expect(found.get()).toMatchObject({ loading: true });
    expect(found.get().hits.length).toBe(1);
    ask(question({ of: "13" }), false);
    expect(found.get().hits).toEqual([]);
  });

  it("is answered at once, and looked at closer when the hand rests", async () => {
    const search = vi.spyOn(api, "searchRegion").mockResolvedValueOnce(page([1, 2, 3])).mockResolvedValueOnce(page([2, 1]));
    ask(question(), false);
    await vi.runAllTimersAsync();
    expect(search.mock.calls.map(([request]) => request.refine)).toEqual([false]);
    ask(question(), true); // let go where it rested: the same question
    ask(question(), true);
    await vi.runAllTimersAsync();
    expect(search.mock.calls.map(([request]) => request.refine)).toEqual([false, null]);
    expect(found.get()).toMatchObject({ closer: false });
    expect(found.get().hits.map(({ picture }) => picture.id)).toEqual([2, 1, 3]);
  });

  const order = () => found.get().hits.map(({ picture }) => picture.id);
  const seenCloser = (ids: number[]): RegionAnswer => {
    const answer = page(ids);
    return { ...answer, verdict: "Seen.", hits: answer.hits.map((one) => ({ ...one, near: 0.9 })) };
  };

  it("keeps the order of hits a pointer is over till it leaves them", async () => {
    vi.spyOn(api, "searchRegion").mockResolvedValueOnce(page([1, 2, 3])).mockResolvedValueOnce(seenCloser([4, 2, 1]));
    over.set(true);
    ask(question(), true);
    await vi.runAllTimersAsync();
    expect(order()).toEqual([1, 2, 3, 4]);
    expect(found.get().hits.map(({ near }) => near)).toEqual([0.9, 0.9, null, 0.9]);
    expect(found.get()).toMatchObject({ closer: false, answer: { verdict: null } });
    over.set(false);
    await vi.runAllTimersAsync();
    expect(order()).toEqual([4, 2, 1, 3]);
    expect(found.get()).toMatchObject({ closer: false, answer: { verdict: "Seen." } });
  });

  it("keeps their order while the focus goes from one to the next", async () => {
    vi.spyOn(api, "searchRegion").mockResolvedValueOnce(page([1, 2])).mockResolvedValueOnce(seenCloser([2, 1]));
    looked.set(1);
    ask(question(), true);
    await vi.runAllTimersAsync();
    looked.set(null);
    looked.set(2);
    await vi.runAllTimersAsync();
    expect(order()).toEqual([1, 2]);
    looked.set(null);
    await vi.runAllTimersAsync();
    expect(order()).toEqual([2, 1]);
  });

  it("drops the order that was due when something else is asked", async () => {
    vi.spyOn(api, "searchRegion")
      .mockResolvedValueOnce(page([1, 2]))
      .mockResolvedValueOnce(seenCloser([2, 1]))
      .mockResolvedValue(page([5, 6]));
    over.set(true);
    ask(question(), true);
    await vi.runAllTimersAsync();
    ask(question({ also: 0.5 }), false);
    await vi.runAllTimersAsync();
    over.set(false);
    await vi.runAllTimersAsync();
    expect(order()).toEqual([5, 6]);
  });

  it("looks as closely at the pages after the first as at that", async () => {
    const search = vi.spyOn(api, "searchRegion").mockResolvedValueOnce(page([1], 1)).mockResolvedValueOnce({ ...seenCloser([1]), next_offset: 1 });
    search.mockResolvedValue(page([2]));
    ask(question(), true);
    await vi.runAllTimersAsync();
    askMore(question());
    await vi.runAllTimersAsync();
    expect(search.mock.calls.map(([{ refine, offset }]) => [refine, offset])).toEqual([[false, 0], [null, 0], [null, 1]]);
    expect(order()).toEqual([1, 2]);
  });

  it("let go before it was even sent is sent all the same", async () => {
    const search = vi.spyOn(api, "searchRegion").mockResolvedValue(page([1]));
    ask(question(), false);
    await vi.advanceTimersByTimeAsync(20);
    ask(question(), true);
    await vi.runAllTimersAsync();
    expect(search.mock.calls.map(([request]) => request.refine)).toEqual([false, null]);
  });

  it("whose closer look fails keeps what it found", async () => {
    vi.spyOn(api, "searchRegion").mockResolvedValueOnce(page([1])).mockRejectedValueOnce(new ApiError(500, "Oh."));
    ask(question(), true);
    await vi.runAllTimersAsync();
    expect(found.get()).toMatchObject({ closer: false, error: null });
    expect(found.get().hits.length).toBe(1);
  });

  it("that fails tells the sentence, and may be asked again", async () => {
    const search = vi.spyOn(api, "searchRegion").mockRejectedValueOnce(new ApiError(409, "Index again."));
    ask(question(), false);
    await vi.runAllTimersAsync();
    expect(found.get()).toMatchObject({ error: "Index again.", loading: false, unready: true });
    search.mockResolvedValue(page([1]));
    ask(question(), false);
    await vi.runAllTimersAsync();
    expect(found.get()).toMatchObject({ error: null });
  });

  it("goes on where its first page ended, no picture twice", async () => {
    const search = vi.spyOn(api, "searchRegion").mockResolvedValueOnce(page([1, 2], 60)).mockResolvedValueOnce(page([2, 3]));
    ask(question(), false);
    await vi.runAllTimersAsync();
    askMore(question());
    askMore(question());
    await vi.runAllTimersAsync();
    expect(search.mock.calls.map(([request]) => request.offset)).toEqual([0, 60]);
    expect(found.get().hits.map(({ picture }) => picture.id)).toEqual([1, 2, 3]);
    expect(found.get().next).toBeNull();
  });
});

describe("marking", () => {
  it("can be taken back and done again", () => {
    mark([BOX]);
    mark([BOX, pointMark("at", [5, 5])]);
    expect(steps.get()).toEqual({ undo: true, redo: false });
    undo();
    expect(routes.get().marks).toEqual([BOX]);
    undo();
    undo();
    expect(routes.get().marks).toEqual([]);
    expect(steps.get()).toEqual({ undo: false, redo: true });
    redo();
    expect(routes.get().marks).toEqual([BOX]);
    mark([]);
    expect(steps.get().redo).toBe(false);
  });

  it("ends what was being drawn, and clearing can be taken back", () => {
    draft.set([BOX]);
    mark([BOX]);
    expect(draft.get()).toBeNull();
    clearPart();
    expect(routes.get().marks).toEqual([]);
    undo();
    expect(routes.get().marks).toEqual([BOX]);
  });
});
