// The name, and the button that makes it so.
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../components/icon";
import { asSentence, plural } from "../../format";
import { sameName, teach } from "../../objects";
import { navigate, routes } from "../../route";
import { draft } from "../../state/part";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { bodyOf, doubts, known, learnt, photos as kept, type Photo } from "../../state/things";
import { about } from "../objects";

export function Naming({ photos, ready }: { photos: readonly Photo[]; ready: boolean }) {
  const { knobs } = useStore(routes);
  const things = useStore(known).things ?? [];
  const [name, setName] = useState(knobs["thing"] ?? "");
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const drawing = useStore(draft) !== null;
  const marks = JSON.stringify(photos.map(bodyOf));
  useEffect(() => setFailure(null), [marks, name]);
  const same = things.find((thing) => sameName(thing.name, name));
  const remember = async () => {
    if (!name.trim() || busy) return;
    setBusy(true);
    try {
      const taught = await teach(name, photos.map(bodyOf), same !== undefined);
      learnt(taught.object);
      doubts.set({ name: taught.object.name, notes: taught.notes });
      kept.set([]);
      navigate(about(taught.object.name));
    } catch (error) {
      setFailure(noteFailure(error));
      setBusy(false);
    }
  };
  return (
    <form class="remember-naming" onSubmit={(event) => (event.preventDefault(), void remember())}>
      <label>
        <span>What is it called?</span>
        <input
          class="field"
          value={name}
          maxLength={100}
          placeholder="my car keys"
          autocomplete="off"
          list="known-things"
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <datalist id="known-things">{things.map((thing) => <option key={thing.name} value={thing.name} />)}</datalist>
      {same && (
        <p class="hint">
          <b>{same.name}</b> is known from {plural(same.views.filter(({ kind }) => kind !== "no").length, "photo")}: {photos.length === 1 ? "this one is" : "these are"} added.
        </p>
      )}
      {failure && <p class="form-error" role="alert">{asSentence(failure)}</p>}
      <button type="submit" class="button primary large" disabled={!name.trim() || busy || drawing || !ready}>
        {busy ? <span class="spinner" /> : <Icon name="tag" />} {busy ? "Learning what it looks like…" : same ? `Add to ${same.name}` : "Remember it"}
      </button>
    </form>
  );
}
