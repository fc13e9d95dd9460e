// Frames of the camera, one after another: the next is taken when the answer to the last has come.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isAbort } from "../../api";
import type { Camera } from "../../camera";
import type { Extent } from "../../marks";
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

const rest = (ms: number) => new Promise((done) => setTimeout(done, ms));
const NOTHING: Watching = { look: null, looks: 0, rate: null, seen: [], failure: null };

export function useWatching(camera: Camera, name: string): Watching & { clear: () => void } {
  const [now, setNow] = useState(NOTHING);
  const crops = useRef(new Set<string>());
  const { state } = camera;
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
        const look = await lookOnce(camera, name, last, abort.signal);
        if (abort.signal.aborted) return;
        if (look === null) {
          await rest(PAUSE_MS); // no frame yet, or the server is busy
          continue;
        }
        const [best] = look.sightings;
        const due = best && performance.now() - kept > EVERY_MS;
        if (due) kept = performance.now();
        const crop = due && look.frame ? await cropOf(look.frame, best) : null;
        if (crop) crops.current.add(crop);
        last = look;
        setNow((before) => ({
          look,
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
async function lookOnce(camera: Camera, name: string, last: Look | null, signal: AbortSignal): Promise<(Look & { frame: Blob | null }) | null> {
  const frame = await camera.frame();
  if (!frame) return null;
  const at = new Date();
  const started = performance.now();
  const extent = { width: frame.width, height: frame.height };
  const same = last?.extent.width === extent.width && last.extent.height === extent.height;
  try {
    const answer = await see(name, frame.picture, same && last ? last.sightings.map(({ box }) => box) : [], signal);
    return { at, extent, seconds: since(started), sightings: answer.sightings, refusal: null, frame: frame.picture };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 429) return rest(BUSY_MS).then(() => null);
    // A frame may be refused, as one with a face is; the next may not.
    if (error.status === 422 || error.status === 415) return { at, extent, seconds: since(started), sightings: [], refusal: error.message, frame: null };
    throw error;
  }
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
