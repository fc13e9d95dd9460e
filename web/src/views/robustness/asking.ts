// What the server says of an edited picture: asked as often as it can answer while a slider moves.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, queryString, withSignal } from "../../api";
import { noteFailure } from "../../state/session";
import { createStore } from "../../state/store";
import type { Hit } from "../../wire";
import type { Kind } from "./edits";

export interface Preset {
  name: string;
  title: string;
  edits: readonly { kind: string; strength: number; amount: string }[];
}

interface Standing {
  cosine: number;
  percentile: number | null;
  rank: number | null;
  beyond: boolean;
  among: number;
  chance: number | null;
  by_chance: boolean;
}

export interface Trial extends Standing {
  edits: readonly { kind: string; strength: number; amount: string }[];
  sentence: string;
  hits: readonly Hit[];
  seconds: number;
}

export interface CurvePoint extends Standing {
  strength: number;
  amount: string;
}

export interface Limit {
  kind: string;
  direction: -1 | 1;
  strength: number | null; // the weakest that loses the original
  amount: string | null;
  sentence: string;
}

export interface Curve {
  kind: string;
  points: readonly CurvePoint[];
  limits: readonly Limit[];
}

export interface Weakest {
  limit: Limit | null;
  sentence: string;
  trials: number;
}

export interface Catalogue {
  kinds: readonly Kind[];
  presets: readonly Preset[];
}

/** What may be done, as soon as it is known: it does not change while the page is open. */
export const catalogue = createStore<Catalogue | null>(null);

export function useCatalogue(): string | null {
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    if (catalogue.get()) return;
    call<Catalogue>("/robustness/edits").then((found) => catalogue.set(found), (error: unknown) => setFailure(noteFailure(error)));
  }, []);
  return failure;
}

export interface Subject {
  of: string;
  edits: string;
  seed: string;
}

export const pictureUrl = (subject: Subject): string => `/api/v1/robustness/picture${queryString({ ...subject })}`;

const trialOf = (subject: Subject) => call<Trial>(`/robustness${queryString({ ...subject })}`);
export const curveOf = (of: string, kind: string, seed: string, signal: AbortSignal) =>
  call<Curve>(`/robustness/curve${queryString({ of, kind, seed })}`, withSignal(signal));
export interface Sought {
  trials: number; // edited pictures looked at so far
  strength: number; // up to which nothing loses the original
}

export interface Seeker {
  step(sought: Sought): void;
  end(found: Weakest): void;
  lost(): void; // the stream broke off before its end
}

/** Look for the weakest edit; the returned function stops that. */
export function seekWeakest(of: string, seed: string, seeker: Seeker): () => void {
  const stream = new EventSource(`/api/v1/robustness/weakest/events${queryString({ of, seed })}`);
  const read = <T>(event: Event): T => JSON.parse((event as MessageEvent<string>).data) as T;
  stream.addEventListener("step", (event) => seeker.step(read<Sought>(event)));
  stream.addEventListener("end", (event) => {
    stream.close();
    seeker.end(read<Weakest>(event));
  });
  stream.addEventListener("error", () => {
    stream.close();
    seeker.lost();
  });
  return () => stream.close();
}

/** A picture that is loaded: shown at once, without a flicker. */
async function pictureOf(subject: Subject): Promise<string> {
  const url = pictureUrl(subject);
  const image = new Image();
  image.src = url;
  await image.decode();
  return url;
}

export interface Live<T> {
  value: T | null; // the newest that came for this picture
  current: boolean; // is it what is asked for?
  failure: string | null; // a sentence
}

/** One question at a time; while it is answered, of those that come only the newest is kept. */
function useLive<T>(subject: Subject, ask: (subject: Subject) => Promise<T>): Live<T> {
  const [got, setGot] = useState<{ key: string; of: string; value: T | null; failure: string | null } | null>(null);
  const line = useRef<{ busy: boolean; next: Subject | null; gone: boolean }>({ busy: false, next: null, gone: false });
  const key = JSON.stringify(subject);
  useEffect(() => {
    const now = line.current;
    now.next = subject;
    const go = async () => {
      while (now.next && !now.gone) {
        const asked = now.next;
        now.next = null;
        const answer = { key: JSON.stringify(asked), of: asked.of };
        try {
          const value = await ask(asked);
          if (!now.gone) setGot({ ...answer, value, failure: null });
        } catch (error) {
          const failure = error instanceof DOMException ? "The edited picture could not be loaded." : noteFailure(error);
          if (!now.gone) setGot({ ...answer, value: null, failure });
        }
      }
      now.busy = false;
    };
    if (!now.busy) {
      now.busy = true;
      void go();
    }
  }, [key]);
  useEffect(() => () => void (line.current.gone = true), []);
  const mine = got?.of === subject.of ? got : null;
  return { value: mine?.value ?? null, current: mine?.key === key, failure: mine?.failure ?? null };
}

export const useTrial = (subject: Subject): Live<Trial> => useLive(subject, trialOf);
export const usePicture = (subject: Subject): Live<string> => useLive(subject, pictureOf);

/** Curves drawn so far, by picture, seed and kind; none has other edits held. */
export const curves = createStore<ReadonlyMap<string, Curve>>(new Map());
export const curveKey = (of: string, seed: string, kind: string): string => `${of} ${seed} ${kind}`;

const KEPT = 130; // ten pictures' curves

export function keepCurve(of: string, seed: string, curve: Curve): void {
  const next = new Map(curves.get());
  next.delete(curveKey(of, seed, curve.kind));
  next.set(curveKey(of, seed, curve.kind), curve);
  for (const old of next.keys()) {
    if (next.size <= KEPT) break;
    next.delete(old);
  }
  curves.set(next);
}
