// What the server sends and takes, as JSON. One name per thing, the same as in the API's documentation.

export interface Picture {
  id: number;
  path: string;
  name: string;
  folder: string;
  content: string; // hash of the file's bytes: equal bytes are copies
  kind: string;
  width: number; // pixels, upright
  height: number;
  bytes: number;
  modified_at: string | null; // ISO 8601
  added_at: string | null;
  taken_at: string | null;
  camera: string | null;
  lens: string | null;
  latitude: number | null;
  longitude: number | null;
  moment?: Moment | null; // of a frame of a video
}

/** Where in which video a picture is a frame. */
export interface Moment {
  video: number;
  name: string;
  second: number;
}

export interface PictureDetails extends Picture {
  copies: Picture[];
}

export interface Listing {
  pictures: Picture[];
  total: number;
  next: string | null; // cursor of the next page
  note: string | null; // a sentence when something is missing
}

export interface Hit {
  picture: Picture;
  score: number; // cosine similarity, [-1, 1]
  percentile: number; // share of random pairs that are less alike, [0, 100]
  copies: Picture[];
}

export interface Verdict {
  found: boolean; // false: nothing here is more like the query than chance would give
  chance: number;
  sentence: string;
}

export interface Answer {
  hits: Hit[];
  verdict: Verdict;
  model: string;
  engine: string;
  searched: number; // pictures that passed the filters
  seconds: number;
  encode_seconds: number;
  silent: number; // shards that did not answer, whose pictures are missing
  note: string | null; // a sentence when something is missing
  next_offset: number | null;
}

export interface Place {
  box: [left: number, top: number, right: number, bottom: number]; // in the hit's own pixels
  score: number; // [-1, 1]
}

export interface RegionHit extends Hit {
  whole: number | null; // cosine of the whole pictures, where it had a say
  places: Place[]; // best first, at least one
  near: number | null; // likeness of the best from near, 1: as the part itself; null: nobody looked
  doubtful: boolean; // little like the part from near, or not looked at behind such
  grid: [rows: number, columns: number]; // of its patches
  heat: string; // base64 of a byte a patch, row by row
  links: [queryRow: number, queryColumn: number, row: number, column: number, cosine: number][];
}

export interface RegionAnswer {
  hits: RegionHit[];
  verdict: string | null; // how many of the best are like the part from near, or that nobody looked; null: no hits
  judged: boolean; // somebody looked
  query: { rows: number; columns: number; weights: string }; // base64 of a byte a patch: its say
  model: string;
  engine: string;
  searched: number; // pictures that passed the filters and can be searched for parts
  missing: number; // pictures that passed and cannot yet
  note: string | null; // what is to be done about it
  seconds: number;
  encode_seconds: number;
  next_offset: number | null;
}

export interface FacetValue {
  value: string;
  count: number;
}

export interface Facets {
  kinds: FacetValue[];
  cameras: FacetValue[];
  years: FacetValue[];
  folders: FacetValue[];
  note: string | null; // a sentence when shards that did not answer are missing
}

export type Faces = "block" | "blur" | "drop-patches" | "allow";

export interface About {
  version: string;
  model: { key: string; name: string; title: string; dimension: number; precision: string };
  library: {
    folder: string;
    pictures: number;
    contents: number;
    bytes: number;
    refusals: number;
    read_only: boolean;
    roots: string[];
    shelves: { key: string; name: string; dimension: number; vectors: number }[]; // a model's vectors each
  };
  limits: { max_bytes: number; max_pixels: number };
  faces: Faces; // what is done with pictures of people
  auth: boolean;
}

export interface Uploaded {
  query: string; // "q_…", kept in the server's memory only
  width: number;
  height: number;
  kind: string;
}

export interface Refusal {
  path: string;
  sentence: string;
}

export interface JobProgress {
  found: number; // files met so far
  walking: boolean; // found still grows
  added: number;
  known: number;
  removed: number;
  refused: number;
  done: number;
  seconds: number;
  finished: boolean;
}

export interface Job {
  id: string;
  kind: string;
  state: "running" | "done" | "cancelled" | "failed";
  folders: string[];
  progress: JobProgress | null;
  error: string | null;
  started_at: string | null;
  ended_at: string | null;
  refusals: Refusal[];
}

export interface FolderListing {
  path: string;
  parent: string | null;
  folders: { name: string; path: string }[];
}

export interface Measure {
  step: number; // optimiser steps done
  seconds: number; // spent training, over all sittings
  loss: number | null; // the sum that is minimised; null here and below: not measured
  dino: number | null; // its parts, unweighted
  patch: number | null;
  koleo: number | null;
  keep: number | null;
  entropy: number | null; // of the teacher's targets, as a share of its greatest, [0, 1]
  kl: number | null; // nats
  gradient: number | null; // norm before clipping
  rate: number | null;
  weight_decay: number | null;
  momentum: number | null;
  temperature: number | null;
  pictures_per_second: number | null;
  waited: number | null; // share of the time spent waiting for pictures, [0, 1]
  skipped: number;
  probe: Record<string, number>; // knn, pixels, consistency, rank, std; empty at most measures
  alarm: string | null; // a sentence
}

export type RunState = "new" | "running" | "stopped" | "finished" | "failed";

export interface Run {
  name: string;
  state: RunState;
  step: number;
  steps: number;
  started_at: string;
  updated_at: string;
  preset: string;
  sources: string[];
  pictures: number;
  samples: string[]; // "{step}-{i}-{attention or pca}.png"; the pictures themselves are "{i}-picture.png"
  reason: string;
  model: string; // the name it was exported under
  overrides: Record<string, string>; // dotted fields of the recipe that were asked for
  recipe: Record<string, unknown>;
  last: Measure | null;
}

export interface Side {
  key: string; // names a model identity
  name: string;
  dimension: number;
  vectors: number;
  index_bytes: number;
}

export interface Interval {
  value: number;
  low: number; // 95 %
  high: number;
}

export interface Score {
  name: string;
  first: number; // [0, 1], more is better
  second: number;
  difference: Interval; // second less first
  p: number; // of the sign test
  questions: number;
  better: "first" | "second" | ""; // "": chance would do as well
}

export interface Neighbour {
  picture: Picture;
  score: number; // cosine similarity
  shared: boolean; // the other model has it, too
}

export interface Example {
  query: Picture;
  first: Neighbour[];
  second: Neighbour[];
}

export interface Comparison {
  first: Side;
  second: Side;
  pictures: number;
  queries: number;
  nearest: number;
  agreement: Interval | null;
  scores: Score[];
  examples: Example[];
  sentences: string[];
}

export interface Starting {
  name: string;
  failed: boolean;
  said: string; // its last words: how many pictures it has found, or why it failed
}

export interface NewRun {
  sources: readonly string[];
  preset: string;
  name: string;
  minutes: number | null; // null: the preset's length
}
