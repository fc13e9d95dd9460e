// The typed client. Every failure becomes one ApiError whose sentence can be shown as it is.
import type {
  About,
  Answer,
  Comparison,
  Example,
  Facets,
  FolderListing,
  Job,
  JobProgress,
  Listing,
  Measure,
  Moment,
  NewRun,
  Picture,
  PictureDetails,
  Refusal,
  RegionAnswer,
  Run,
  Starting,
  Uploaded,
} from "./wire";
import type { Parts } from "./marks";
import type { PlaceExample } from "./route";

const ROOT = "/api/v1";

export class ApiError extends Error {
  constructor(
    readonly status: number, // HTTP status; 0 when the server did not answer
    sentence: string,
  ) {
    super(sentence);
    this.name = "ApiError";
  }

  get offline(): boolean {
    return this.status === 0;
  }
}

export const OFFLINE = "The server does not answer: start it again with “dinoscope serve”.";

type Values = Record<string, string | number | boolean | null | undefined | readonly (string | number)[]>;

/** A query string; empty, null and undefined values are left out, lists repeat their key. */
export function queryString(values: Values): string {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") out.append(key, String(one));
    }
  }
  const text = out.toString();
  return text && `?${text}`;
}

/** The sentence of a problem+json body, or the best that can be said without one. */
export async function problemOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const { detail, title } = (body ?? {}) as { detail?: unknown; title?: unknown };
  const said = [detail, title].find((text) => typeof text === "string" && text !== "");
  return new ApiError(response.status, (said as string | undefined) ?? `The server answered ${response.status}.`);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

async function answered(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(ROOT + path, { credentials: "same-origin", ...init });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, OFFLINE);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await answered(path, init);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** A binary answer: a header and grids of bytes, as docs/api.md describes them. */
export async function bytes(path: string, init: RequestInit = {}): Promise<ArrayBuffer> {
  return (await answered(path, init)).arrayBuffer();
}

export const send = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

export const withSignal = (signal: AbortSignal | undefined): RequestInit => (signal ? { signal } : {});

export interface ListingRequest {
  where: string;
  order: string;
  descending: boolean;
  after: string | null;
  limit: number;
}

export interface SearchRequest {
  like: readonly string[];
  unlike: readonly string[];
  where: string;
  k: number;
  offset: number;
}

/** A question for a part of a picture; `marks` as the server takes them. */
export interface RegionRequest {
  picture: string;
  marks: Parts;
  also: number;
  more: readonly PlaceExample[];
  less: readonly PlaceExample[];
  where: string;
  k: number;
  offset: number;
  refine: boolean | null; // look again, closer, at the best; null: when the part is small
}

/** The body of that question, and its address: what is left at its default is left out. */
export function regionCall({ picture, marks, also, more, less, where, k, offset, refine }: RegionRequest): [path: string, body: object] {
  const refined = { ...(also > 0 && { also }), ...(more.length && { more }), ...(less.length && { less }), ...(refine !== null && { refine }) };
  const path = `/search/region${queryString({ where, k, offset: offset || null, collapse: true })}`;
  return [path, { picture, ...marks, ...refined }];
}

const pairOf = ([first, second]: readonly string[]) => ({ first, second });

export const api = {
  about: (signal?: AbortSignal) => call<About>("/about", withSignal(signal)),

  pictures: (request: ListingRequest, signal?: AbortSignal) =>
    call<Listing>(`/pictures${queryString({ ...request })}`, withSignal(signal)),

  picture: (id: number, signal?: AbortSignal) => call<PictureDetails>(`/pictures/${id}`, withSignal(signal)),

  forget: (id: number) => call<void>(`/pictures/${id}`, { method: "DELETE" }),

  facets: (where: string, signal?: AbortSignal) => call<Facets>(`/facets${queryString({ where })}`, withSignal(signal)),

  search: (request: SearchRequest, signal?: AbortSignal) =>
    call<Answer>(`/search${queryString({ ...request, collapse: true })}`, withSignal(signal)),

  searchRegion: async (request: RegionRequest, signal?: AbortSignal): Promise<RegionAnswer> => {
    const [path, body] = regionCall(request);
    const answer = await call<RegionAnswer>(path, { ...send("POST", body), ...withSignal(signal) });
    // What is random is known for whole pictures only.
    return { ...answer, hits: answer.hits.map((hit) => ({ ...hit, percentile: NaN })) };
  },

  uploaded: (query: string, signal?: AbortSignal) =>
    call<Uploaded>(`/queries/${encodeURIComponent(query)}`, withSignal(signal)),

  upload: (picture: Blob, signal?: AbortSignal) =>
    call<Uploaded>("/queries", {
      method: "POST",
      headers: { "Content-Type": picture.type || "application/octet-stream" },
      body: picture,
      ...withSignal(signal),
    }),

  index: (folders: readonly string[]) => call<Job>("/jobs", send("POST", { kind: "index", folders })),

  jobs: async (signal?: AbortSignal) => (await call<{ jobs: Job[] }>("/jobs", withSignal(signal))).jobs,

  job: (id: string, signal?: AbortSignal) => call<Job>(`/jobs/${encodeURIComponent(id)}`, withSignal(signal)),

  cancel: (id: string) => call<unknown>(`/jobs/${encodeURIComponent(id)}`, { method: "DELETE" }),

  refusals: async (signal?: AbortSignal) =>
    (await call<{ refusals: Refusal[] }>("/refusals", withSignal(signal))).refusals,

  folders: (path: string | null, signal?: AbortSignal) =>
    call<FolderListing>(`/folders${queryString({ path })}`, withSignal(signal)),

  runs: (signal?: AbortSignal) => call<{ runs: Run[]; starting: Starting | null }>("/runs", withSignal(signal)),

  beginRun: (run: NewRun) => call<Starting>("/runs", send("POST", run)),

  measures: async (name: string, most: number, signal?: AbortSignal) =>
    (await call<{ measures: Measure[] }>(`/runs/${name}/measures${queryString({ most })}`, withSignal(signal))).measures,

  stopRun: (name: string) => call<Run>(`/runs/${name}/stop`, { method: "POST" }),

  compare: (models: readonly string[], signal?: AbortSignal) =>
    call<Comparison>(`/compare${queryString({ ...pairOf(models), examples: 24 })}`, withSignal(signal)),

  neighbours: (id: number, models: readonly string[], signal?: AbortSignal) =>
    call<Example>(`/compare/${id}${queryString(pairOf(models))}`, withSignal(signal)),

  login: (token: string) => call<unknown>("/login", send("POST", { token })),
};

/** Sides the server keeps ready; the smallest that is sharp enough for `pixels` on this screen. */
export function thumbnailSide(pixels: number): 160 | 320 | 640 {
  return pixels <= 176 ? 160 : pixels <= 352 ? 320 : 640;
}

// The content hash in the address lets a browser keep the picture for ever.
export const thumbnailUrl = (picture: Picture, side: number): string =>
  `${ROOT}/pictures/${picture.id}/thumbnail?side=${side}&v=${picture.content}`;

export const imageUrl = (picture: Picture, side: number): string =>
  `${ROOT}/pictures/${picture.id}/image?side=${side}&v=${picture.content}`;

export const originalUrl = (picture: Picture): string => `${ROOT}/pictures/${picture.id}/original`;

/** The video that a picture is a frame of, at its second. */
export const videoUrl = (moment: Moment): string => `${ROOT}/videos/${moment.video}/file#t=${moment.second}`;

/** A query names a library picture ("12") or an uploaded one ("q_…"). */
export const isUpload = (query: string): boolean => query.startsWith("q_");

export const queryImageUrl = (query: string, side: number): string =>
  isUpload(query) ? `${ROOT}/queries/${query}/image?side=${side}` : `${ROOT}/pictures/${query}/image?side=${side}`;

export const queryThumbnailUrl = (query: string, side: number): string =>
  isUpload(query) ? `${ROOT}/queries/${query}/image?side=${side}` : `${ROOT}/pictures/${query}/thumbnail?side=${side}`;

/** A sample of a run; the start in the address tells it from an earlier run's of the same name. */
export const sampleUrl = (run: Run, file: string): string =>
  `${ROOT}/runs/${run.name}/samples/${file}?v=${Date.parse(run.started_at)}`;

export interface JobEvents {
  progress(progress: JobProgress): void;
  end(job: Job): void;
  lost(): void; // the stream broke off before its end
}

const read = <T>(event: Event): T => JSON.parse((event as MessageEvent<string>).data) as T;

/** Follow a job's event stream; the returned function stops following. */
export function followJob(id: string, events: JobEvents): () => void {
  const stream = new EventSource(`${ROOT}/jobs/${encodeURIComponent(id)}/events`);
  stream.addEventListener("progress", (event) => events.progress(read<JobProgress>(event)));
  stream.addEventListener("end", (event) => {
    stream.close();
    events.end(read<Job>(event));
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) events.lost();
  });
  return () => stream.close();
}

export interface RunEvents {
  measures(fresh: readonly Measure[]): void;
  rewound(step: number): void; // resumed from there: what was measured after it is void
  run(run: Run): void; // something else changed, or it ended
  lost(): void; // the stream broke off before its end
}

/** Follow a training from a step on; the returned function stops following. */
export function followRun(name: string, since: number, events: RunEvents): () => void {
  const stream = new EventSource(`${ROOT}/runs/${name}/events${queryString({ since })}`);
  stream.addEventListener("measures", (event) => events.measures(read<{ measures: Measure[] }>(event).measures));
  stream.addEventListener("rewound", (event) => events.rewound(read<{ step: number }>(event).step));
  stream.addEventListener("run", (event) => events.run(read<Run>(event)));
  stream.addEventListener("end", (event) => {
    stream.close();
    events.run(read<Run>(event));
  });
  stream.addEventListener("error", () => {
    stream.close(); // it would ask again for what it has heard: whoever follows begins anew, from where it is
    events.lost();
  });
  return () => stream.close();
}
