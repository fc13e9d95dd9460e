// Things with a name: the typed client for what the server remembers, and for where it is.
import { call, queryString, send, withSignal } from "./api";
import type { Edges, Parts } from "./marks";
import type { Picture } from "./wire";

export type Kind = "taught" | "yes" | "no"; // a photo; a sighting confirmed, or denied

export interface ThingView {
  kind: Kind;
  source: string; // the photo's name
  picture: [width: number, height: number];
  box: Edges;
}

export interface Thing {
  name: string;
  model: string; // key of the model that saw it: others cannot ask for it
  created: string;
  views: ThingView[];
}

/** A place in a picture, its outline in a window of it. All in the picture's own pixels. */
export interface Outlined {
  box: Edges;
  window: Edges; // what the mask covers
  mask: string; // base64 of a PNG, white on the thing
}

export interface Sighting extends Outlined {
  probability: number; // that it is this very thing, 0.5 to 1
}

export interface Found {
  picture: Picture;
  copies: Picture[];
  sightings: Sighting[]; // surest first, at least one
}

export interface Whereabouts {
  name: string;
  sentence: string;
  sightings: Sighting[]; // of one picture
  found: Found[]; // of the library
  likely: Picture[]; // of it, not looked at from near
  searched: number;
  looked_at: number;
  missing: number;
  index_seconds: number;
  look_seconds: number;
  last_seen?: { picture: number; at: string; sentence: string } | null;
}

export interface TaughtPhoto extends Parts {
  picture: string; // a library id or an upload
}

const named = (name: string) => queryString({ name });

export const things = (signal?: AbortSignal): Promise<Thing[]> => call("/objects", withSignal(signal));

export const teach = (name: string, photos: readonly TaughtPhoto[], also: boolean): Promise<{ object: Thing; notes: string[] }> =>
  call("/objects", send("POST", { name, photos, also }));

/** From some seconds of a video: marked on the frame at `first`, followed to `last`. */
export interface Stretch {
  video: number;
  first: number; // seconds
  last: number;
  box: Edges | null; // null: what stands out
}

export const teachFromVideo = (name: string, stretch: Stretch, also: boolean): Promise<{ object: Thing; notes: string[] }> =>
  call("/objects/video", send("POST", { name, ...stretch, also }));

export const outline = (photos: readonly TaughtPhoto[], signal: AbortSignal): Promise<Outlined[]> =>
  call("/objects/outline", { ...send("POST", { photos }), signal });

export const whereInLibrary = (name: string, where: string, k: number, signal: AbortSignal, look = true): Promise<Whereabouts> =>
  call(`/objects/where${queryString({ where, k, look: look ? undefined : "false" })}`, { ...send("POST", { name }), signal });

export const whereInPicture = (name: string, picture: string, signal: AbortSignal): Promise<Whereabouts> =>
  call("/objects/where", { ...send("POST", { name, picture }), signal });

/** A camera's frame; where the thing was in the one before is looked at first. */
export const see = (name: string, frame: Blob, last: readonly Edges[], signal: AbortSignal): Promise<Whereabouts> =>
  call(`/objects/see${queryString({ name, last: last.map((box) => box.join(",")) })}`, {
    method: "POST",
    headers: { "Content-Type": frame.type },
    body: frame,
    signal,
  });

export const correct = (name: string, picture: string, box: Edges, kind: "yes" | "no"): Promise<Thing> =>
  call("/objects/correct", send("POST", { name, picture, box, kind }));

export const rename = (name: string, to: string): Promise<Thing> => call("/objects/rename", send("POST", { name, new: to }));

export const forget = (name: string): Promise<void> => call(`/objects${named(name)}`, { method: "DELETE" });

export const drop = (name: string, number: number): Promise<Thing> =>
  call(`/objects/view${queryString({ name, number })}`, { method: "DELETE" });

export const takeIn = (file: Blob, name: string): Promise<Thing> =>
  call(`/objects/import${named(name)}`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });

export const exportUrl = (name: string): string => `/api/v1/objects/export${named(name)}`;

/** What is kept of a photo, all but the thing pale; the number of views tells a changed one from the old. */
export const viewUrl = (thing: Thing, number: number): string =>
  `/api/v1/objects/view${queryString({ name: thing.name, number, alone: true })}&v=${thing.views.length}`;

/** The photo that stands for a thing in a list. */
export const faceOf = (thing: Thing): number => Math.max(0, thing.views.findIndex(({ kind }) => kind !== "no"));

/** Names that differ in case only are the same name. */
export const sameName = (one: string, other: string): boolean =>
  one.trim().replace(/\s+/g, " ").toLocaleLowerCase() === other.trim().replace(/\s+/g, " ").toLocaleLowerCase();

/** 97 % sure; never 100. */
export const sure = (probability: number): string =>
  `${probability >= 0.995 ? Math.min(99.9, Math.floor(1000 * probability) / 10).toFixed(1) : Math.round(100 * probability)} %`;
