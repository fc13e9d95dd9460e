import { SHORTCUTS } from "../keys";
import { dialog } from "../state/overlays";
import { CloseButton, Modal } from "./modal";

export function ShortcutSheet() {
  const close = () => dialog.set(null);
  return (
    <Modal label="Keyboard shortcuts" kind="sheet" onClose={close} onKeyDown={(event) => event.key === "?" && close()}>
      <header class="sheet-head">
        <h2>Keyboard shortcuts</h2>
        <CloseButton onClose={close} />
      </header>
      <div class="shortcuts" role="region" aria-label="All of them" tabIndex={0}>
        {SHORTCUTS.map(({ title, shortcuts }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {shortcuts.map(({ keys, does }) => (
                <div key={does + keys.join("")}>
                  <dt>{does}</dt>
                  <dd>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
