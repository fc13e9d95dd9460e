// What the picture is called that a view is about, and how large it is.
import { useEffect, useState } from "preact/hooks";
import { api } from "../api";
import { noteFailure } from "./session";
import { uploadNames } from "./uploads";

export interface Asked {
  query: string;
  width: number; // of the original, upright, px
  height: number;
  name: string;
}

export async function pictureAsked(query: string, signal: AbortSignal): Promise<Asked> {
  if (query.startsWith("q_")) {
    const { width, height } = await api.uploaded(query, signal);
    return { query, width, height, name: uploadNames.get(query) ?? "Your picture" };
  }
  const { width, height, name } = await api.picture(Number(query), signal);
  return { query, width, height, name };
}

export interface Asking {
  asked: Asked | null; // null: not known yet, or failed
  failure: string | null; // a sentence
}

/** The picture a query names; nothing while the query is empty. */
export function useAsked(query: string): Asking {
  const [asking, setAsking] = useState<Asking>({ asked: null, failure: null });
  useEffect(() => {
    setAsking({ asked: null, failure: null });
    if (!query) return;
    const abort = new AbortController();
    pictureAsked(query, abort.signal).then(
      (asked) => setAsking({ asked, failure: null }),
      (error: unknown) => setAsking({ asked: null, failure: noteFailure(error) }),
    );
    return () => abort.abort();
  }, [query]);
  return asking.asked && asking.asked.query !== query ? { asked: null, failure: null } : asking;
}
