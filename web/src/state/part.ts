// The part somebody marks, and what was found with such a part: asked anew as soon as a hand rests.
import { api, ApiError, isAbort, type RegionRequest } from "../api";
import { expressionOf } from "../filters";
import { asksSomething, partsOf, type Mark } from "../marks";
import { navigate, routes, type Route } from "../route";
import type { RegionAnswer, RegionHit } from "../wire";
import { kept } from "./preferences";
import { noteFailure } from "./session";
import { createStore } from "./store";

export type Tool = "box" | "lasso" | "brush" | "erase" | "at" | "not";
export type Show = "places" | "heat" | "close";

export const tool = createStore<Tool>("box");
export const adding = createStore(false); // a box or a lasso joins what is marked, as with Shift
export const brushSize = createStore(0.04); // radius, as a share of the picture's longer side
export const show = kept<Show>("parts", ["places", "heat", "close"], "places");
export const looked = createStore<number | null>(null); // the hit under the pointer, or with the focus
export const over = createStore(false); // the pointer is over the hits, be it between two of them

/** While a mark is being drawn or moved: the marks as they would be. */
export const draft = createStore<readonly Mark[] | null>(null);
export const chosen = createStore(-1); // the mark with handles: its number, -1 for none

// --- marking, with a way back

let past: (readonly Mark[])[] = [];
let future: (readonly Mark[])[] = [];

export const steps = createStore({ undo: false, redo: false });
const countSteps = () => steps.set({ undo: past.length > 0, redo: future.length > 0 });

function put(marks: readonly Mark[]): void {
  draft.set(null);
  if (chosen.get() >= marks.length) chosen.set(-1);
  navigate({ marks }, "replace");
  countSteps();
}

/** These are the marks now. */
export function mark(marks: readonly Mark[]): void {
  past.push(routes.get().marks);
  future = [];
  put(marks);
}

const NUDGED_MS = 350;
let nudging: ReturnType<typeof setTimeout> | undefined;

/** As the marks would be, kept once the keys rest: a held arrow is one step back, and one address. */
export function nudge(marks: readonly Mark[]): void {
  clearTimeout(nudging);
  draft.set(marks);
  nudging = setTimeout(() => {
    if (draft.get() === marks) mark(marks);
  }, NUDGED_MS);
}

export function undo(): void {
  const before = past.pop();
  if (!before) return;
  future.push(routes.get().marks);
  put(before);
}

export function redo(): void {
  const after = future.pop();
  if (!after) return;
  past.push(routes.get().marks);
  put(after);
}

/** Everything said about the part is gone; the marks can be taken back. */
export function clearPart(): void {
  if (routes.get().marks.length > 0) mark([]);
  navigate({ more: [], less: [] }, "replace");
  chosen.set(-1);
}

/** Another picture: nothing to take back, nothing found. */
export function forgetPart(): void {
  past = [];
  future = [];
  chosen.set(-1);
  draft.set(null);
  looked.set(null);
  countSteps();
}

// --- asking

export interface Found {
  of: string; // the picture asked about
  hits: readonly RegionHit[];
  answer: RegionAnswer | null; // the first page
  next: number | null; // offset of the next page
  loading: boolean;
  closer: boolean; // the best are looked at again, larger: the order may still change a little
  error: string | null;
  unready: boolean; // the error is that no picture can be searched for parts yet: indexing helps
}

const NOTHING: Found = {
  of: "",
  hits: [],
  answer: null,
  next: null,
  loading: false,
  closer: false,
  error: null,
  unready: false,
};
export const found = createStore(NOTHING);

const PAGE = 60;
const REST_MS = 140; // a hand that rests so long wants to see something
const CLOSER_MS = 300; // and so long, to see it as well as it can be seen

let asked = ""; // the question that is answered, or on its way
let looking = false; // closer, at the answer to it
let timer: ReturnType<typeof setTimeout> | undefined;
let abort = new AbortController();
let due: Pick<Found, "hits" | "answer"> | null = null; // seen closer, in an order that is not shown yet

/** What a route and the marks being drawn ask; null when they ask nothing. */
export function questionOf(route: Route, marks: readonly Mark[]): RegionRequest | null {
  const { of, more, less, also, filters } = route;
  if (!of || !asksSomething(marks)) return null;
  const where = expressionOf(filters);
  return { picture: of, marks: partsOf(marks), also, more, less, where, k: PAGE, offset: 0, refine: false };
}

/**
 * Let this question be answered, soon; the one before is given up. What was found stays till then.
 * A hand that `rests` has done with drawing: the answer is then looked at once more, closer.
 */
export function ask(question: RegionRequest | null, rests: boolean): void {
  const key = JSON.stringify(question);
  const known = key === asked && found.get().error === null;
  if (known && (looking || !rests)) return;
  if (!known) begin(question, key);
  if (!question) return;
  looking = rests;
  const { signal } = abort;
  if (!known) timer = setTimeout(() => void answer(question, signal), rests ? 0 : REST_MS);
  else if (!found.get().loading) lookCloser(question, signal); // otherwise after the answer
}

function begin(question: RegionRequest | null, key: string): void {
  asked = key;
  looking = false;
  due = null;
  clearTimeout(timer);
  abort.abort();
  abort = new AbortController();
  const same = question !== null && found.get().of === question.picture;
  const kept = same ? found.get() : NOTHING;
  found.set(question ? { ...kept, of: question.picture, loading: true, closer: false, error: null, next: null } : NOTHING);
}

/** The hits after those that are there. */
export function askMore(question: RegionRequest): void {
  const { next, loading, hits } = found.get();
  if (next === null || loading) return;
  found.update({ loading: true });
  const refine = hits.some(({ near }) => near !== null) ? null : false; // the best were looked at: nothing is seen twice
  void answer({ ...question, offset: next, refine }, abort.signal);
}

/** The same again, after a failure or when the library has changed. */
export function askAgain(question: RegionRequest | null): void {
  asked = "";
  ask(question, true);
}

async function answer(question: RegionRequest, signal: AbortSignal): Promise<void> {
  try {
    const page = await api.searchRegion(question, signal);
    if (signal.aborted) return;
    const further = question.offset > 0;
    const hits = further ? joined(found.get().hits, page.hits) : page.hits;
    const first = further ? found.get().answer : page;
    found.update({ of: question.picture, hits, answer: first, next: page.next_offset, loading: false, error: null });
    if (looking && !further) lookCloser(question, signal);
  } catch (error) {
    if (isAbort(error) || signal.aborted) return;
    const unready = error instanceof ApiError && error.status === 409;
    found.update({ loading: false, next: null, error: noteFailure(error), unready });
  }
}

function lookCloser(question: RegionRequest, signal: AbortSignal): void {
  found.update({ closer: true }); // said before it begins: who waits for the last order can see that it comes
  timer = setTimeout(() => void closer(question, signal), CLOSER_MS);
}

/**
 * The best hits seen larger: their places are truer, and some change their order. Not under a pointer that
 * is about to click one of them: they get their order when nobody looks at them any more.
 */
async function closer(question: RegionRequest, signal: AbortSignal): Promise<void> {
  try {
    const page = await api.searchRegion({ ...question, refine: null }, signal);
    if (signal.aborted) return;
    const { seconds, encode_seconds } = found.get().answer ?? page; // till there was something to see
    due = { hits: page.hits, answer: { ...page, seconds, encode_seconds } };
    if (held()) found.update({ hits: inPlace(found.get().hits, page.hits), closer: false });
    else settle();
  } catch (error) {
    // What was found at first still holds: no reason to alarm anybody.
    if (!isAbort(error) && !signal.aborted) found.update({ closer: false });
  }
}

const held = () => over.get() || looked.get() !== null;

function settle(): void {
  if (!due || held()) return;
  const { hits, answer } = due;
  due = null;
  found.update({ hits: joined(hits, found.get().hits), answer, closer: false });
}

// The pointer, or the focus, may only be on its way to the next hit.
for (const store of [over, looked]) store.subscribe(() => void setTimeout(settle));

/** The hits as they are known now, where they stand; those that are new come last. */
function inPlace(standing: readonly RegionHit[], known: readonly RegionHit[]): readonly RegionHit[] {
  const now = new Map(known.map((hit) => [hit.picture.id, hit]));
  return joined(standing.map((hit) => now.get(hit.picture.id) ?? hit), known);
}

/** Pictures may have been added since the page before: none is shown twice. */
function joined(known: readonly RegionHit[], more: readonly RegionHit[]): readonly RegionHit[] {
  const there = new Set(known.map((hit) => hit.picture.id));
  return [...known, ...more.filter((hit) => !there.has(hit.picture.id))];
}

/** The hit that a picture is, when it was found. */
export const hitOf = (id: number): RegionHit | undefined => found.get().hits.find((hit) => hit.picture.id === id);
