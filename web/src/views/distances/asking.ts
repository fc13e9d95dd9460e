// What the server says of distances, asked once a set of pictures.
import { useEffect, useState } from "preact/hooks";
import { bytes, call, queryString, withSignal } from "../../api";
import { percent } from "../../format";
import { noteFailure } from "../../state/session";

export interface Pair {
  here: string;
  there: string;
  cosine: number;
  percentile: number | null; // of the library's random pairs, those less alike; null in a small library
  sentence: string;
}

export interface Distances {
  pictures: string[];
  order: number[]; // places in `pictures`, those alike together
  pairs: Pair[];
  quantiles: number[]; // 101 cosines below which 0 to 100 % of the library's pairs lie; or none
  model: string;
}

export interface Grid {
  rows: number;
  columns: number;
  shares: Uint8Array; // 255 is the most of this picture
}

export interface Why {
  here: Grid;
  there: Grid;
}

/** The pair of two pictures, whichever came first. */
export const pairOf = (found: Distances, one: string, other: string): Pair | undefined =>
  found.pairs.find(({ here, there }) => (here === one && there === other) || (here === other && there === one));

/** What a distance means, in a few words. */
export function saidOf({ cosine, percentile, sentence }: Pair): string {
  if (percentile === null || cosine >= SAME) return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
  return percentile >= 50 ? `Closer than ${percent(percentile)} of pairs` : `Farther apart than ${percent(100 - percentile)} of pairs`;
}

export const SAME = 0.9995; // cosine from which the model sees one and the same picture

const HEADER = 24;

/** Grids of what carries a likeness, as docs/api.md describes them. */
export function parseWhy(data: ArrayBuffer): Why {
  const view = new DataView(data);
  const [rows, columns, others, across] = [4, 6, 8, 10].map((at) => view.getUint16(at, true)) as [number, number, number, number];
  const shares = new Uint8Array(data, HEADER);
  return {
    here: { rows, columns, shares: shares.subarray(0, rows * columns) },
    there: { rows: others, columns: across, shares: shares.subarray(rows * columns) },
  };
}

export interface Got<T> {
  value: T | null;
  failure: string | null; // a sentence
}

function useGot<T>(address: string | null, get: (address: string, signal: AbortSignal) => Promise<T>): Got<T> {
  const [got, setGot] = useState<Got<T> & { address: string | null }>({ address: null, value: null, failure: null });
  useEffect(() => {
    if (address === null) return;
    const abort = new AbortController();
    get(address, abort.signal).then(
      (value) => setGot({ address, value, failure: null }),
      (error: unknown) => {
        const failure = noteFailure(error);
        if (failure) setGot({ address, value: null, failure });
      },
    );
    return () => abort.abort();
  }, [address]);
  return got.address === address ? got : { value: null, failure: null };
}

/** How far the pictures lie apart; nothing for fewer than two. */
export const useDistances = (these: readonly string[]): Got<Distances> =>
  useGot(these.length > 1 ? queryString({ picture: these }) : null, (address, signal) =>
    call<Distances>(`/distances${address}`, withSignal(signal)),
  );

/** What carries the likeness of two; nothing while it is not asked for. */
export const useWhy = (here: string, there: string, asked: boolean): Got<Why> =>
  useGot(asked ? queryString({ here, there }) : null, async (address, signal) =>
    parseWhy(await bytes(`/distances/why${address}`, withSignal(signal))),
  );
