// What to mark with, and the way back.
import { Icon, type IconName } from "../../components/icon";
import { adding, brushSize, clearPart, redo, steps, tool, undo, type Tool } from "../../state/part";
import { routes } from "../../route";
import { useStore } from "../../state/store";
import type { Viewing } from "./use-view";

export const TOOLS: readonly { name: Tool; icon: IconName; title: string; key: string }[] = [
  { name: "box", icon: "box", title: "Box", key: "b" },
  { name: "lasso", icon: "lasso", title: "Lasso", key: "l" },
  { name: "brush", icon: "brush", title: "Brush", key: "r" },
  { name: "erase", icon: "eraser", title: "Eraser", key: "d" },
  { name: "at", icon: "pointIn", title: "Point: this", key: "w" },
  { name: "not", icon: "pointOut", title: "Not this: click or paint", key: "n" },
];

export const PAINTS: readonly Tool[] = ["brush", "erase", "not"]; // as wide as the brush

export function Tools({ viewing }: { viewing: Viewing }) {
  const using = useStore(tool);
  const joins = useStore(adding);
  const { undo: back, redo: forth } = useStore(steps);
  const { marks, more, less } = useStore(routes);
  return (
    <div class="part-tools" role="toolbar" aria-label="Mark with">
      <div class="tool-group">
        {TOOLS.map(({ name, icon, title, key }) => (
          <Button key={name} icon={icon} label={title} shortcut={key} on={using === name} act={() => tool.set(name)} />
        ))}
      </div>
      {PAINTS.includes(using) ? (
        <BrushSize />
      ) : (
        <Button icon="add" label="Add to what is marked" shortcut="Shift while drawing" on={joins} act={() => adding.set(!joins)} />
      )}
      <span class="tool-space" />
      <div class="tool-group quiet">
        <Button icon="undo" label="Undo" shortcut="Ctrl+Z" off={!back} act={undo} />
        <Button icon="redo" label="Redo" shortcut="Ctrl+Shift+Z" off={!forth} act={redo} />
        <Button icon="clear" label="Clear" shortcut="Esc" off={marks.length + more.length + less.length === 0} act={clearPart} />
      </div>
      <div class="tool-group quiet zooming">
        <Button icon="zoomOut" label="Zoom out" shortcut="−" off={viewing.view.zoom <= 1} act={() => viewing.zoom(1 / 1.5)} />
        <Button icon="zoomIn" label="Zoom in" shortcut="+, or Ctrl and the wheel" act={() => viewing.zoom(1.5)} />
      </div>
    </div>
  );
}

interface ButtonProps {
  icon: IconName;
  label: string;
  shortcut: string;
  on?: boolean; // undefined: it does something once
  off?: boolean;
  act: () => void;
}

function Button({ icon, label, shortcut, on, off = false, act }: ButtonProps) {
  return (
    <button type="button" class="tool" aria-label={label} aria-pressed={on} title={`${label} (${shortcut})`} disabled={off} onClick={act}>
      <Icon name={icon} size={20} />
    </button>
  );
}

function BrushSize() {
  const size = useStore(brushSize);
  return (
    <label class="brush-size" title="Width of the brush">
      <span class="visually-hidden">Width of the brush</span>
      <input
        type="range"
        min={0.008}
        max={0.14}
        step={0.004}
        value={size}
        onInput={(event) => brushSize.set(Number(event.currentTarget.value))}
      />
    </label>
  );
}
