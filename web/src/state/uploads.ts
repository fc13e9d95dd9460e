// Pictures of one's own: dropped, pasted or chosen. The server keeps them in memory for the search only.
import { api } from "../api";
import { aboutPicture, MOST_THESE, navigate, routes, similarTo, withQuery, type Route } from "../route";
import { say, dialog } from "./overlays";
import { noteFailure, session } from "./session";
import { createStore } from "./store";
import { withPhotos } from "./things";

export const uploading = createStore(0); // pictures on their way

/** Names of uploaded pictures, by query, for the labels of their chips. */
export const uploadNames = new Map<string, string>();

const TOGETHER = 8; // more examples than this do not sharpen a search

export interface Receiver {
  does: string; // "Let go to …"
  asks: string; // what the search field offers
  take?: (route: Route, queries: readonly string[]) => Partial<Route>; // where pictures go; left out: to the search
}

const SEARCH: Receiver = { does: "find pictures like it", asks: "Find pictures like yours" };

const about = (view: string, does: string, asks: string): Receiver => ({
  does,
  asks,
  take: (route, [first]) => aboutPicture(route, view, first ?? route.of),
});

const thingOf = ({ knobs: { thing } }: Route) => (thing ? { thing } : {});

// What a view does with a picture of one's own; the others leave it to the search.
const RECEIVERS: Record<string, Receiver> = {
  part: about("part", "select a part of it", "Select a part of yours"),
  look: about("look", "look inside it", "Look inside yours"),
  robustness: about("robustness", "test it", "Test a picture of yours"),
  match: {
    does: "match it",
    asks: "Match a picture of yours",
    take: (route, [first, second]) =>
      second !== undefined || !route.of
        ? { ...aboutPicture(route, "match", first ?? ""), there: second ?? route.there }
        : { there: first ?? "", picture: null },
  },
  objects: {
    does: "look for it there",
    asks: "Look in a picture of yours",
    take: (route, [first]) => ({ ...aboutPicture(route, "objects", first ?? route.of), knobs: thingOf(route) }),
  },
  remember: { does: "teach a thing from it", asks: "Teach a thing from yours", take: withPhotos },
  distances: {
    does: "measure how far it is",
    asks: "Measure a picture of yours",
    take: (route, queries) => ({ these: [...new Set([...route.these, ...queries])].slice(-MOST_THESE), picture: null }),
  },
};

export const receiverOf = ({ view }: Route): Receiver => RECEIVERS[view] ?? SEARCH;

/** Search by these pictures, or let the view that is shown have them; `add` joins them to the current search. */
export async function searchByFiles(files: readonly File[], add = false): Promise<void> {
  const taken = files.slice(0, TOGETHER);
  if (files.length > TOGETHER) say(`The first ${TOGETHER} pictures are used.`);
  uploading.set(uploading.get() + taken.length);
  const queries = (await Promise.all(taken.map(upload))).filter((query) => query !== null);
  uploading.set(uploading.get() - taken.length);
  const [first, ...rest] = queries;
  if (first === undefined) return;
  const { take } = receiverOf(routes.get());
  if (take) {
    navigate(take(routes.get(), queries));
    return;
  }
  const start = add ? routes.get() : { ...routes.get(), ...similarTo(routes.get(), first) };
  navigate(withQuery(start, "like", first, ...rest));
}

async function upload(file: File): Promise<string | null> {
  const most = session.get().about?.limits.max_bytes ?? Infinity;
  if (file.size > most) {
    say(`${file.name} is larger than the server takes: choose a smaller copy.`, "bad");
    return null;
  }
  try {
    const { query } = await api.upload(file);
    uploadNames.set(query, file.name || "Pasted picture");
    return query;
  } catch (error) {
    say(noteFailure(error) ?? "The upload was cancelled.", "bad");
    return null;
  }
}

/** The files of a drop or a paste; a dropped folder opens the folder chooser instead. */
export function takeTransfer(transfer: DataTransfer, add: boolean): boolean {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.some((entry) => entry?.isDirectory)) {
    say("A browser hides where a dropped folder lies: choose it here to add it to the library.");
    dialog.set("folders");
    return true;
  }
  const files = [...transfer.files];
  if (files.length === 0) return false;
  void searchByFiles(files, add);
  return true;
}
