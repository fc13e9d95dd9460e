// Things in videos: seconds, and what the server tells of them.
import { call, withSignal } from "../../api";
import type { Outlined } from "../../objects";
import type { Edges } from "../../marks";
import { clock } from "../../format";
import type { Moment, Picture } from "../../wire";

export type { Moment };

export const momentOf = (picture: Picture): Moment | null => picture.moment ?? null;

export interface Video {
  id: number;
  name: string;
  path: string;
  seconds: number;
  width: number;
  height: number;
  started_at: string | null;
  clock: "container" | "file";
  frames: number;
  hidden: number; // frames kept out for faces: then the file is not played
  note: string | null;
}

/** A look at a video. */
export interface Glimpse extends Outlined {
  second: number;
  track: number;
  probability: number;
}

export interface Track {
  number: number;
  first: number; // seconds
  last: number;
  best: Glimpse;
  moments: number;
}

export interface Progress {
  second: number;
  seconds: number;
  sightings: Glimpse[];
}

export interface Ended {
  name: string;
  sentence: string;
  tracks: Track[];
  seconds_looked: number;
  video: number;
  last_seen: string | null;
}

export const videos = (signal: AbortSignal): Promise<Video[]> => call("/videos", withSignal(signal));

export const videoOf = (id: string, signal: AbortSignal): Promise<Video> => call(`/videos/${id}`, withSignal(signal));

export const time = clock;

const APART = 1.2; // seconds: looks farther apart are no one movement

/** Where the things of all tracks are at a second: between two looks on the way from one to the other. */
export function glimpsesAt(seen: readonly Glimpse[], second: number): Glimpse[] {
  const found: Glimpse[] = [];
  for (const track of new Set(seen.map((one) => one.track))) {
    const mine = seen.filter((one) => one.track === track);
    const after = mine.findIndex((one) => one.second >= second);
    const next = mine[after];
    const before = after < 0 ? mine.at(-1) : after > 0 ? mine[after - 1] : undefined;
    if (before && next && next.second - before.second <= APART) found.push(between(before, next, second));
    else if (next && next.second - second < 0.05) found.push(next);
    else if (before && second - before.second < APART / 2 && after < 0) found.push(before);
  }
  return found;
}

function between(from: Glimpse, to: Glimpse, second: number): Glimpse {
  const share = (second - from.second) / Math.max(1e-6, to.second - from.second);
  const near = share < 0.5 ? from : to;
  const box = from.box.map((edge, i) => edge + share * ((to.box[i] as number) - edge)) as unknown as Edges;
  // The outline of the nearer look, carried along with the box.
  const [dx, dy] = [middle(box, 0) - middle(near.box, 0), middle(box, 1) - middle(near.box, 1)];
  const window = near.window.map((edge, i) => edge + (i % 2 ? dy : dx)) as unknown as Edges;
  return { ...near, second, box, window };
}

const middle = (box: Edges, axis: 0 | 1): number => ((box[axis] as number) + (box[axis + 2] as number)) / 2;
