import { useLayoutEffect, useState } from "preact/hooks";
import { isSearch, routes } from "../route";
import { receiverOf, takeTransfer } from "../state/uploads";
import { Icon } from "./icon";

/** The whole window takes dropped and pasted pictures. */
export function DropZone() {
  const [over, setOver] = useState(false);

  useLayoutEffect(() => {
    let depth = 0; // dragenter and dragleave also come from every element passed over
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth += 1;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const hover = (event: DragEvent) => carriesFiles(event) && event.preventDefault();
    const drop = (event: DragEvent) => {
      depth = 0;
      setOver(false);
      if (!event.dataTransfer || !carriesFiles(event)) return;
      event.preventDefault();
      takeTransfer(event.dataTransfer, event.shiftKey && isSearch(routes.get()));
    };
    const paste = (event: ClipboardEvent) => {
      if (event.clipboardData && takeTransfer(event.clipboardData, false)) event.preventDefault();
    };
    const on = document.addEventListener.bind(document);
    const off = document.removeEventListener.bind(document);
    on("dragenter", enter);
    on("dragleave", leave);
    on("dragover", hover);
    on("drop", drop);
    on("paste", paste);
    return () => {
      off("dragenter", enter);
      off("dragleave", leave);
      off("dragover", hover);
      off("drop", drop);
      off("paste", paste);
    };
  }, []);

  return over ? (
    <div class="drop-zone" aria-hidden="true">
      <div>
        <Icon name="image" size={44} />
        <b>Let go to {receiverOf(routes.get()).does}</b>
        <span>It is only looked at, never stored.</span>
      </div>
    </div>
  ) : null;
}
