// The name, and the button that makes it so.
import { useEffect, useState } from "preact/hooks";
import { api, isUpload } from "../../api";
import { Icon } from "../../components/icon";
import { asSentence, plural } from "../../format";
import { sameName, teach, teachFromVideo, type Outlined } from "../../objects";
import { navigate, routes } from "../../route";
import { draft } from "../../state/part";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { bodyOf, doubts, known, learnt, photos as kept, type Photo } from "../../state/things";
import { about } from "../objects";
import { momentOf, type Moment } from "../objects/moments";

const FOLLOWED = 3; // seconds of a video that a thing is followed through

interface Props {
  photos: readonly Photo[];
  outlines: readonly Outlined[];
  ready: boolean;
}

export function Naming({ photos, outlines, ready }: Props) {
  const { knobs } = useStore(routes);
  const things = useStore(known).things ?? [];
  const [name, setName] = useState(knobs["thing"] ?? "");
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const drawing = useStore(draft) !== null;
  const marks = JSON.stringify(photos.map(bodyOf));
  useEffect(() => setFailure(null), [marks, name]);
  const same = things.find((thing) => sameName(thing.name, name));
  const moment = useMoment(photos);
  const [follow, setFollow] = useState(true);
  const taughtBy = () => {
    const [photo] = photos;
    if (!moment || !follow || !photo) return teach(name, photos.map(bodyOf), same !== undefined);
    const box = photo.marks.length > 0 ? (outlines[0]?.box ?? null) : null;
    return teachFromVideo(name, { video: moment.video, first: moment.second, last: moment.second + FOLLOWED, box }, same !== undefined);
  };
  const remember = async () => {
    if (!name.trim() || busy) return;
    setBusy(true);
    try {
      const taught = await taughtBy();
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
      {moment && (
        <label class="remember-follow">
          <input type="checkbox" checked={follow} onChange={() => setFollow(!follow)} />
          <span>Follow it through the next {FOLLOWED} seconds of {moment.name}: it is learnt from more sides</span>
        </label>
      )}
      {failure && <p class="form-error" role="alert">{asSentence(failure)}</p>}
      <button type="submit" class="button primary large" disabled={!name.trim() || busy || drawing || !ready}>
        {busy ? <span class="spinner" /> : <Icon name="tag" />} {busy ? "Learning what it looks like…" : same ? `Add to ${same.name}` : "Remember it"}
      </button>
    </form>
  );
}

/** Where in a video the one photo is; null when it is in none, or there are several. */
function useMoment(photos: readonly Photo[]): Moment | null {
  const [known, setKnown] = useState<{ query: string; moment: Moment | null }>({ query: "", moment: null });
  const query = photos.length === 1 ? (photos[0] as Photo).query : "";
  useEffect(() => {
    if (!query || isUpload(query)) return;
    const abort = new AbortController();
    api.picture(Number(query), abort.signal).then((picture) => setKnown({ query, moment: momentOf(picture) }), noteFailure);
    return () => abort.abort();
  }, [query]);
  return known.query === query ? known.moment : null;
}
