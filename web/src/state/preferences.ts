// Choices that stay in this browser.
import { createStore, type Store } from "./store";

export type Theme = "system" | "light" | "dark";
export type Density = "small" | "medium" | "large";
export type Shape = "whole" | "square"; // pictures whole in justified rows, or cropped to squares

/** A choice that outlives the page. */
export function kept<T extends string>(name: string, options: readonly T[], initial: T): Store<T> {
  const key = `dinoscope.${name}`;
  const read = (): T => {
    try {
      return options.find((one) => one === localStorage.getItem(key)) ?? initial;
    } catch {
      return initial; // storage is forbidden: nothing is remembered, nothing breaks
    }
  };
  const store = createStore<T>(read());
  store.subscribe(() => {
    try {
      localStorage.setItem(key, store.get());
    } catch {
      // as above
    }
  });
  return store;
}

export const theme = kept<Theme>("theme", ["system", "light", "dark"], "system");
export const density = kept<Density>("density", ["small", "medium", "large"], "medium");
export const shape = kept<Shape>("shape", ["whole", "square"], "whole");

/** Let the page wear the chosen theme, now and whenever it changes. */
export function applyTheme(): void {
  const wear = () => {
    if (theme.get() === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme.get();
  };
  wear();
  theme.subscribe(wear);
}
