// A slider for each edit, its amount in a person's units, and when it was drawn how far it can go.
import { Icon } from "../../components/icon";
import type { Curve } from "./asking";
import { SmallChart } from "./chart";
import { amountOf, grouped, type Edits, type Kind } from "./edits";

interface Props {
  kinds: readonly Kind[];
  edits: Edits;
  curveOf: (kind: string) => Curve | undefined;
  drawing: string; // the kind whose curve is being drawn; "": none
  set: (kind: string, strength: number) => void;
}

export function Sliders({ kinds, edits, curveOf, drawing, set }: Props) {
  return (
    <>
      {grouped(kinds).map(([title, group]) => (
        <fieldset key={title} class="lab-group">
          <legend>{title}</legend>
          {group.filter((kind) => !kind.switch).map((kind) => (
            <Row key={kind.name} kind={kind} strength={edits[kind.name] ?? 0} curve={curveOf(kind.name)} drawing={drawing === kind.name} set={(to) => set(kind.name, to)} />
          ))}
          {group.filter((kind) => kind.switch).map((kind) => (
            <Switch key={kind.name} kind={kind} on={Boolean(edits[kind.name])} curve={curveOf(kind.name)} set={(to) => set(kind.name, to)} />
          ))}
        </fieldset>
      ))}
    </>
  );
}

interface RowProps {
  kind: Kind;
  strength: number;
  curve: Curve | undefined;
  drawing: boolean;
  set: (strength: number) => void;
}

function Row({ kind, strength, curve, drawing, set }: RowProps) {
  const said = amountOf(kind, strength);
  const share = (value: number) => `${(100 * (value - kind.least)) / (1 - kind.least)}%`;
  const [from, to] = strength < 0 ? [strength, 0] : [0, strength];
  return (
    <div class={`lab-row${strength ? " on" : ""}`} data-kind={kind.name}>
      <label for={`lab-${kind.name}`}>{kind.title}</label>
      <output for={`lab-${kind.name}`}>{strength ? said : <span class="off">{said}</span>}</output>
      <button type="button" class="button bare" disabled={!strength} aria-label={`${kind.title}: as it was`} title="As it was" onClick={() => set(0)}>
        <Icon name="undo" size={14} />
      </button>
      <div class={`lab-track${curve ? " drawn" : ""}`} style={{ "--from": share(from), "--to": share(to) }}>
        {curve && <SmallChart curve={curve} least={kind.least} strength={strength} />}
        {!curve && drawing && <span class="lab-drawing" aria-hidden="true" />}
        <input
          id={`lab-${kind.name}`}
          type="range"
          min={kind.least}
          max={1}
          step={0.01}
          value={strength}
          aria-valuetext={said}
          onInput={(event) => set(settled(Number(event.currentTarget.value), kind))}
          onDblClick={() => set(0)}
        />
      </div>
      {curve && <Limits kind={kind} curve={curve} set={set} />}
    </div>
  );
}

/** Near the middle of two directions a slider means nothing at all. */
const settled = (value: number, kind: Kind): number => (kind.less && Math.abs(value) < 0.025 ? 0 : value);

function Limits({ kind, curve, set }: { kind: Kind; curve: Curve; set: (strength: number) => void }) {
  const lost = curve.limits.filter(({ strength }) => strength !== null);
  if (curve.points.every(({ rank }) => rank === null)) return null;
  if (lost.length === 0) return <p class="lab-limits held">Found throughout</p>;
  return (
    <p class="lab-limits">
      {curve.limits.map((limit) => (
        <span key={limit.direction} class={limit.direction < 0 ? "less" : "more"}>
          {limit.strength === null ? (
            kind.less && <span class="held">{kind.less && limit.direction < 0 ? kind.less : kind.more}: found</span>
          ) : limit.strength === 0 ? (
            "lost"
          ) : (
            <button type="button" class="text-button" title="Set it so" onClick={() => set(outward(limit.strength as number))}>
              lost beyond {limit.amount}
            </button>
          )}
        </span>
      ))}
    </p>
  );
}

/** In hundredths, and not weaker than it was: there the original is lost. */
export const outward = (strength: number): number => (Math.sign(strength) * Math.min(100, Math.ceil(Math.abs(strength) * 100 - 1e-6))) / 100;

function Switch({ kind, on, curve, set }: { kind: Kind; on: boolean; curve: Curve | undefined; set: (strength: number) => void }) {
  const limit = curve?.limits[0];
  return (
    <label class="check lab-switch" data-kind={kind.name}>
      <input type="checkbox" checked={on} onChange={(event) => set(event.currentTarget.checked ? 1 : 0)} />
      <span>{kind.title}</span>
      {limit && <small class={limit.strength === null ? "held" : "lost"}>{limit.strength === null ? "found" : "lost"}</small>}
    </label>
  );
}
