// What is asked of the server for a pair. It keeps the match, so all these questions cost it little.
import { useEffect, useState } from "preact/hooks";
import { bytes, call, queryString, send, withSignal } from "../../api";
import type { Knobs } from "../../knobs";
import { asksSomething, partsOf, type Mark } from "../../marks";
import { noteFailure } from "../../state/session";
import { parseCosines, parseDense, parseTransfer, type Cosines, type Dense, type Transferred } from "./grids";

export interface Question {
  here: string;
  there: string;
  patches: string; // "": the server's choice
  mirrored: string; // "": both ways are tried
}

export interface Link {
  here: [x: number, y: number]; // px of each original
  there: [x: number, y: number];
  similarity: number; // [-1, 1]
  confidence: number; // [0, 1]; orders links
}

export interface Orientation {
  mirrored: boolean;
  straight_score: number;
  mirrored_score: number;
  chosen: boolean; // it was asked for
  ambiguous: boolean;
  sentence: string;
}

export interface Matched {
  links: Link[]; // best first
  orientation: Orientation;
  likeness: number;
  note: string | null;
  seconds: number;
  encode_seconds: number;
}

export interface Geometry {
  relation: "plane" | "cameras" | "none";
  sentence: string;
  matrix: number[][] | null; // a plane's: from here to there
  agreeing: number;
  matched: number;
  points: [x: number, y: number, xThere: number, yThere: number][];
}

export const questionOf = (here: string, there: string, knobs: Knobs): Question => ({
  here,
  there,
  patches: knobs["patches"] ?? "",
  mirrored: knobs["mirrored"] ?? "",
});

export interface Answered<T> {
  value: T | null; // the last that came for this pair, while the next is waited for
  waiting: boolean;
  failure: string | null; // a sentence
}

/** Ask whenever the address changes; null asks nothing. A value of another `subject` is not shown meanwhile. */
function useAnswer<T>(subject: string, address: string | null, ask: (address: string, signal: AbortSignal) => Promise<T>): Answered<T> {
  const [got, setGot] = useState<{ subject: string; address: string; value: T | null; failure: string | null } | null>(null);
  useEffect(() => {
    if (address === null) return;
    const abort = new AbortController();
    const put = (value: T | null, failure: string | null) => {
      if (!abort.signal.aborted) setGot({ subject, address, value, failure });
    };
    ask(address, abort.signal).then((value) => put(value, null), (error: unknown) => put(null, noteFailure(error)));
    return () => abort.abort();
  }, [subject, address]);
  const mine = got?.subject === subject ? got : null;
  return {
    value: mine?.value ?? null,
    waiting: address !== null && mine?.address !== address,
    failure: mine?.address === address ? (mine?.failure ?? null) : null,
  };
}

const pairOf = ({ here, there }: Question): string => `${here} ${there}`;
const query = (question: Question): string => queryString({ ...question });

export const useMatch = (question: Question): Answered<Matched> =>
  useAnswer(pairOf(question), query(question), (address, signal) => call<Matched>(`/match${address}`, withSignal(signal)));

export const useCosines = (question: Question): Answered<Cosines> =>
  useAnswer(pairOf(question), query(question), async (address, signal) => parseCosines(await bytes(`/match/cosines${address}`, withSignal(signal))));

export const useDense = (question: Question): Answered<Dense> =>
  useAnswer(pairOf(question), query(question), async (address, signal) => parseDense(await bytes(`/match/dense${address}`, withSignal(signal))));

/** Asked once the match is there: it has the right of way. */
export const useGeometry = ({ here, there }: Question, ready: boolean): Answered<Geometry> =>
  useAnswer(`${here} ${there}`, ready ? queryString({ here, there }) : null, (address, signal) =>
    call<Geometry>(`/match/geometry${address}`, withSignal(signal)),
  );

/** Where the marked part lies in the other picture: asked again as fast as the server answers, while a hand still draws. */
export function useTransfer(question: Question, marks: readonly Mark[], ready: boolean): Answered<Transferred> {
  const parts = ready && asksSomething(marks) ? JSON.stringify(partsOf(marks)) : null;
  const key = parts && `${query(question)} ${parts}`;
  const [busy, setBusy] = useState(false);
  const [got, setGot] = useState<{ key: string; value: Transferred | null; failure: string | null } | null>(null);
  useEffect(() => {
    if (key === null || parts === null || busy || got?.key === key) return;
    setBusy(true);
    bytes(`/match/transfer${query(question)}`, send("POST", JSON.parse(parts)))
      .then(
        (buffer) => setGot({ key, value: parseTransfer(buffer), failure: null }),
        (error: unknown) => setGot({ key, value: null, failure: noteFailure(error) }),
      )
      .finally(() => setBusy(false));
  }, [key, busy]);
  const pair = key !== null && got?.key.startsWith(`${query(question)} `);
  return {
    value: pair ? (got?.value ?? null) : null,
    waiting: key !== null && got?.key !== key,
    failure: pair ? (got?.failure ?? null) : null,
  };
}
