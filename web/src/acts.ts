// What can be done with one picture, wherever one is shown: its details, its tile, its keys.
import { isUpload } from "./api";
import type { IconName } from "./components/icon";
import { aboutPicture, navigate, routes } from "./route";
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
  { view: "robustness", icon: "lab", label: "Test its robustness", key: "e", onTile: false },
  { view: "map", icon: "map", label: "Show on the map", key: "g", onTile: false },
];

/** Those whose view is there; an upload is on no map. */
export const actsOnPicture = (query = ""): readonly Act[] =>
  ACTS.filter(({ view }) => view in VIEWS && !(view === "map" && isUpload(query)));

export function act({ view }: Act, query: string): void {
  navigate(aboutPicture(routes.get(), view, query));
}

/** Whether the key is one of theirs; then it is done. */
export function actByKey(key: string, query: string): boolean {
  const meant = actsOnPicture(query).find((one) => one.key === key);
  if (meant) act(meant, query);
  return meant !== undefined;
}
