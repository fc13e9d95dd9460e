// The keyboard: one table, shown by "?" exactly as it works.

export interface Shortcut {
  keys: readonly string[];
  does: string;
}

export const SHORTCUTS: readonly { title: string; shortcuts: readonly Shortcut[] }[] = [
  {
    title: "Moving",
    shortcuts: [
      { keys: ["←", "→", "↑", "↓"], does: "From picture to picture" },
      { keys: ["Enter"], does: "Show similar pictures" },
      { keys: ["i"], does: "Details of the picture" },
      { keys: ["Esc"], does: "Back: close, unselect, clear the search" },
    ],
  },
  {
    title: "Searching",
    shortcuts: [
      { keys: ["+"], does: "More like this" },
      { keys: ["−"], does: "Not like this" },
      { keys: ["p"], does: "Select a part, and find it everywhere" },
      { keys: ["m", "o", "e"], does: "Match it, look inside it, test its robustness" },
      { keys: ["u"], does: "Choose a picture of your own" },
      { keys: ["Ctrl", "V"], does: "Search by the picture on the clipboard" },
      { keys: ["/"], does: "Filter by name" },
      { keys: ["Ctrl", "K"], does: "Filter by name" },
    ],
  },
  {
    title: "Selecting",
    shortcuts: [
      { keys: ["x"], does: "Select" },
      { keys: ["Shift", "x"], does: "Select through to here" },
      { keys: ["s"], does: "Search by everything selected" },
    ],
  },
  {
    title: "Marking a part",
    shortcuts: [
      { keys: ["b", "l", "r", "d"], does: "Box, lasso, brush, eraser" },
      { keys: ["w", "n"], does: "This, not this" },
      { keys: ["Shift"], does: "Add to what is marked" },
      { keys: ["Ctrl", "Z"], does: "Undo" },
      { keys: ["h", "v"], does: "Heat maps, close-ups" },
    ],
  },
  {
    title: "Looking inside",
    shortcuts: [
      { keys: ["1", "2", "3"], does: "Parts, attention, likeness" },
      { keys: ["←", "→", "↑", "↓"], does: "On the picture: the place that is marked" },
    ],
  },
  {
    title: "Matching two pictures",
    shortcuts: [
      { keys: ["1", "2", "3", "4"], does: "Links, colours, a part, geometry" },
      { keys: ["←", "→", "↑", "↓"], does: "On a picture: the place that is marked" },
      { keys: ["f"], does: "Swap the two" },
    ],
  },
  {
    title: "Robustness lab",
    shortcuts: [
      { keys: ["Space"], does: "On the picture, held: the original" },
      { keys: ["←", "→"], does: "On a slider: weaker, stronger" },
    ],
  },
  {
    title: "On the map, and distances",
    shortcuts: [
      { keys: ["g"], does: "Show the picture on the map" },
      { keys: ["+", "−", "0"], does: "Closer, farther, the whole map" },
      { keys: ["l", "Shift"], does: "Lasso: draw round pictures to select them" },
      { keys: ["d"], does: "Thumbnails, or dots only" },
      { keys: ["w"], does: "Distances: what makes two alike" },
    ],
  },
  {
    title: "Copies",
    shortcuts: [
      { keys: ["←", "→"], does: "From copy to copy within a set" },
      { keys: ["↑", "↓"], does: "From set to set" },
      { keys: ["k"], does: "Keep it, or not" },
      { keys: ["n"], does: "Not a copy" },
      { keys: ["Del"], does: "Move the spare ones to the trash" },
      { keys: ["u"], does: "Undo" },
      { keys: ["1", "2", "3"], does: "Side by side, slider, what differs" },
    ],
  },
  {
    title: "My things",
    shortcuts: [
      { keys: ["k"], does: "Remember a thing in the picture" },
      { keys: ["f"], does: "Look for my things in it" },
      { keys: ["y", "n"], does: "On a picture with it: yes; no, that is another one" },
    ],
  },
  {
    title: "The page",
    shortcuts: [
      { keys: ["a"], does: "Add pictures to the library" },
      { keys: ["t"], does: "Light, dark or the system's theme" },
      { keys: ["?"], does: "This list" },
    ],
  },
];

/** True when keys belong to somebody else: a field is being typed in, or a dialog or panel is open. */
export function keysRest(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target as Element | null;
  return Boolean(target?.closest?.("input:not([type=file]), textarea, select, dialog, .panel, [contenteditable]"));
}
