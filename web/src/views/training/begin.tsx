// Beginning a training from the page: what it learns from, how long, and what it is called.
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../../components/icon";
import { navigate } from "../../route";
import { session } from "../../state/session";
import { useStore } from "../../state/store";
import { beginRun, runs, starting } from "../../state/training";
import { freeName } from "./words";

const PRESETS: readonly [name: string, title: string, hint: string][] = [
  ["laptop", "Laptop", "two cores and an hour"],
  ["small", "Small", "a GPU, or a night"],
  ["vit-s16", "ViT-S/16", "the paper's; a large GPU"],
  ["continue", "Continue", "teach the starter model your pictures"],
];

export function BeginForm() {
  const { about } = useStore(session);
  const roots = about?.library.roots ?? [];
  const [left, setLeft] = useState<readonly string[]>([]); // roots that are not wanted
  const [other, setOther] = useState("");
  const [preset, setPreset] = useState("laptop");
  const [name, setName] = useState<string | null>(null); // null: the first that is free
  const [minutes, setMinutes] = useState("");
  const [refused, setRefused] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const free = freeName((useStore(runs) ?? []).map((run) => run.name));
  const sources = [...roots.filter((root) => !left.includes(root)), ...(other.trim() ? [other.trim()] : [])];

  const begin = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    const wanted = name ?? free;
    const sentence = await beginRun({ sources, preset, name: wanted, minutes: minutes ? Number(minutes) : null });
    setBusy(false);
    setRefused(sentence);
    if (!sentence) navigate({ run: "" });
  };

  return (
    <form class="begin" onSubmit={(event) => void begin(event)}>
      <fieldset>
        <legend>Pictures</legend>
        {roots.map((root) => (
          <label key={root} class="check">
            <input
              type="checkbox"
              checked={!left.includes(root)}
              onChange={(event) => setLeft(event.currentTarget.checked ? left.filter((one) => one !== root) : [...left, root])}
            />
            <span class="path">{root}</span>
          </label>
        ))}
        <label>
          {roots.length > 0 ? "And another folder, video or tar file" : "Folder, video or tar file"}
          <input class="field" type="text" value={other} placeholder="~/Pictures" spellcheck={false} onInput={(event) => setOther(event.currentTarget.value)} />
        </label>
      </fieldset>
      <fieldset class="presets">
        <legend>Preset</legend>
        {PRESETS.map(([value, title, hint]) => (
          <label key={value}>
            <input type="radio" name="preset" value={value} checked={preset === value} onChange={() => setPreset(value)} />
            <span>
              <b>{title}</b>
              <small>{hint}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="begin-row">
        <label>
          Name
          <input class="field" type="text" value={name ?? free} required pattern="[a-z0-9][a-z0-9._\-]*" title="Small letters, digits, dashes, dots and underscores" spellcheck={false} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>
          Minutes
          <input class="field" type="number" value={minutes} min={1} step="any" placeholder="as the preset has it" onInput={(event) => setMinutes(event.currentTarget.value)} />
        </label>
        <button type="submit" class="button primary" disabled={busy || sources.length === 0}>
          <Icon name="train" /> Begin training
        </button>
      </div>
      {refused && <p class="form-error" role="alert">{refused}</p>}
    </form>
  );
}

/** A training that was begun and has nothing to show yet, or that failed before it had. */
export function StartingCard() {
  const now = useStore(starting);
  const before = useRef(now);
  useEffect(() => {
    if (before.current && !now) navigate({ run: before.current.name }); // it has a run now: to it
    before.current = now;
  }, [now]);
  if (!now) return null;
  return (
    <section class="card standing" aria-label="Beginning">
      <header>
        <h2>{now.name}</h2>
        <span class={`state ${now.failed ? "failed" : "new"}`}>{now.failed ? "Failed" : "Getting ready"}</span>
      </header>
      {now.failed ? (
        <p class="form-error" role="alert">{now.said || "It ended without a word."}</p>
      ) : (
        <>
          <progress aria-label="Getting ready" />
          <p class="hint" role="status">{now.said || "Starting…"}</p>
        </>
      )}
    </section>
  );
}
