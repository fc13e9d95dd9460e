// What is shown and how, and for researchers what of the model.
import { Segments } from "../../components/segments";
import { routes, turn } from "../../route";
import { useStore } from "../../state/store";
import type { Looked } from "./grids";
import { cover, edges } from "./settings";
import type { Show } from "./stage";

interface Props {
  show: Show;
  layer: number | null; // shown; null: not known yet
  layers: number | null;
  looked: Looked | null;
  mass: number | null;
  cut: boolean;
}

const MASS = 0.6; // of the attention, when it is first asked where so much of it lies
const PATCHES = [64, 144, 256, 400, 576, 784, 1024];

export function Controls({ show, layer, layers, looked, mass, cut }: Props) {
  const { knobs } = useStore(routes);
  const covering = useStore(cover);
  const shape = useStore(edges);
  const facet = knobs["facet"] ?? "values";
  const asked = Number(knobs["patches"]) || null;
  const stop = asked === null ? nearest((looked?.rows ?? 16) * (looked?.columns ?? 16)) : nearest(asked);
  const changed = ["layer", "facet", "patches"].some((name) => knobs[name]);
  return (
    <div class="look-controls">
      {show === "colours" && (
        <label class="check">
          <input type="checkbox" checked={cut} onChange={(event) => turn({ cut: event.currentTarget.checked ? "true" : "" })} />
          <span>Leave the background dark</span>
        </label>
      )}
      {show === "attention" && (
        <>
          <label class="check">
            <input type="checkbox" checked={mass !== null} onChange={(event) => turn({ mass: event.currentTarget.checked ? String(MASS) : "" })} />
            <span>Only where most of it lies</span>
          </label>
          {mass !== null && (
            <Slider label="So much of it" said={`${Math.round(100 * mass)} %`} min={0.05} max={0.95} step={0.05} value={mass} turn={(to) => turn({ mass: String(+to.toFixed(2)) })} />
          )}
        </>
      )}
      <Slider label="Map over the picture" said={`${covering} %`} min={20} max={100} step={10} value={Number(covering)} turn={(to) => cover.set(String(to) as typeof covering)} />
      <label class="check">
        <input type="checkbox" checked={shape === "edges"} onChange={(event) => edges.set(event.currentTarget.checked ? "edges" : "smooth")} />
        <span>Each patch with its edges</span>
      </label>
      <fieldset class="look-depth">
        <legend>
          <h2>Inside the model</h2>
          {changed && <button type="button" class="text-button" onClick={() => turn({ layer: "", facet: "", patches: "" })}>As it was</button>}
        </legend>
        <Slider
          label="Layer"
          said={layer === null ? "" : `${layer} of ${layers}`}
          min={1}
          max={layers ?? 12}
          step={1}
          value={layer ?? 11}
          disabled={layers === null}
          turn={(to) => turn({ layer: String(to) })}
        />
        <Slider
          label="Patches"
          said={looked ? `${looked.columns} × ${looked.rows}` : ""}
          min={0}
          max={PATCHES.length - 1}
          step={1}
          value={stop}
          turn={(to) => turn({ patches: String(PATCHES[to]) })}
        />
        <Segments
          legend="Of each patch"
          value={facet}
          options={[["values", "Values"], ["keys", "Keys"], ["queries", "Queries"], ["tokens", "Tokens"]]}
          onChange={(one) => turn({ facet: one === "values" ? "" : one })}
        />
      </fieldset>
    </div>
  );
}

/** The stop of the slider for so many patches. */
const nearest = (patches: number): number =>
  PATCHES.reduce((best, stop, i) => (Math.abs(stop - patches) < Math.abs((PATCHES[best] as number) - patches) ? i : best), 0);

interface SliderProps {
  label: string;
  said: string; // the value, in words
  min: number;
  max: number;
  step: number;
  value: number;
  disabled?: boolean;
  turn: (to: number) => void;
}

function Slider({ label, said, min, max, step, value, disabled = false, turn: to }: SliderProps) {
  return (
    <label class="slider">
      <span>{label}</span>
      <small aria-hidden="true">{said}</small>
      <input type="range" min={min} max={max} step={step} value={value} disabled={disabled} aria-label={label} aria-valuetext={said || undefined} onInput={(event) => to(Number(event.currentTarget.value))} />
    </label>
  );
}
