import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon";

interface Props {
  label: string; // what the button says, or its accessible name when `bare`
  icon?: IconName;
  bare?: boolean; // the icon alone
  active?: boolean; // something is set in it
  align?: "start" | "end";
  onOpen?: () => void;
  children: (close: () => void) => ComponentChildren;
}

/** A button that opens a small panel beneath itself; Esc or a press elsewhere closes it. */
export function Popover({ label, icon, bare, active, align = "start", onOpen, children }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useId();

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };

  useEffect(() => {
    if (!open) return;
    onOpen?.();
    keepInView(box.current?.querySelector<HTMLElement>(".panel"));
    box.current?.querySelector<HTMLElement>(".panel input, .panel button, .panel a")?.focus();
    const elsewhere = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    event.stopPropagation(); // the page's own keys rest while a panel is open
    if (event.key === "Escape") close();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      moveFocus(event.currentTarget as HTMLElement, event.key === "ArrowDown" ? 1 : -1);
    }
  };

  return (
    <div class="popover" ref={box} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        class={bare ? "button bare" : `pill${active ? " active" : ""}`}
        aria-expanded={open}
        aria-controls={open ? panel : undefined}
        aria-label={bare ? label : undefined}
        title={bare ? label : undefined}
        onClick={() => setOpen(!open)}
      >
        {icon && <Icon name={icon} size={bare ? 20 : 16} />}
        {!bare && <span>{label}</span>}
        {!bare && <Icon name="down" size={12} />}
      </button>
      {open && (
        <div class={`panel panel-${align}`} id={panel} role="group" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

const MARGIN = 8; // px kept free at the window's edges

function keepInView(panel: HTMLElement | null | undefined): void {
  if (!panel) return;
  const { left, right } = panel.getBoundingClientRect();
  const over = Math.max(0, right - innerWidth + MARGIN) || Math.min(0, left - MARGIN);
  if (over) panel.style.translate = `${-over}px 0`;
}

function moveFocus(box: HTMLElement, step: 1 | -1): void {
  const stops = [...box.querySelectorAll<HTMLElement>(".panel button, .panel input, .panel a")];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  stops[(at + step + stops.length) % stops.length]?.focus();
}
