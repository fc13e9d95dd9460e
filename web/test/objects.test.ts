// Things with a name: outlines from masks, names, addresses, photos to be taught from, seconds of videos.
import { beforeEach, describe, expect, it } from "vitest";
import { refusalOf } from "../src/camera";
import { pathOfMask, ringsOf, type Bits } from "../src/contours";
import { Follower, templateOf, type Grey } from "../src/follow";
import { boxMark } from "../src/marks";
import { sameName, sure } from "../src/objects";
import { formatRoute, HOME, navigate, parseRoute, routes } from "../src/route";
import { objectsCommand, objectsCurl, objectsPython } from "../src/snippets-objects";
import { bodyOf, photos, photosNow, showPhoto, teachFrom, withoutPhoto, withPhotos } from "../src/state/things";
import { tracksOf } from "../src/views/objects/film";
import { glimpsesAt, time, type Glimpse } from "../src/views/objects/moments";

const bits = (...rows: string[]): Bits => ({
  width: rows[0]?.length ?? 0,
  height: rows.length,
  inside: Uint8Array.from(rows.join(""), (one) => (one === "#" ? 1 : 0)),
});

/** Twice the area a ring encloses, positive the way the clock goes. */
const area = (ring: readonly (readonly [number, number])[]) =>
  ring.reduce((sum, [x, y], i) => {
    const [nx, ny] = ring[(i + 1) % ring.length] as readonly [number, number];
    return sum + x * ny - nx * y;
  }, 0) / 2;

describe("outlines", () => {
  it("go round what is inside, once, and round its holes the other way", () => {
    const rings = ringsOf(bits("......", ".####.", ".#..#.", ".####.", "......"));
    expect(rings.map(area).sort((a, b) => a - b)).toEqual([-2, 12]);
  });

  it("keep two things that touch at a corner apart, or whole, and lose no area", () => {
    const rings = ringsOf(bits("#.", ".#"));
    expect(rings.map(area).reduce((sum, one) => sum + one)).toBe(2);
  });

  it("reach to the mask's edges", () => {
    expect(ringsOf(bits("##", "##")).map(area)).toEqual([4]);
  });

  it("are told in the picture's own pixels", () => {
    const numbers = (pathOfMask(bits("....", ".##.", ".##.", "...."), [100, 200, 180, 240]).match(/[\d.]+/g) ?? []).map(Number);
    const [xs, ys] = [numbers.filter((_, i) => i % 2 === 0), numbers.filter((_, i) => i % 2 === 1)];
    expect([Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]).toEqual([120, 160, 210, 230]);
    expect(pathOfMask(bits("..", ".."), [0, 0, 10, 10])).toBe("");
  });
});

describe("names and certainty", () => {
  it("are the same whatever their case and spaces", () => {
    expect(sameName(" Car  Keys", "car keys ")).toBe(true);
    expect(sameName("car keys", "car key")).toBe(false);
  });

  it("never say all sure", () => {
    expect([0.5, 0.974, 0.9949, 0.9996, 1].map(sure)).toEqual(["50 %", "97 %", "99 %", "99.9 %", "99.9 %"]);
  });
});

describe("addresses", () => {
  it("hold the thing, the picture it is looked for in, and what is marked to teach one", () => {
    for (const address of [
      "/objects?thing=my+car+keys",
      "/objects?of=12&thing=keys",
      "/objects?thing=keys&show=camera",
      "/objects?thing=keys&video=3&t=17.5",
      "/remember?of=q_abcdefgh&thing=keys&box=10,20,110,220",
    ]) {
      const [path, search] = address.split("?") as [string, string];
      expect(formatRoute(parseRoute(path, search))).toBe(address);
    }
    expect(parseRoute("/objects", "thing=%20&show=nonsense").knobs).toEqual({});
  });
});

describe("photos to be taught from", () => {
  beforeEach(() => {
    photos.set([]);
    routes.set(HOME);
  });
  const box = boxMark([1, 2, 30, 40]);

  it("keep their marks while another one is shown", () => {
    navigate(withPhotos(HOME, ["1", "2"]));
    expect([routes.get().view, routes.get().of]).toEqual(["remember", "1"]);
    navigate({ marks: [box] });
    showPhoto("2");
    expect(routes.get().marks).toEqual([]);
    showPhoto("1");
    expect(routes.get().marks).toEqual([box]);
    expect(photosNow(photos.get(), routes.get()).map(bodyOf)).toEqual([{ picture: "1", boxes: [[1, 2, 30, 40]] }, { picture: "2" }]);
  });

  it("are five at most, each once, and can be left out", () => {
    navigate(withPhotos(HOME, ["1", "2", "3"]));
    navigate(withPhotos(routes.get(), ["3", "4", "5", "6"]));
    expect(photosNow(photos.get(), routes.get()).map(({ query }) => query)).toEqual(["1", "2", "3", "4", "5"]);
    withoutPhoto(routes.get().of);
    expect(photosNow(photos.get(), routes.get()).map(({ query }) => query)).toEqual(["1", "2", "4", "5"]);
  });

  it("begin anew with another thing", () => {
    navigate(withPhotos(HOME, ["1", "2"]));
    navigate(teachFrom(routes.get(), "9", [box], "keys"));
    expect(photosNow(photos.get(), routes.get())).toEqual([{ query: "9", marks: [box] }]);
    expect(routes.get().knobs).toEqual({ thing: "keys" });
  });
});

describe("a video", () => {
  const glimpse = (second: number, track: number, left: number, probability = 0.9): Glimpse => ({
    second, track, probability, box: [left, 0, left + 10, 10], window: [left - 5, -5, left + 15, 15], mask: "",
  });

  it("tells its seconds as people do", () => {
    expect([0, 17.4, 61, 3729].map((second) => time(second))).toEqual(["0:00", "0:17", "1:01", "1:02:09"]);
    expect(time(17.45, true)).toBe("0:17.4");
  });

  it("has a thing on its way between two looks, and nowhere when it was not seen for long", () => {
    const seen = [glimpse(1, 0, 100), glimpse(1.5, 0, 120), glimpse(9, 0, 300)];
    expect(glimpsesAt(seen, 1.25).map(({ box }) => box[0])).toEqual([110]);
    expect(glimpsesAt(seen, 5)).toEqual([]);
    expect(glimpsesAt(seen, 0.2)).toEqual([]);
    expect(glimpsesAt([...seen, glimpse(1, 1, 500), glimpse(1.5, 1, 500)], 1.25)).toHaveLength(2);
  });

  it("has tracks as soon as something is seen", () => {
    const [first, second] = tracksOf([glimpse(1, 0, 0, 0.6), glimpse(2, 0, 0, 0.8), glimpse(7, 1, 0)]);
    expect([first?.first, first?.last, first?.best.probability, second?.first]).toEqual([1, 2, 0.8, 7]);
  });
});

describe("elsewhere", () => {
  const asked = (search: string) => ({ route: parseRoute("/objects", search), paths: new Map([["12", "/p/my cat.jpg"]]), origin: "http://127.0.0.1:7766" });

  it("the same question is a line", () => {
    expect(objectsCommand(asked("thing=car keys"))).toBe("dinoscope where 'car keys'");
    expect(objectsCommand(asked("thing=car keys&of=12"))).toBe("dinoscope where 'car keys' '/p/my cat.jpg'");
    expect(objectsCommand(asked("thing=keys&text=beach"))).toBe(`dinoscope where keys --where 'path~"beach"'`);
    expect(objectsPython(asked("thing=keys&of=12"))).toContain('session.objects.where("keys", "/p/my cat.jpg")');
    expect(objectsCurl(asked("thing=keys&of=12"))).toBe(`curl http://127.0.0.1:7766/api/v1/objects/where --json '{"name":"keys","picture":"12"}'`);
  });
});

describe("between two looks", () => {
  const [width, height] = [80, 60];
  const noise = (x: number, y: number) => ((Math.imul(x * 73856093 ^ y * 19349663, 2654435761) >>> 24) & 255);
  /** A patterned square on a soft ground. */
  const frame = (left: number, top: number): Grey => ({
    width,
    height,
    values: Uint8Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      const inside = x >= left && x < left + 12 && y >= top && y < top + 12;
      return inside ? noise(Math.floor((x - left) / 3), Math.floor((y - top) / 3)) : 100 + x / 4;
    }),
  });
  const picture = { width: 8 * width, height: 8 * height };

  it("a thing is carried along from the frame that was looked at, through those since", () => {
    const follower = new Follower();
    for (let i = 0; i < 6; i += 1) follower.push(frame(10 + 4 * i, 20 + 2 * i), i);
    follower.seen(frame(14, 22), 1, picture, [[14 * 8, 22 * 8, 26 * 8, 34 * 8]]);
    expect(follower.shifts()).toEqual([[16 * 8, 8 * 8]]);
    follower.push(frame(28, 30), 6);
    expect(follower.shifts()).toEqual([[14 * 8, 8 * 8]]);
  });

  it("it is lost where it is gone, and found where it comes back", () => {
    const follower = new Follower();
    follower.seen(frame(14, 22), 1, picture, [[14 * 8, 22 * 8, 26 * 8, 34 * 8]]);
    follower.push(frame(-40, -40), 2);
    expect(follower.shifts()).toEqual([null]);
    follower.push(frame(61, 40), 3);
    expect(follower.shifts()).toEqual([[47 * 8, 18 * 8]]);
    follower.seen(frame(14, 22), 4, picture, []);
    expect(follower.shifts()).toEqual([]);
  });

  it("what has no pattern stays where it was seen", () => {
    expect(templateOf({ width: 9, height: 9, values: new Uint8Array(81).fill(7) }, [0, 0, 9, 9])).toBeNull();
  });
});

describe("a camera that is refused", () => {
  it("has a sentence that says what to do", () => {
    expect(refusalOf(new DOMException("", "NotAllowedError"))).toContain("Allow it");
    expect(refusalOf(new DOMException("", "NotFoundError"))).toContain("no camera");
    expect(refusalOf(new DOMException("", "NotReadableError"))).toContain("another program");
    expect(refusalOf(new DOMException("", "StrangeError"))).toContain("StrangeError");
  });
});
