// Copies as the server knows them: looked for when somebody asks, and listed at any threshold.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { call, isAbort, queryString, send, withSignal } from "../../api";
import { feedsVersion } from "../../state/feeds";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import type { Picture } from "../../wire";
import type { Matrix } from "./geometry";

export interface CopiesState {
  state: "none" | "running" | "ready" | "failed";
  stage: string;
  done: number;
  total: number;
  checked: number;
  unchecked: number;
  found: number;
  held: number;
  error: string | null;
}

export type Outline = readonly (readonly [x: number, y: number])[];

export interface Found {
  copy: number; // probability: the same picture, edited
  similar: number;
  edits: readonly { name: string; title: string }[];
  edited: "here" | "there";
  here: Outline; // in original pixels
  there: Outline;
  matrix: Matrix | readonly []; // here's pixels to there's
  sharper: number;
}

export interface Pair {
  here: number;
  there: number;
  found: Found;
  marked: boolean;
}

export interface Member {
  picture: Picture;
  spare: boolean;
  why: string;
}

export interface Group {
  keep: number;
  members: readonly Member[];
  pairs: readonly Pair[];
  freed: number;
}

export interface Groups {
  at_least: number;
  groups: readonly Group[];
  total: number;
  next_offset: number | null;
  spare: number;
  freed: number;
  similar: number;
  unchecked: number;
  read_only: boolean;
}

export interface Moved {
  batch: number;
  moved: readonly string[];
  refused: readonly string[];
}

const ASK_MS = 500;
const PAGE = 100;

export interface Copies {
  state: CopiesState | null; // null: not known yet
  groups: Groups | null;
  failure: string | null; // a sentence
  look: () => void; // compare what was not compared yet
  more: () => void; // the next page of groups
  refresh: () => void; // something was marked or moved
}

export function useCopies(atLeast: string): Copies {
  const [state, setState] = useState<CopiesState | null>(null);
  const [groups, setGroups] = useState<Groups | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const [looks, setLooks] = useState(0);
  const version = useStore(feedsVersion);
  const looked = useRef(0);
  const fail = useCallback((error: unknown) => {
    if (!isAbort(error)) setFailure(noteFailure(error));
  }, []);
  useEffect(() => {
    const abort = new AbortController();
    const rest = () => new Promise((done) => setTimeout(done, ASK_MS));
    const follow = async () => {
      const begin = looks > looked.current;
      looked.current = looks;
      let now = await (begin ? call<CopiesState>("/copies", { method: "POST", ...withSignal(abort.signal) }) : call<CopiesState>("/copies/state", withSignal(abort.signal)));
      setState(now);
      while (now.state === "running") {
        await rest();
        now = await call<CopiesState>("/copies/state", withSignal(abort.signal));
        setState(now);
      }
      if (begin) setRound((n) => n + 1);
    };
    follow().catch(fail);
    return () => abort.abort();
  }, [looks, version]);
  useEffect(() => {
    const abort = new AbortController();
    call<Groups>(`/copies${queryString({ at_least: atLeast, limit: PAGE })}`, withSignal(abort.signal)).then((found) => {
      setFailure(null);
      setGroups(found);
    }, fail);
    return () => abort.abort();
  }, [atLeast, round, version]);
  const more = () => {
    if (!groups?.next_offset) return;
    call<Groups>(`/copies${queryString({ at_least: atLeast, limit: PAGE, offset: groups.next_offset })}`).then(
      (next) => setGroups({ ...next, groups: [...groups.groups, ...next.groups] }),
      fail,
    );
  };
  return { state, groups, failure, look: () => setLooks((n) => n + 1), more, refresh: () => setRound((n) => n + 1) };
}

export const mark = (here: number, there: number, copies: boolean): Promise<void> =>
  call("/copies/marks", send("POST", { here, there, copies }));

export const toTrash = (pictures: readonly number[]): Promise<Moved> => call("/copies/trash", send("POST", { pictures }));

export const fromTrash = (batch: number): Promise<Moved> => call(`/copies/undo${queryString({ batch })}`, { method: "POST" });
