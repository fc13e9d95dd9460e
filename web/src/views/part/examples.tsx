// Under the picture: how much the whole of it counts, and the places that were said to be right or wrong.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, thumbnailUrl } from "../../api";
import { Icon } from "../../components/icon";
import { closeTo, sheetOf } from "../../frames";
import { asksSomething } from "../../marks";
import { navigate, routes, withoutPlace, withPlace, type PlaceExample } from "../../route";
import { noteFailure } from "../../state/session";
import { teachFrom } from "../../state/things";
import { useStore } from "../../state/store";
import type { Picture } from "../../wire";

export function Refining() {
  const { of, marks, more, less, also } = useStore(routes);
  return (
    <div class="part-refining">
      <Also share={also} />
      {asksSomething(marks) && (
        <button type="button" class="pill" title="Give it a name, and ask later where it is" onClick={() => navigate(teachFrom(routes.get(), of, marks))}>
          <Icon name="tag" size={16} /> <span>Remember this as …</span>
        </button>
      )}
      {more.length + less.length > 0 && (
        <ul class="examples-chips" role="list" aria-label="Places that refine the search">
          {more.map((place) => <PlaceChip key={place.picture + place.box.join()} place={place} side="more" />)}
          {less.map((place) => <PlaceChip key={place.picture + place.box.join()} place={place} side="less" />)}
        </ul>
      )}
    </div>
  );
}

const SLIDING_MS = 120; // an address for every pixel of the slider is more than browsers take

function Also({ share }: { share: number }) {
  const [now, setNow] = useState(share);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setNow(share), [share]);
  const slide = (to: number) => {
    setNow(to);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => navigate({ also: to }, "replace"), SLIDING_MS);
  };
  return (
    <label class="also">
      <span>Also like the whole picture</span>
      <input
        type="range"
        min={0}
        max={1}
        step={0.05}
        value={now}
        aria-valuetext={inWords(now)}
        onInput={(event) => slide(Number(event.currentTarget.value))}
      />
      <output>{inWords(now)}</output>
    </label>
  );
}

const inWords = (share: number): string => (share === 0 ? "only the part" : share === 1 ? "only the whole" : `${Math.round(100 * share)} %`);

function PlaceChip({ place, side }: { place: PlaceExample; side: "more" | "less" }) {
  const picture = usePicture(Number(place.picture));
  const name = picture?.name ?? `picture ${place.picture}`;
  const turn = side === "more" ? "Make it “not this one”" : "Make it “more like this”";
  const said = side === "more" ? `more like this place of ${name}` : `not like this place of ${name}`;
  return (
    <li class={`chip ${side === "more" ? "like" : "unlike"}`}>
      <span class="chip-crop" role="img" aria-label={said} title={said}>
        {picture && (
          <span class="frame-sheet" style={sheetOf(closeTo(picture, 1, place.box), picture)}>
            <img src={thumbnailUrl(picture, 640)} alt="" />
          </span>
        )}
      </span>
      <button
        type="button"
        class="chip-sign"
        aria-label={`${turn}: ${name}`}
        title={turn}
        onClick={() => navigate(withPlace(routes.get(), side === "more" ? "less" : "more", place), "replace")}
      >
        <Icon name={side === "more" ? "add" : "minus"} size={14} />
      </button>
      <button
        type="button"
        class="chip-remove"
        aria-label={`Remove ${name}`}
        title="Remove"
        onClick={() => navigate(withoutPlace(routes.get(), place), "replace")}
      >
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}

const known = new Map<number, Picture>();

function usePicture(id: number): Picture | null {
  const [picture, setPicture] = useState(known.get(id) ?? null);
  useEffect(() => {
    if (known.has(id)) return;
    const abort = new AbortController();
    api.picture(id, abort.signal).then((found) => (known.set(id, found), setPicture(found)), noteFailure);
    return () => abort.abort();
  }, [id]);
  return picture;
}
