import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

interface Props {
  label: string;
  kind: "sheet" | "stage"; // a small window, or the whole screen
  onClose: () => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  children: ComponentChildren;
}

/** A native dialog: the browser keeps the focus inside and gives it back afterwards. */
export function Modal({ label, kind, onClose, onKeyDown, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);

  useLayoutEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    const dialog = element.current as HTMLDialogElement;
    dialog.showModal();
    dialog.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      dialog.close(); // first: what lies under an open dialog takes no focus
      if (opener?.isConnected) opener.focus({ preventScroll: true });
    };
  }, []);

  return (
    <dialog
      ref={element}
      class={`modal ${kind}`}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        onKeyDown?.(event);
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose(); // the backdrop
      }}
    >
      {children}
    </dialog>
  );
}

export function CloseButton({ onClose, label = "Close" }: { onClose: () => void; label?: string }) {
  return (
    <button type="button" class="button bare" data-first aria-label={label} title={`${label} (Esc)`} onClick={onClose}>
      <Icon name="close" size={20} />
    </button>
  );
}
