// What can be done with one picture, wherever one is shown: its details, its tile, its keys.
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
];

/** Those whose view is there. */
export const actsOnPicture = (): readonly Act[] => ACTS.filter(({ view }) => view in VIEWS);

export function act({ view }: Act, query: string): void {
  navigate(aboutPicture(routes.get(), view, query));
}

/** Whether the key is one of theirs; then it is done. */
export function actByKey(key: string, query: string): boolean {
  const meant = actsOnPicture().find((one) => one.key === key);
  if (meant) act(meant, query);
  return meant !== undefined;
}
