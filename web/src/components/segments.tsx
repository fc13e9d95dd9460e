// One of a few, side by side.
interface Props<T extends string> {
  legend: string;
  value: T;
  options: readonly (readonly [value: T, title: string, hint?: string])[];
  onChange: (value: T) => void;
  quiet?: boolean; // the legend is for screen readers only
}

export function Segments<T extends string>({ legend, value, options, onChange, quiet }: Props<T>) {
  return (
    <fieldset class="choice segmented">
      <legend class={quiet ? "visually-hidden" : undefined}>{legend}</legend>
      <div>
        {options.map(([one, title, hint]) => (
          <label key={one} title={hint}>
            <input type="radio" name={legend} value={one} checked={one === value} onChange={() => onChange(one)} />
            <span>{title}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
