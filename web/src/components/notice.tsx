import type { ComponentChildren } from "preact";
import { asSentence } from "../format";
import { message } from "../state/overlays";
import { session } from "../state/session";
import { useStore } from "../state/store";
import { Icon, type IconName } from "./icon";

interface Props {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  actions?: ComponentChildren;
  tone?: "calm" | "bad";
}

/** A whole place that has something to say instead of pictures. */
export function Notice({ icon, title, children, actions, tone = "calm" }: Props) {
  return (
    <section class={`notice ${tone}`} role={tone === "bad" ? "alert" : undefined}>
      <Icon name={icon} size={36} />
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {actions && <div class="notice-actions">{actions}</div>}
    </section>
  );
}

/** The short message at the foot of the page. */
export function Toast() {
  const shown = useStore(message);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown && (
        <div class={`toast ${shown.tone}`}>
          <Icon name={shown.tone === "bad" ? "warning" : "info"} />
          <span>{shown.tone === "bad" ? asSentence(shown.text) : shown.text}</span>
          <button type="button" class="button bare" aria-label="Dismiss" onClick={() => message.set(null)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      )}
    </div>
  );
}

export function OfflineBar() {
  const { offline } = useStore(session);
  return (
    <div role="alert">
      {offline && (
        <p class="offline-bar">
          <Icon name="warning" size={16} /> The server does not answer. Start it again with{" "}
          <code>dinoscope serve</code>; this page waits for it.
        </p>
      )}
    </div>
  );
}
