// What is asked of the server for a look, kept for a while, and asked no more often than it can answer.
import { useEffect, useState } from "preact/hooks";
import { bytes, queryString, withSignal } from "../../api";
import type { Knobs } from "../../knobs";
import { noteFailure } from "../../state/session";
import { createStore } from "../../state/store";
import { parseColours, parseLook, type Colours, type Looked } from "./grids";

export interface Question {
  picture: string;
  layer: string; // "": the one that tells parts best
  facet: string; // "": values
  patches: string; // "": as many as the index has
}

/** The model's layers, as soon as anything was looked at. */
export const layersKnown = createStore<number | null>(null);

export function questionOf(picture: string, knobs: Knobs): Question {
  return { picture, layer: knobs["layer"] ?? "", facet: knobs["facet"] ?? "", patches: knobs["patches"] ?? "" };
}

const KEPT = 24; // answers; a look of 1024 patches is a megabyte

class Lately<T> {
  private readonly kept = new Map<string, T>();

  constructor(private readonly ask: (address: string, signal: AbortSignal) => Promise<T>) {}

  peek(address: string): T | undefined {
    return this.kept.get(address);
  }

  async get(address: string, signal: AbortSignal): Promise<T> {
    const found = this.kept.get(address) ?? (await this.ask(address, signal));
    this.kept.delete(address);
    this.kept.set(address, found);
    for (const old of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(old);
    }
    return found;
  }
}

const looks = new Lately<Looked>(async (address, signal) => {
  const looked = parseLook(await bytes(`/look${address}`, withSignal(signal)));
  layersKnown.set(looked.layers);
  return looked;
});

const colours = new Lately<Colours>(async (address, signal) => parseColours(await bytes(`/look/colours${address}`, withSignal(signal))));

export interface Answered<T> {
  value: T | null; // the last one that came for this picture, while the next is waited for
  waiting: boolean;
  failure: string | null; // a sentence
}

const SETTLE_MS = 110; // a slider that is moved asks when it rests so long

function useLately<T>(lately: Lately<T>, question: Question | null): Answered<T> {
  const address = question && queryString({ ...question });
  const [got, setGot] = useState<{ picture: string; address: string; value: T | null; failure: string | null } | null>(null);
  const known = address === null ? undefined : lately.peek(address);
  useEffect(() => {
    if (!question || address === null) return;
    const abort = new AbortController();
    const { picture } = question;
    const fetchIt = () => {
      lately.get(address, abort.signal).then(
        (value) => setGot({ picture, address, value, failure: null }),
        (error: unknown) => {
          const failure = noteFailure(error);
          if (failure) setGot({ picture, address, value: null, failure });
        },
      );
    };
    const timer = setTimeout(fetchIt, known || got?.picture !== picture ? 0 : SETTLE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [address]);
  const mine = got !== null && got.picture === question?.picture ? got : null;
  if (known) return { value: known, waiting: false, failure: null };
  return {
    value: mine?.value ?? null,
    waiting: address !== null && mine?.address !== address,
    failure: mine?.address === address ? mine?.failure ?? null : null,
  };
}

export const useLook = (question: Question | null): Answered<Looked> => useLately(looks, question);
export const useColours = (question: Question | null): Answered<Colours> => useLately(colours, question);
