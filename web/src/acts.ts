// What can be done with one picture, wherever one is shown: its details, its tile, its keys.
import { isUpload } from "./api";
import type { IconName } from "./components/icon";
import { aboutPicture, navigate, routes, type Route } from "./route";
import { VIEWS } from "./views";

export interface Act {
  view: string;
  icon: IconName;
  label: string;
  key: string;
  onTile: boolean; // also a tool on a tile that is wide enough
}

const ACTS: readonly Act[] = [
  { view: "match", icon: "match", label: "Match", key: "m", onTile: true },
  { view: "look", icon: "look", label: "Look inside", key: "o", onTile: true },
  { view: "robustness", icon: "lab", label: "Robustness", key: "e", onTile: false },
  { view: "remember", icon: "tag", label: "Remember a thing in it", key: "k", onTile: false },
  { view: "objects", icon: "thing", label: "Look for my things in it", key: "f", onTile: false },
  { view: "map", icon: "map", label: "On the map", key: "g", onTile: false },
];

/** Those whose view is there; an upload is on no map. */
export const actsOnPicture = (query = ""): readonly Act[] =>
  ACTS.filter(({ view }) => view in VIEWS && !(view === "map" && isUpload(query)));

/** Where it leads. A hit is matched with what it was found by, and in a search for a part with the part marked. */
export function leadsTo({ view }: Act, query: string, route: Route): Partial<Route> {
  const about = aboutPicture(route, view, query);
  const asked = foundBy(route);
  if (view !== "match" || !asked || asked === query) return about;
  const part = route.view === "part" && route.marks.length > 0;
  return { ...about, of: asked, there: query, ...(part && { marks: route.marks, knobs: { show: "part" } }) };
}

/** The one picture that what is shown was found by; "" for none, or for several. */
function foundBy({ view, of, like }: Route): string {
  if (view === "part" || view === "match") return of;
  return view === "" && like.length === 1 ? (like[0] as string) : "";
}

export function act(one: Act, query: string): void {
  navigate(leadsTo(one, query, routes.get()));
}

/** Whether the key is one of theirs; then it is done. */
export function actByKey(key: string, query: string): boolean {
  const meant = actsOnPicture(query).find((one) => one.key === key);
  if (meant) act(meant, query);
  return meant !== undefined;
}
