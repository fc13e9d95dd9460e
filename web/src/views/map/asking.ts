// The map as the server has it: laid out when there is none, and fetched once a revision.
import { useEffect, useRef, useState } from "preact/hooks";
import { bytes, call, isAbort, queryString, withSignal } from "../../api";
import { expressionOf, type Filters } from "../../filters";
import { feedsVersion } from "../../state/feeds";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { Index, parsePoints } from "./points";

export interface MapState {
  state: "none" | "running" | "ready" | "failed";
  stage: string;
  done: number;
  total: number;
  method: "pacmap" | "pca" | null;
  pictures: number;
  fitted: number;
  revision: string;
  error: string | null;
  note: string | null; // a sentence when shards that did not answer are missing
}

export interface Mapped {
  state: MapState | null; // null: not known yet
  index: Index | null; // the points; of the last map while a new one is made
  failure: string | null; // a sentence
  again: () => void; // lay it out anew
}

const ASK_MS = 400;

let last: { revision: string; index: Index } | null = null; // kept when the page is left

export function useMap(): Mapped {
  const [state, setState] = useState<MapState | null>(null);
  const [index, setIndex] = useState<Index | null>(last?.index ?? null);
  const [failure, setFailure] = useState<string | null>(null);
  const [round, setRound] = useState({ number: 0, again: false });
  const version = useStore(feedsVersion); // one more when pictures were added or forgotten
  const served = useRef(-1); // the round that was asked for to be made anew
  useEffect(() => {
    const abort = new AbortController();
    const anew = round.again && served.current !== round.number;
    served.current = round.number;
    const rest = () => new Promise((done) => setTimeout(done, ASK_MS));
    const follow = async () => {
      let now = await call<MapState>(`/map${anew ? "?again=true" : ""}`, { method: "POST", ...withSignal(abort.signal) });
      setState(now);
      while (now.state === "running") {
        await rest();
        now = await call<MapState>("/map", withSignal(abort.signal));
        setState(now);
      }
      if (now.state !== "ready") {
        setFailure(now.error ?? "There is no map of this library.");
        return;
      }
      if (last?.revision !== now.revision) {
        const fresh = new Index(parsePoints(await bytes("/map/points", withSignal(abort.signal))));
        last = { revision: now.revision, index: fresh };
      }
      setFailure(null);
      setIndex(last.index);
    };
    follow().catch((error: unknown) => {
      if (!isAbort(error)) setFailure(noteFailure(error));
    });
    return () => abort.abort();
  }, [round, version]);
  return { state, index, failure, again: () => setRound({ number: round.number + 1, again: true }) };
}

/** Which points pass the filters, in the points' order; null: all do, or it is not known yet. */
export function usePassing(index: Index | null, filters: Filters): Uint8Array | null {
  const where = expressionOf(filters);
  const [got, setGot] = useState<{ where: string; index: Index; passing: Uint8Array } | null>(null);
  useEffect(() => {
    if (!where || !index) return;
    const abort = new AbortController();
    bytes(`/map/passing${queryString({ where })}`, withSignal(abort.signal)).then(
      (data) => setGot({ where, index, passing: spread(new Uint8Array(data), index.points.source) }),
      (error: unknown) => void noteFailure(error),
    );
    return () => abort.abort();
  }, [where, index]);
  return where && got?.where === where && got.index === index ? got.passing : null;
}

function spread(bits: Uint8Array, source: Uint32Array): Uint8Array {
  return Uint8Array.from(source, (from) => ((bits[from >> 3] as number) >> (from & 7)) & 1);
}
