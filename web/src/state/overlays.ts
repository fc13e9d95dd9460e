// What lies over the page: one dialog at a time, and short messages that go away.
import { createStore } from "./store";

export type Dialog = "folders" | "shortcuts" | null;

export const dialog = createStore<Dialog>(null);

export interface Message {
  text: string;
  tone: "plain" | "bad";
}

export const message = createStore<Message | null>(null);

const SHOWN_MS = 6000;
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string, tone: Message["tone"] = "plain"): void {
  clearTimeout(timer);
  message.set({ text, tone });
  timer = setTimeout(() => message.set(null), SHOWN_MS);
}
