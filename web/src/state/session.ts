// What is known of the server: is it there, does it know us, which library does it show.
import { api, ApiError, isAbort } from "../api";
import type { About } from "../wire";
import { createStore } from "./store";

export interface Session {
  about: About | null;
  offline: boolean;
  locked: boolean; // it wants a token
  failure: string | null; // the server's sentence, when it could not say what it serves
}

export const session = createStore<Session>({ about: null, offline: false, locked: false, failure: null });

/** Ask again what the server serves; never throws. */
export async function refreshAbout(): Promise<void> {
  try {
    session.set({ about: await api.about(), offline: false, locked: false, failure: null });
  } catch (error) {
    noteFailure(error);
    if (error instanceof ApiError && !error.offline && error.status !== 401) {
      session.update({ failure: error.message });
    }
  }
}

/** Let a failed call tell the whole page what it means; the sentence to show, or null for an abort. */
export function noteFailure(error: unknown): string | null {
  if (isAbort(error)) return null;
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  if (error.status === 401) session.update({ locked: true });
  if (error.offline && !session.get().offline) {
    session.update({ offline: true });
    knockUntilOpen();
  }
  return error.message;
}

const KNOCK_MS = 3000;

function knockUntilOpen(): void {
  setTimeout(() => {
    void refreshAbout().then(() => {
      if (session.get().offline) knockUntilOpen();
    });
  }, KNOCK_MS);
}
