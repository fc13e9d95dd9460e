// Keys that work wherever the cursor stands.
import { FILTER_FIELD } from "./components/filter-bar";
import { OWN_PICTURE } from "./components/query-bar";
import { searchSelected } from "./components/selection-bar";
import { keysRest } from "./keys";
import { isSearch, leaving, navigate, routes, turn } from "./route";
import { dialog, say } from "./state/overlays";
import { clearPart } from "./state/part";
import { theme, type Theme } from "./state/preferences";
import { clearSelection, selection } from "./state/selection";
import { session } from "./state/session";

const NEXT_THEME: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

const ACTS: Record<string, () => void> = {
  "?": () => dialog.set("shortcuts"),
  "/": focusFilter,
  a: () => {
    if (!session.get().about?.library.read_only) dialog.set("folders");
  },
  u: () => document.getElementById(OWN_PICTURE)?.click(),
  s: searchSelected,
  t: () => {
    theme.set(NEXT_THEME[theme.get()]);
    say(`Theme: ${theme.get()}`);
  },
  Escape: goBack,
};

export function onGlobalKey(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    focusFilter();
    return;
  }
  const act = keysRest(event) ? undefined : ACTS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function focusFilter(): void {
  const field = document.getElementById(FILTER_FIELD) as HTMLInputElement | null;
  if (!field) return;
  field.focus();
  field.select();
}

const isPin = (knob: string): boolean => knob === "at" || knob.endsWith("_at");

/** Undo the nearest thing: the selection, then a point that was pinned, then the search, then leaving the library. */
function goBack(): void {
  const route = routes.get();
  if (["part", "remember"].includes(route.view) && route.marks.length + route.more.length + route.less.length > 0) clearPart();
  else if (selection.get().length > 0) clearSelection();
  else if (Object.keys(route.knobs).some(isPin)) turn({ at: "", here_at: "", there_at: "" });
  else if (isSearch(route) || route.view !== "") navigate(leaving());
}
