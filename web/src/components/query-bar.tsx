// The search field of a search by pictures: it holds pictures.
import { useRef } from "preact/hooks";
import { isUpload, queryThumbnailUrl } from "../api";
import { isSearch, leaving, navigate, routes, withoutQuery, withQuery } from "../route";
import { useStore } from "../state/store";
import { receiverOf, searchByFiles, uploading, uploadNames } from "../state/uploads";
import { Icon } from "./icon";

export function QueryBar() {
  const route = useStore(routes);
  const busy = useStore(uploading);
  const asked = isSearch(route);
  return (
    <div class={`query${asked ? " asked" : ""}`} role="search" aria-label="Search by picture">
      {asked ? (
        <ul class="chips" role="list" aria-label="What is searched for">
          {route.like.map((query) => <Chip key={query} query={query} side="like" />)}
          {route.unlike.map((query) => <Chip key={query} query={query} side="unlike" />)}
        </ul>
      ) : (
        <Icon name="search" size={20} />
      )}
      <OwnPicture label={asked ? "Add a picture" : receiverOf(route).asks} asked={asked} />
      {busy > 0 && <span class="spinner" role="status" aria-label="Looking at your picture" />}
      {asked && (
        <button
          type="button"
          class="button bare"
          aria-label="Clear the search"
          title="Clear the search (Esc)"
          onClick={() => navigate(leaving())}
        >
          <Icon name="close" size={20} />
        </button>
      )}
    </div>
  );
}

export const OWN_PICTURE = "own-picture"; // id of the file field, which the key "u" presses

function OwnPicture({ label, asked }: { label: string; asked: boolean }) {
  const field = useRef<HTMLInputElement>(null);
  const onChange = () => {
    const files = [...(field.current?.files ?? [])];
    if (field.current) field.current.value = ""; // the same file may be chosen again
    void searchByFiles(files, asked);
  };
  return (
    <label class={`own-picture${asked ? " small" : ""}`}>
      <input ref={field} id={OWN_PICTURE} class="visually-hidden" type="file" accept="image/*,.heic" multiple onChange={onChange} />
      {asked ? (
        <>
          <Icon name="add" size={18} />
          <span class="visually-hidden">{label}</span>
        </>
      ) : (
        <>
          <span class="own-picture-hint">
            <b>{label}</b>
            <i> — drop it, paste it or choose a file</i>
          </span>
          <Icon name="image" size={20} />
        </>
      )}
    </label>
  );
}

function Chip({ query, side }: { query: string; side: "like" | "unlike" }) {
  const name = isUpload(query) ? (uploadNames.get(query) ?? "your picture") : `picture ${query}`;
  const other = side === "like" ? "unlike" : "like";
  const turn = side === "like" ? "Make it “not like this”" : "Make it “like this”";
  const picture = <img src={queryThumbnailUrl(query, 160)} alt={side === "like" ? `like ${name}` : `not like ${name}`} />;
  return (
    <li class={`chip ${side}`}>
      {isUpload(query) ? (
        <span class="chip-picture">{picture}</span>
      ) : (
        <button type="button" class="chip-picture" title="Details" onClick={() => navigate({ picture: Number(query) })}>
          {picture}
        </button>
      )}
      <button
        type="button"
        class="chip-sign"
        aria-label={`${turn}: ${name}`}
        title={turn}
        onClick={() => navigate(withQuery(routes.get(), other, query))}
      >
        <Icon name={side === "like" ? "add" : "minus"} size={14} />
      </button>
      <button
        type="button"
        class="chip-remove"
        aria-label={`Remove ${name}`}
        title="Remove"
        onClick={() => navigate(withoutQuery(routes.get(), query))}
      >
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}
