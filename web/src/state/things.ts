// What is remembered, known to every view that asks; and the photos that a thing is about to be taught from.
import { things as ask, type TaughtPhoto, type Thing } from "../objects";
import { partsOf, type Mark } from "../marks";
import { HOME, navigate, routes, type Route } from "../route";
import { noteFailure } from "./session";
import { createStore } from "./store";

export interface Known {
  things: readonly Thing[] | null; // null: not known yet
  failure: string | null; // a sentence
}

export const known = createStore<Known>({ things: null, failure: null });

let asked = 0;

/** Ask again what is remembered; never throws. */
export async function refreshThings(): Promise<void> {
  const mine = (asked += 1);
  try {
    const things = await ask();
    if (mine === asked) known.set({ things, failure: null });
  } catch (error) {
    const failure = noteFailure(error);
    if (mine === asked && failure) known.update({ failure });
  }
}

/** One thing has changed: shown at once, without asking for all. */
export function learnt(thing: Thing, before = thing.name): void {
  const others = (known.get().things ?? []).filter(({ name }) => name !== before && name !== thing.name);
  asked += 1;
  known.set({ things: [...others, thing].sort((a, b) => a.name.localeCompare(b.name)), failure: null });
}

export function forgotten(name: string): void {
  asked += 1;
  known.update({ things: (known.get().things ?? []).filter((thing) => thing.name !== name) });
}

/** Sentences about what was taught last, that do not look right, by its name. */
export const doubts = createStore<{ name: string; notes: readonly string[] }>({ name: "", notes: [] });

// --- teaching

export interface Photo {
  query: string; // a library id or an upload
  marks: readonly Mark[]; // of the photo that is shown the address has them, which are newer
}

export const MOST_PHOTOS = 5; // at once

export const photos = createStore<readonly Photo[]>([]);

/** The photos with the marks as they are now; the one that is shown is among them. */
export function photosNow(kept: readonly Photo[], { of, marks }: Pick<Route, "of" | "marks">): readonly Photo[] {
  if (!of) return kept;
  const shown = { query: of, marks };
  return kept.some(({ query }) => query === of)
    ? kept.map((one) => (one.query === of ? shown : one))
    : [...kept, shown].slice(-MOST_PHOTOS);
}

export const bodyOf = (photo: Photo): TaughtPhoto => ({ picture: photo.query, ...partsOf(photo.marks) });

/** Marks of the photo shown are kept before another one is. */
export const keepPhotos = (): void => photos.set(photosNow(photos.get(), routes.get()));

/** Show one of the photos, or choose a further one when none is named. */
export function showPhoto(query: string): void {
  keepPhotos();
  const marks = photos.get().find((one) => one.query === query)?.marks ?? [];
  navigate({ of: query, marks, picture: null });
}

/** The address of one more photo; changes nothing, so links may be drawn with it. */
export function photoRoute(route: Route, query: string): Partial<Route> {
  const { thing } = route.knobs;
  const marks = photos.get().find((one) => one.query === query)?.marks ?? [];
  return { ...HOME, filters: route.filters, view: "remember", of: query, marks, knobs: thing ? { thing } : {} };
}

/** Where these pictures become photos of a thing: forgets the photos of another one, so only when somebody goes there. */
export function withPhotos(route: Route, queries: readonly string[]): Partial<Route> {
  const teaching = route.view === "remember";
  const kept = teaching ? photosNow(photos.get(), route) : [];
  const fresh = queries.filter((query) => !kept.some((one) => one.query === query));
  const all = [...kept, ...fresh.map((query) => ({ query, marks: [] }))].slice(0, MOST_PHOTOS);
  photos.set(all);
  const shown = all.find(({ query }) => query === queries[0]) ?? all.at(-1);
  return { ...HOME, filters: route.filters, view: "remember", knobs: teaching ? route.knobs : {}, of: shown?.query ?? "", marks: shown?.marks ?? [] };
}

export function withoutPhoto(query: string): void {
  const rest = photosNow(photos.get(), routes.get()).filter((one) => one.query !== query);
  photos.set(rest);
  const { of } = routes.get();
  if (of === query) navigate({ of: rest[0]?.query ?? "", marks: rest[0]?.marks ?? [] });
}

/** Teach a thing from one marked place: as `withPhotos`, only when somebody goes there. */
export function teachFrom(route: Route, query: string, marks: readonly Mark[], thing = ""): Partial<Route> {
  photos.set([]);
  return { ...HOME, filters: route.filters, view: "remember", of: query, marks, knobs: thing ? { thing } : {} };
}
