// A whole video asked for a thing: what was seen comes while it is looked through.
import { useEffect, useState } from "preact/hooks";
import { OFFLINE, problemOf, queryString } from "../../api";
import type { Ended, Glimpse, Progress, Track } from "./moments";

export interface Film {
  state: "looking" | "done" | "stopped";
  second: number; // looked at so far
  seen: readonly Glimpse[];
  tracks: readonly Track[]; // in order of time
  ended: Ended | null;
  failure: string | null; // a sentence
  stop: () => void;
  begin: () => void;
}

type Known = Omit<Film, "stop" | "begin">;
const NOTHING: Known = { state: "looking", second: 0, seen: [], tracks: [], ended: null, failure: null };

export function useFilm(name: string, video: number): Film {
  const [known, setKnown] = useState(NOTHING);
  const [round, setRound] = useState(0);
  const [stopped, setStopped] = useState(-1); // the round that was given up
  useEffect(() => {
    if (stopped === round) return;
    setKnown(NOTHING);
    const path = `/objects/where/video${queryString({ name, video })}`;
    const stream = new EventSource(`/api/v1${path}`);
    const told = <T,>(event: Event): T => JSON.parse((event as MessageEvent<string>).data) as T;
    const fail = (failure: string) => {
      stream.close();
      setKnown((before) => ({ ...before, state: "stopped", failure }));
    };
    stream.addEventListener("progress", (event) => {
      const { second, sightings } = told<Progress>(event);
      setKnown((before) => {
        const seen = sightings.length ? inOrder([...before.seen, ...sightings]) : before.seen;
        return { ...before, second, seen, tracks: seen === before.seen ? before.tracks : tracksOf(seen) };
      });
    });
    stream.addEventListener("end", (event) => {
      stream.close();
      const ended = told<Ended>(event);
      setKnown((before) => ({ ...before, state: "done", ended, tracks: [...ended.tracks].sort((a, b) => a.first - b.first) }));
    });
    stream.addEventListener("error", (event) => {
      if (event instanceof MessageEvent) fail(told<{ detail: string }>(event).detail);
      else if (stream.readyState !== EventSource.CLOSED) fail(OFFLINE);
      else void whyNot(path).then((why) => fail(why || OFFLINE)); // an event does not say
    });
    return () => stream.close();
  }, [name, video, round, stopped]);
  const stop = () => {
    setStopped(round);
    setKnown((before) => ({ ...before, state: "stopped" }));
  };
  return { ...known, stop, begin: () => setRound((n) => n + 1) };
}

/** What the server says against a question. */
export async function whyNot(path: string, headers: Record<string, string> = {}): Promise<string> {
  const abort = new AbortController();
  try {
    const answer = await fetch(`/api/v1${path}`, { headers, credentials: "same-origin", signal: abort.signal });
    return answer.ok ? "" : (await problemOf(answer)).message;
  } catch {
    return OFFLINE;
  } finally {
    abort.abort();
  }
}

const inOrder = (seen: readonly Glimpse[]): Glimpse[] => [...seen].sort((a, b) => a.second - b.second);

/** Tracks as far as they are known. */
export function tracksOf(seen: readonly Glimpse[]): Track[] {
  const found = new Map<number, Track>();
  for (const one of seen) {
    const track = found.get(one.track);
    if (!track) found.set(one.track, { number: one.track, first: one.second, last: one.second, best: one, moments: 1 });
    else {
      track.first = Math.min(track.first, one.second);
      track.last = Math.max(track.last, one.second);
      track.moments += 1;
      if (one.probability > track.best.probability) track.best = one;
    }
  }
  return [...found.values()].sort((a, b) => a.first - b.first);
}
