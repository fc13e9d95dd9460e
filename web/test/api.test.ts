import { afterEach, describe, expect, it, vi } from "vitest";
import { api, ApiError, isAbort, OFFLINE, queryString, thumbnailSide } from "../src/api";

const answer = (body: unknown, status = 200, type = "application/json") =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers: { "Content-Type": type } });

const serve = (response: () => Response | Promise<Response>) => {
  const spy = vi.fn(async (_url: string, _init?: RequestInit) => response());
  vi.stubGlobal("fetch", spy);
  return spy;
};

afterEach(() => vi.unstubAllGlobals());

const failure = async (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, (error: unknown) => error);

describe("a failed call", () => {
  it("says the server's own sentence", async () => {
    serve(() => answer({ title: "Not found", detail: "There is no picture 9: it was removed" }, 404, "application/problem+json"));
    const error = (await failure(api.picture(9))) as ApiError;
    expect(error).toBeInstanceOf(ApiError);
    expect([error.status, error.message, error.offline]).toEqual([404, "There is no picture 9: it was removed", false]);
  });

  it("says the status when the body is no problem", async () => {
    serve(() => answer("<h1>Bad gateway</h1>", 502, "text/html"));
    expect(((await failure(api.about())) as ApiError).message).toBe("The server answered 502.");
  });

  it("knows a server that is not there", async () => {
    serve(() => Promise.reject(new TypeError("Failed to fetch")));
    const error = (await failure(api.about())) as ApiError;
    expect([error.offline, error.message]).toEqual([true, OFFLINE]);
  });

  it("is no failure when it was cancelled", async () => {
    serve(() => Promise.reject(new DOMException("gone", "AbortError")));
    expect(isAbort(await failure(api.about()))).toBe(true);
  });
});

describe("a request", () => {
  it("for a search repeats its pictures and asks for copies to be collapsed", async () => {
    const spy = serve(() => answer({ hits: [] }));
    await api.search({ like: ["12", "q_a"], unlike: ["7"], where: "kind=png", k: 60, offset: 0 });
    expect(spy.mock.calls[0]?.[0]).toBe("/api/v1/search?like=12&like=q_a&unlike=7&where=kind%3Dpng&k=60&offset=0&collapse=true");
  });

  it("for an upload sends the bytes as they are", async () => {
    const spy = serve(() => answer({ query: "q_1" }, 201));
    const picture = new File(["x"], "a.png", { type: "image/png" });
    await api.upload(picture);
    expect(spy.mock.calls[0]?.[1]).toMatchObject({ method: "POST", body: picture, headers: { "Content-Type": "image/png" } });
  });

  it("leaves out what is not said", () => {
    expect(queryString({ where: "", after: null, limit: 5, flag: false })).toBe("?limit=5&flag=false");
    expect(queryString({})).toBe("");
  });
});

it("a thumbnail is asked for as sharp as it is shown, and no sharper", () => {
  expect([100, 176, 300, 352, 900].map(thumbnailSide)).toEqual([160, 160, 320, 320, 640]);
});
