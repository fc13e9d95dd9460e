// Selected pictures, in the order they were selected. Several make one search.
import { createStore } from "./store";

export const selection = createStore<readonly number[]>([]);

let anchor: number | null = null; // where a range with Shift starts

export function toggleSelected(id: number): void {
  const now = selection.get();
  selection.set(now.includes(id) ? now.filter((one) => one !== id) : [...now, id]);
  anchor = id;
}

/** Select everything from the last picture touched to this one, in the order shown. */
export function selectThrough(id: number, shown: readonly number[]): void {
  const from = anchor === null ? -1 : shown.indexOf(anchor);
  const to = shown.indexOf(id);
  if (from < 0 || to < 0) {
    toggleSelected(id);
    return;
  }
  const range = shown.slice(Math.min(from, to), Math.max(from, to) + 1);
  selection.set([...new Set([...selection.get(), ...range])]);
}

export function clearSelection(): void {
  selection.set([]);
  anchor = null;
}
