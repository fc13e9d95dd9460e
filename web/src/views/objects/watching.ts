// Frames of the camera, one after another: the next is taken when the answer to the last has come.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isAbort } from "../../api";
import type { Camera, Frame } from "../../camera";
import { Follower } from "../../follow";
import type { Edges, Extent } from "../../marks";
import { see, type Sighting } from "../../objects";
import { noteFailure } from "../../state/session";

export interface Look {
  at: Date;
  seconds: number; // from the frame to its answer
  extent: Extent; // of the frame, in whose pixels the sightings are
  sightings: readonly Sighting[];
  refusal: string | null; // why this frame was not looked at
}

export interface Seen {
  at: Date;
  crop: string; // blob: address of a close look
  probability: number;
}

export interface Watching {
  shifts: readonly ([dx: number, dy: number] | null)[]; // how far each sighting has moved since; null: lost
  look: Look | null; // the newest
  looks: number;
  rate: number | null; // looks a second, as it is now
  seen: readonly Seen[]; // the newest first
  failure: string | null; // why it has stopped
}

const KEPT = 24; // sightings shown
const EVERY_MS = 2000; // a sighting is kept at most so often while the thing stays
const BUSY_MS = 1500;
const PAUSE_MS = 400;
const NEWEST = 0.35; // share of the newest look in the rate

const FOLLOW_MS = 80; // between two grey frames

const same = (one: Watching["shifts"], other: Watching["shifts"]): boolean => one.length === other.length && one.every((shift, i) => shift?.join() === other[i]?.join());

const rest = (ms: number) => new Promise((done) => setTimeout(done, ms));
const NOTHING: Watching = { shifts: [], look: null, looks: 0, rate: null, seen: [], failure: null };

export function useWatching(camera: Camera, name: string): Watching & { clear: () => void } {
  const [now, setNow] = useState(NOTHING);
  const crops = useRef(new Set<string>());
  const { state } = camera;
  const follower = useRef(new Follower());
  useEffect(() => {
    if (state !== "on") return;
    const follow = () => {
      const grey = document.hidden ? null : camera.grey();
      if (!grey) return;
      follower.current.push(grey, performance.now());
      const shifts = follower.current.shifts();
      setNow((before) => (same(before.shifts, shifts) ? before : { ...before, shifts }));
    };
    const timer = setInterval(follow, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [state]);
  useEffect(() => {
    if (state !== "on") return;
    const abort = new AbortController();
    const watch = async () => {
      let last: Look | null = null;
      let kept = 0;
      setNow((before) => ({ ...before, failure: null, rate: null }));
      while (!abort.signal.aborted) {
        if (document.hidden) {
          await rest(PAUSE_MS);
          continue;
        }
        const look = await lookOnce(camera, name, (extent) => carried(last, follower.current.shifts(), extent), abort.signal);
        if (abort.signal.aborted) return;
        if (look === null) {
          await rest(PAUSE_MS); // no frame yet, or the server is busy
          continue;
        }
        const [best] = look.sightings;
        const due = best && performance.now() - kept > EVERY_MS;
        if (due) kept = performance.now();
        const crop = due && look.frame ? await cropOf(look.frame.picture, best) : null;
        if (crop) crops.current.add(crop);
        last = look;
        if (look.frame) follower.current.seen(look.frame.grey, look.frame.at, look.extent, look.sightings.map(({ box }) => box));
        else follower.current = new Follower();
        setNow((before) => ({
          look,
          shifts: follower.current.shifts(),
          looks: before.looks + 1,
          rate: before.rate === null ? 1 / look.seconds : 1 / ((1 - NEWEST) / before.rate + NEWEST * look.seconds),
          seen: crop && best ? [{ at: look.at, crop, probability: best.probability }, ...before.seen].slice(0, KEPT) : before.seen,
          failure: null,
        }));
        if (look.refusal) await rest(PAUSE_MS);
      }
    };
    watch().catch((error: unknown) => {
      if (!isAbort(error) && !abort.signal.aborted) {
        setNow((before) => ({ ...before, failure: noteFailure(error) }));
        camera.stop();
      }
    });
    return () => abort.abort();
  }, [state, camera.device, name]);
  useEffect(() => {
    const mine = crops.current;
    return () => mine.forEach((crop) => URL.revokeObjectURL(crop));
  }, []);
  return { ...now, clear: () => setNow(NOTHING) };
}

/** Null: there is no frame, or the server has too much to do just now. */
async function lookOnce(camera: Camera, name: string, last: (extent: Extent) => Edges[], signal: AbortSignal): Promise<(Look & { frame: Frame | null }) | null> {
  const frame = await camera.frame();
  if (!frame) return null;
  const at = new Date();
  const started = performance.now();
  const extent = { width: frame.width, height: frame.height };
  try {
    const answer = await see(name, frame.picture, last(extent), signal);
    return { at, extent, seconds: since(started), sightings: answer.sightings, refusal: null, frame };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 429) return rest(BUSY_MS).then(() => null);
    // A frame may be refused, as one with a face is; the next may not.
    if (error.status === 422 || error.status === 415) return { at, extent, seconds: since(started), sightings: [], refusal: error.message, frame: null };
    throw error;
  }
}

/** Where the sightings of a look are now; none where they were lost, or the camera's size is another. */
function carried(look: Look | null, shifts: Watching["shifts"], { width, height }: Extent): Edges[] {
  if (look?.extent.width !== width || look.extent.height !== height) return [];
  return look.sightings.flatMap(({ box: [left, top, right, bottom] }, i): Edges[] => {
    const shift = shifts[i];
    return shift ? [[left + shift[0], top + shift[1], right + shift[0], bottom + shift[1]]] : [];
  });
}

const since = (started: number): number => Math.max(0.001, (performance.now() - started) / 1000);

const SIDE = 160; // px of a close look
const ROOM = 1.5;

async function cropOf(frame: Blob, { box: [left, top, right, bottom] }: Sighting): Promise<string | null> {
  const image = await createImageBitmap(frame);
  const side = Math.min(image.width, image.height, ROOM * Math.max(right - left, bottom - top));
  const from = (low: number, high: number, length: number) => Math.min(Math.max(0, (low + high - side) / 2), length - side);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.getContext("2d")?.drawImage(image, from(left, right, image.width), from(top, bottom, image.height), side, side, 0, 0, SIDE, SIDE);
  image.close();
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  return blob && URL.createObjectURL(blob);
}
