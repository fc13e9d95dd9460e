import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, ApiError } from "../src/api";
import { HOME } from "../src/route";
import { feedKey, feedOf, forgetFeeds, healFeeds, Loader } from "../src/state/feeds";
import type { Listing, Picture } from "../src/wire";

const picture = (id: number) => ({ id, width: 3, height: 2 }) as Picture;

/** A library of `total` pictures behind the API, asked page by page. */
function library(total: number) {
  return vi.spyOn(api, "pictures").mockImplementation(async ({ after, limit }): Promise<Listing> => {
    const start = Number(after ?? 0);
    const end = Math.min(total, start + limit);
    const ids = Array.from({ length: end - start }, (_, i) => start + i + 1);
    return { pictures: ids.map(picture), total, next: end < total ? String(end) : null, note: null };
  });
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  vi.restoreAllMocks();
  forgetFeeds();
});

describe("a feed", () => {
  it("asks for one page until more is wanted", async () => {
    const asked = library(10_000);
    const loader = feedOf(HOME);
    loader.want(1);
    await settled();
    expect(asked).toHaveBeenCalledTimes(1);
    expect(loader.store.get()).toMatchObject({ total: 10_000, complete: false, loading: false });
  });

  it("follows the cursors as far as somebody scrolled, each picture once", async () => {
    library(10_000);
    const loader = feedOf(HOME);
    loader.want(3000);
    await settled();
    const ids = loader.store.get().hits.map((hit) => hit.picture.id);
    expect(ids.length).toBeGreaterThanOrEqual(3000);
    expect(ids.length).toBeLessThan(4200);
    expect(ids).toEqual(ids.map((_, i) => i + 1));
  });

  it("ends where the library ends", async () => {
    const asked = library(130);
    const loader = feedOf(HOME);
    loader.want(1e6);
    await settled();
    loader.want(2e6);
    expect(loader.store.get()).toMatchObject({ total: 130, complete: true });
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("keeps the sentence of a failure and goes on after a retry", async () => {
    const asked = library(10);
    asked.mockRejectedValueOnce(new ApiError(503, "The library is being moved: wait"));
    const loader = feedOf(HOME);
    loader.want(1);
    await settled();
    expect(loader.store.get().error).toBe("The library is being moved: wait");
    loader.want(5);
    expect(asked).toHaveBeenCalledTimes(1); // it does not hammer a server in trouble
    loader.retry();
    await settled();
    expect(loader.store.get()).toMatchObject({ error: null, complete: true });
  });

  it("is the same when one comes back to it, until the library changes", () => {
    const first = feedOf(HOME);
    expect(feedOf({ ...HOME, picture: 4 })).toBe(first);
    forgetFeeds();
    expect(feedOf(HOME)).not.toBe(first);
  });

  it("says what is missing as long as it is shown", async () => {
    const page = (next: number | null, note: string | null) => ({ hits: [], total: 5, next, answer: null, note });
    const fetch = vi.fn().mockResolvedValueOnce(page(1, "1 of 4 shards did not answer")).mockResolvedValue(page(null, null));
    const loader = new Loader(fetch);
    loader.want(1);
    await settled();
    expect(loader.store.get().note).toBe("1 of 4 shards did not answer");
  });

  it("goes quiet when it was stopped", async () => {
    const fetch = vi.fn(async () => ({ hits: [], total: 5, next: null, answer: null, note: null }));
    const loader = new Loader(fetch);
    loader.stop();
    loader.want(5);
    await settled();
    expect(fetch).not.toHaveBeenCalled();
  });
});

it("a search does not depend on the library's order, and a listing does", () => {
  const search = { ...HOME, like: ["1"] };
  expect(feedKey({ ...search, order: "path" })).toBe(feedKey(search));
  expect(feedKey({ ...HOME, order: "path" })).not.toBe(feedKey(HOME));
});

it("what failed is asked for again when the server is back, and only that", async () => {
  const asked = library(10);
  asked.mockRejectedValueOnce(new ApiError(0, "The server does not answer"));
  const broken = feedOf(HOME);
  broken.want(1);
  await settled();
  const fine = feedOf({ ...HOME, order: "path" });
  fine.want(1);
  await settled();
  healFeeds();
  await settled();
  expect(broken.store.get()).toMatchObject({ error: null, complete: true });
  expect(asked).toHaveBeenCalledTimes(3);
});
