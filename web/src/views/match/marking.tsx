// The first picture where a part of it is marked, with the tools of "Select a part".
import { useEffect, useLayoutEffect } from "preact/hooks";
import { keysRest } from "../../keys";
import type { Asked } from "../../state/asked";
import { forgetPart, redo, tool, undo } from "../../state/part";
import { Stage } from "../part/stage";
import { Tools, TOOLS } from "../part/tools";
import { useView } from "../part/use-view";

interface Props {
  asked: Asked;
  stage: { current: HTMLDivElement | null };
}

export function Marking({ asked, stage }: Props) {
  const viewing = useView(stage, asked);
  useLayoutEffect(forgetPart, []);
  useEffect(() => {
    document.addEventListener("keydown", onMarkingKey);
    return () => document.removeEventListener("keydown", onMarkingKey);
  }, []);
  return (
    <div class="match-marking">
      <Stage asked={asked} stage={stage} viewing={viewing} />
      <figcaption>{asked.name}</figcaption>
      <Tools viewing={viewing} />
      <p id="part-how" class="visually-hidden">
        Enter marks the middle; the arrows move it, with Shift they change its size; Delete removes it, m goes to the next mark.
      </p>
    </div>
  );
}

function onMarkingKey(event: KeyboardEvent): void {
  if (!event.defaultPrevented && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    if (event.shiftKey) redo();
    else undo();
    return;
  }
  const picked = keysRest(event) ? undefined : TOOLS.find(({ key }) => key === event.key);
  if (!picked) return;
  event.preventDefault();
  tool.set(picked.name);
}
