import { afterEach, describe, expect, it, vi } from "vitest";
import { followRun } from "../src/api";
import { joined } from "../src/state/training";
import { MAIN, MORE, valueAt } from "../src/views/training/panels";
import { extent, lastUpTo, nearest, path, scale, short, smooth, ticks, type Point } from "../src/views/training/scale";
import { fieldsOf, freeName, left, nextLine, shotsOf, standing, trainLine } from "../src/views/training/words";
import type { Measure, Run } from "../src/wire";

const measure = (step: number, more: Partial<Measure> = {}): Measure => ({
  step, seconds: step, loss: 5, dino: 5, patch: null, koleo: null, keep: null, entropy: 0.5, kl: 1, gradient: 1, rate: 0.001,
  weight_decay: 0.04, momentum: 0.99, temperature: 0.04, pictures_per_second: 50, waited: 0, skipped: 0, probe: {}, alarm: null, ...more,
});

const run = (more: Partial<Run> = {}): Run => ({
  name: "mine", state: "running", step: 100, steps: 1000, started_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z",
  preset: "laptop", sources: ["/home/you/My Pictures"], pictures: 500, samples: [], reason: "", model: "",
  overrides: {}, recipe: {}, last: null, ...more,
});

describe("an axis", () => {
  it("stands at round numbers within the values", () => {
    expect(ticks(0, 3000, 4)).toEqual([0, 1000, 2000, 3000]);
    expect(ticks(0.21, 0.43, 4)).toEqual([0.25, 0.3, 0.35, 0.4]);
    expect(ticks(4.03, 6.9, 3)).toEqual([5, 6]);
    expect(ticks(2, 2)).toEqual([2]);
  });

  it("never shows more than a few and never none", () => {
    for (let i = 0; i < 500; i += 1) {
      const low = Math.random() * 10 ** (Math.random() * 8 - 4);
      const found = ticks(low, low + Math.random() * 10 ** (Math.random() * 8 - 4) + 1e-6, 4);
      expect(found.length).toBeGreaterThan(0);
      expect(found.length).toBeLessThan(10);
    }
  });

  it("holds all values, with air, within what is possible", () => {
    const [low, high] = extent([4, 6]);
    expect([low < 4, high > 6]).toEqual([true, true]);
    expect(extent([0, 1], [0, 1])).toEqual([0, 1]);
    expect(extent([0, 5])[0]).toBe(0);
    expect(extent([])).toEqual([0, 1]);
    const [flat, top] = extent([3, 3]);
    expect(top).toBeGreaterThan(flat);
  });

  it("turns values into pixels, upside down when wanted", () => {
    const y = scale(0, 10, 100, 0);
    expect([y(0), y(10), y(5)]).toEqual([100, 0, 50]);
    expect(scale(3, 3, 0, 100)(3)).toBe(0);
  });
});

describe("a line", () => {
  const [x, y] = [scale(0, 2, 0, 20), scale(0, 2, 20, 0)];

  it("has a gap where nothing was measured", () => {
    expect(path([[0, 0], [1, Number.NaN], [2, 2]], x, y)).toBe("M0.0 20.0M20.0 0.0");
    expect(path([[0, 0], [2, 2]], x, y)).toBe("M0.0 20.0L20.0 0.0");
  });

  it("is smoothed without being moved", () => {
    const flat = Array.from({ length: 50 }, (_, i): Point => [i, 7]);
    expect(smooth(flat, 5).every(([, value]) => Math.abs(value - 7) < 1e-9)).toBe(true);
    const noisy = Array.from({ length: 200 }, (_, i): Point => [i, i % 2]);
    for (const [, value] of smooth(noisy, 10).slice(10, -10)) expect(Math.abs(value - 0.5)).toBeLessThan(0.05);
    expect(smooth([[0, 1], [1, Number.NaN], [2, 3]], 1).map(([, value]) => value)).toEqual([1, 2, 3]);
  });
});

describe("a moment", () => {
  it("is the last that is not beyond the step", () => {
    expect([5, 10, 14, 20, 99].map((step) => lastUpTo([10, 20, 30], step))).toEqual([0, 0, 0, 1, 2]);
    expect(lastUpTo([], 5)).toBe(-1);
  });

  it("is the nearest to a press", () => {
    expect([0, 14, 16, 99].map((step) => nearest([10, 20, 30], step))).toEqual([0, 0, 1, 2]);
    expect(nearest([], 5)).toBe(-1);
  });

  it("keeps the latest score where there was none", () => {
    const curve = { label: "k-NN", of: (one: Measure) => one.probe["knn"] };
    const measures = [measure(1), measure(2, { probe: { knn: 0.3 } }), measure(3)];
    expect([0, 1, 2].map((at) => valueAt(measures, at, curve))).toEqual([null, 0.3, 0.3]);
  });
});

it("numbers have as many digits as help", () => {
  expect([5.2312, 0.04123, 1240, 0.0005, 12.34, 0, -3.5, Number.NaN].map(short)).toEqual(["5.23", "0.041", "1,240", "5e−4", "12.3", "0", "−3.5", "–"]);
});

describe("a training in words", () => {
  const steady = Array.from({ length: 100 }, (_, i) => measure(i + 1, { seconds: 2 * (i + 1) }));

  it("says what is left at the present pace", () => {
    expect(left(steady, 1000)).toBeCloseTo(1800, 5);
    expect(left([measure(1)], 1000)).toBeNull();
    expect(standing(run(), steady).at(-1)).toBe("about 30 min left");
  });

  it("says nothing of speed once it has ended", () => {
    expect(standing(run({ state: "finished" }), steady)).toEqual(["100 of 1,000 steps", "3 min of training"]);
  });

  it("gives the command that does the same, and the one that goes on", () => {
    expect(trainLine(run({ overrides: { steps: "500", "teacher.momentum": "0.9,1" } }))).toBe(
      "dinoscope train '/home/you/My Pictures' --preset laptop --name mine --steps 500 --set teacher.momentum=0.9,1",
    );
    expect(trainLine(run())).toContain("--name mine --steps 1000");
    expect(nextLine(run({ state: "stopped" })).line).toBe("dinoscope train --resume mine");
    expect(nextLine(run({ state: "finished", model: "mine" })).line).toBe("dinoscope index '/home/you/My Pictures' --model mine");
  });

  it("names the recipe's fields as --set takes them", () => {
    expect(fieldsOf({ steps: 5, teacher: { momentum: [0.99, 1] }, start: "" })).toEqual([
      { name: "steps", value: "5" },
      { name: "teacher.momentum", value: "0.99, 1" },
      { name: "start", value: "" },
    ]);
  });

  it("finds a name that is free", () => {
    expect(freeName([])).toBe("mine");
    expect(freeName(["mine", "mine-2", "other"])).toBe("mine-3");
  });

  it("sorts the samples by step, as a number", () => {
    const shots = shotsOf(["1000-0-pca.png", "0-0-pca.png", "200-1-attention.png", "200-1-pca.png", "../evil.png", "x-0-pca.png"]);
    expect([...shots.keys()]).toEqual([0, 200, 1000]);
    expect(shots.get(200)?.get(1)).toEqual({ picture: "1-picture.png", attention: "200-1-attention.png", pca: "200-1-pca.png" });
  });
});

it("every chart has a name of its own and something to show", () => {
  const full = measure(1, { patch: 1, koleo: 1, keep: 1, probe: { knn: 0.5, pixels: 0.4, consistency: 0.5, rank: 9, std: 0.4 } });
  const titles = [...MAIN, ...MORE].map((panel) => panel.title);
  expect(new Set(titles).size).toBe(titles.length);
  for (const panel of [...MAIN, ...MORE]) for (const curve of panel.curves) expect(typeof curve.of(full), panel.title).toBe("number");
});

describe("measures that arrive", () => {
  it("come once and in order", () => {
    const known = [measure(1), measure(2)];
    expect(joined(known, [measure(2), measure(3)]).map((one) => one.step)).toEqual([1, 2, 3]);
  });

  it("are thinned when there are very many, the newest and the probed kept", () => {
    const many = Array.from({ length: 2500 }, (_, i) => measure(i, i === 1001 ? { probe: { knn: 0.5 } } : {}));
    const thin = joined(many, [measure(2501)]);
    expect(thin.length).toBeLessThan(1300);
    expect(thin.at(-1)?.step).toBe(2501);
    expect(thin.some((one) => one.step === 1001)).toBe(true);
  });
});

class Stream extends EventTarget {
  static last: Stream;
  closed = false;
  constructor(readonly url: string) {
    super();
    Stream.last = this;
  }
  close() {
    this.closed = true;
  }
  say(name: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
}

describe("following a training", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("tells what happens, and leaves at the end or when the line breaks", () => {
    vi.stubGlobal("EventSource", Stream);
    const heard = { measures: vi.fn(), rewound: vi.fn(), run: vi.fn(), lost: vi.fn() };
    followRun("mine", 40, heard);
    expect(Stream.last.url).toBe("/api/v1/runs/mine/events?since=40");
    Stream.last.say("measures", { measures: [measure(50)] });
    Stream.last.say("rewound", { step: 20 });
    Stream.last.say("end", run({ state: "finished" }));
    expect(heard.measures.mock.calls[0]?.[0][0].step).toBe(50);
    expect(heard.rewound).toHaveBeenCalledWith(20);
    expect(heard.run.mock.calls[0]?.[0].state).toBe("finished");
    expect(Stream.last.closed).toBe(true);
    followRun("mine", -1, heard);
    Stream.last.dispatchEvent(new Event("error"));
    expect([Stream.last.closed, heard.lost.mock.calls.length]).toEqual([true, 1]);
  });
});
