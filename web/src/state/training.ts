// Trainings: which there are, and the one that is looked at, measure by measure.
import { api, followRun } from "../api";
import type { Measure, NewRun, Run, Starting } from "../wire";
import { noteFailure } from "./session";
import { createStore, type Store } from "./store";

/** null: not asked yet. */
export const runs = createStore<readonly Run[] | null>(null);

/** Begun from the page, and still without a run of its own. */
export const starting = createStore<Starting | null>(null);

export interface Seen {
  name: string; // of the run the measures belong to
  measures: readonly Measure[]; // oldest first, thinned
  loaded: boolean;
}

const NOTHING: Seen = { name: "", measures: [], loaded: false };
export const seen = createStore<Seen>(NOTHING);

const POLL_MS = 4000;
const SOON_MS = 1000; // while pictures are looked for
const MOST = 1200; // measures asked for: more than a chart has pixels
const ROOM = 2 * MOST; // measures kept before every second is dropped

/** Keep the list of trainings fresh, whoever starts one; the returned function ends it. */
export function watchRuns(): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const abort = new AbortController();
  const ask = async () => {
    try {
      const fresh = await api.runs(abort.signal);
      put(runs, fresh.runs);
      put(starting, fresh.starting);
    } catch (error) {
      noteFailure(error);
    }
    const pace = starting.get()?.failed === false ? SOON_MS : POLL_MS;
    if (!abort.signal.aborted) timer = setTimeout(ask, pace);
  };
  void ask();
  return () => {
    abort.abort();
    clearTimeout(timer);
  };
}

function put<T>(store: Store<T>, fresh: T): void {
  if (JSON.stringify(fresh) !== JSON.stringify(store.get())) store.set(fresh);
}

/** Begin a training; the sentence to show when the server will not. */
export async function beginRun(run: NewRun): Promise<string | null> {
  try {
    starting.set(await api.beginRun(run));
    return null;
  } catch (error) {
    return noteFailure(error);
  }
}

/** Load a run's measures and follow it while it trains; the returned function stops. */
export function watchRun(run: Run): () => void {
  const abort = new AbortController();
  let stop = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (seen.get().name !== run.name) seen.set({ ...NOTHING, name: run.name });

  const follow = () => {
    const since = seen.get().measures.at(-1)?.step ?? -1;
    stop = followRun(run.name, since, {
      measures: (fresh) => seen.update({ measures: joined(seen.get().measures, fresh) }),
      rewound: (step) => seen.update({ measures: seen.get().measures.filter((one) => one.step <= step) }),
      run: (now) => runs.set((runs.get() ?? []).map((one) => (one.name === now.name ? now : one))),
      lost: () => (timer = setTimeout(follow, POLL_MS)),
    });
  };
  api.measures(run.name, MOST, abort.signal).then(
    (measures) => {
      seen.update({ measures, loaded: true });
      if (run.state === "running") follow();
    },
    (error: unknown) => {
      noteFailure(error);
      seen.update({ loaded: true });
    },
  );
  return () => {
    abort.abort();
    stop();
    clearTimeout(timer);
  };
}

/** With newer measures behind; when there are too many, every second goes, but none with a probe. */
export function joined(known: readonly Measure[], fresh: readonly Measure[]): readonly Measure[] {
  const last = known.at(-1)?.step ?? -1;
  const all = [...known, ...fresh.filter((one) => one.step > last)];
  if (all.length <= ROOM) return all;
  return all.filter((one, i) => i % 2 === 0 || i === all.length - 1 || Object.keys(one.probe).length > 0);
}
