// One picture, large, with everything that is known of it.
import { useEffect, useRef, useState } from "preact/hooks";
import { actByKey, actsOnPicture, leadsTo } from "../acts";
import { api, imageUrl, originalUrl, thumbnailUrl } from "../api";
import { copyText } from "../components/copy-menu";
import { Icon } from "../components/icon";
import { CloseButton, Modal } from "../components/modal";
import { Notice } from "../components/notice";
import { Places } from "../components/places";
import { closeTo, sheetOf } from "../frames";
import { boxMark } from "../marks";
import { bytes, clock, day, megapixels, percent, place } from "../format";
import { formatRoute, isSearch, navigate, routes, selectPart, similarTo, withPlace, withQuery } from "../route";
import { feedOf } from "../state/feeds";
import { found, show } from "../state/part";
import { noteFailure, session } from "../state/session";
import { teachFrom } from "../state/things";
import { useStore } from "../state/store";
import type { Hit, PictureDetails, RegionHit } from "../wire";
import { Play, Player } from "./playing";
import { goOnFrom } from "./part/found";

export function Details({ id }: { id: number }) {
  const [details, setDetails] = useState<PictureDetails | null>(null);
  const [error, setError] = useState<string | null>(null);

  useEffect(() => {
    const abort = new AbortController();
    setError(null);
    api.picture(id, abort.signal).then(setDetails, (failure: unknown) => setError(noteFailure(failure)));
    return () => abort.abort();
  }, [id]);

  const close = () => navigate({ picture: null });
  const step = (by: 1 | -1) => {
    const to = neighbour(id, by);
    if (to) navigate({ picture: to.picture.id }, "replace");
  };
  const places = useStore(found).hits.find((hit) => hit.picture.id === id);
  const keys: Record<string, () => void> = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    i: close,
    p: () => (places ? goOnFrom(id) : navigate(selectPart(routes.get(), String(id)))),
    Enter: () => navigate(similarTo(routes.get(), String(id))),
    "+": () => navigate(withQuery(routes.get(), "like", String(id))),
    "-": () => navigate(withQuery(routes.get(), "unlike", String(id))),
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLVideoElement) return; // its own keys
    const onControl = event.key === "Enter" && event.target instanceof Element && event.target.closest("a, button");
    if (onControl || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in keys) keys[event.key]?.();
    else actByKey(event.key, String(id));
  };

  const shown = details?.id === id ? details : null;
  const [playing, setPlaying] = useState<number | null>(null); // the picture whose video is played
  const moment = shown?.moment && playing === id ? shown.moment : null;
  return (
    <Modal label={shown ? `Details of ${shown.name}` : "Details"} kind="stage" onClose={close} onKeyDown={onKeyDown}>
      <div class="details">
        <div class="stage-picture">
          {shown && (moment ? <Player key={shown.id} moment={moment} picture={shown} /> : <Large key={shown.id} details={shown} places={places} />)}
          <Step by={-1} id={id} step={step} />
          <Step by={1} id={id} step={step} />
        </div>
        <aside class="facts" aria-label="About this picture">
          <div class="facts-close">
            <CloseButton onClose={close} />
          </div>
          {shown?.moment && <Play moment={shown.moment} playing={moment !== null} play={(on) => setPlaying(on ? id : null)} />}
          {shown && <Facts details={shown} places={places} />}
          {error && <Notice icon="warning" tone="bad" title="This picture cannot be shown">{error}</Notice>}
        </aside>
      </div>
    </Modal>
  );
}

function neighbour(id: number, by: 1 | -1): Hit | undefined {
  const { hits } = routes.get().view === "part" && routes.get().of ? found.get() : feedOf(routes.get()).store.get();
  const at = hits.findIndex((hit) => hit.picture.id === id);
  return at < 0 ? undefined : hits[at + by];
}

function Step({ id, by, step }: { id: number; by: 1 | -1; step: (by: 1 | -1) => void }) {
  if (!neighbour(id, by)) return null;
  const label = by < 0 ? "Previous picture" : "Next picture";
  return (
    <button type="button" class={`step ${by < 0 ? "before" : "after"}`} aria-label={label} title={label} onClick={() => step(by)}>
      <Icon name={by < 0 ? "back" : "next"} size={26} />
    </button>
  );
}

const LARGE = 1600; // px of the longer side: sharp on most screens, quick to make

/** The thumbnail at once, the large picture over it when it has come. */
function Large({ details, places }: { details: PictureDetails; places: RegionHit | undefined }) {
  const [failed, setFailed] = useState(false);
  const showing = useStore(show);
  const { width, height } = details;
  return (
    <div class="large" style={{ aspectRatio: `${width} / ${height}`, "--ratio": String(width / height) }}>
      <img class="large-blur" src={thumbnailUrl(details, 320)} alt="" />
      {failed ? (
        <p class="large-failed">The file cannot be read now: was it moved or deleted?</p>
      ) : (
        <img class="large-sharp" src={imageUrl(details, LARGE)} alt={details.name} onError={() => setFailed(true)} />
      )}
      {places && <Places hit={places} boxes heat={showing === "heat"} />}
    </div>
  );
}

function Facts({ details, places }: { details: PictureDetails; places: RegionHit | undefined }) {
  const id = String(details.id);
  const searching = isSearch(routes.get());
  const score = feedOf(routes.get()).store.get().hits.find((hit) => hit.picture.id === details.id);
  return (
    <>
      <h2>{details.name}</h2>
      <button type="button" class="folder-line" title="Copy the path" onClick={() => void copyText(details.path, "Path")}>
        <span>{details.folder}</span> <Icon name="copy" size={14} />
      </button>
      {searching && score && (
        <p class="closer">
          Closer to your search than <b>{percent(score.percentile)}</b> of random pairs in this library
        </p>
      )}
      {places && <FoundPlaces hit={places} />}
      <div class="facts-actions">
        <a class="button primary" href={formatRoute({ ...routes.get(), ...similarTo(routes.get(), id) })}>
          <Icon name="search" /> Find similar
        </a>
        <a class="button" href={formatRoute({ ...routes.get(), ...selectPart(routes.get(), id) })}>
          <Icon name="part" /> Select a part
        </a>
        {actsOnPicture().map((one) => (
          <a key={one.view} class="button" href={formatRoute({ ...routes.get(), ...leadsTo(one, id, routes.get()) })} title={`${one.label} (${one.key})`}>
            <Icon name={one.icon} /> {one.label}
          </a>
        ))}
        <Save details={details} />
        {searching && (
          <>
            <button type="button" class="button" onClick={() => navigate(withQuery(routes.get(), "like", id))}>
              <Icon name="add" /> More like this
            </button>
            <button type="button" class="button" onClick={() => navigate(withQuery(routes.get(), "unlike", id))}>
              <Icon name="minus" /> Not like this
            </button>
          </>
        )}
      </div>
      <FactList details={details} />
      <Copies details={details} />
      <LooksLike details={details} />
    </>
  );
}

/** Where the part was found here, and whether that is right. */
function FoundPlaces({ hit }: { hit: RegionHit }) {
  const picture = String(hit.picture.id);
  const say = (side: "more" | "less", box: RegionHit["places"][number]["box"]) =>
    navigate(withPlace(routes.get(), side, { picture, box }), "replace");
  return (
    <section>
      <h3>{hit.places.length === 1 ? "The part was found here" : `The part was found ${hit.places.length} times`}</h3>
      <ul class="found-places" role="list">
        {hit.places.map(({ box, score }, i) => (
          <li key={box.join()}>
            <span class="place-crop" aria-hidden="true">
              <span class="frame-sheet" style={sheetOf(closeTo(hit.picture, 1, box), hit.picture)}>
                <img src={imageUrl(hit.picture, LARGE)} alt="" />
              </span>
            </span>
            <span>{i === 0 ? "Best" : `Place ${i + 1}`} <small>{score.toFixed(2)}</small></span>
            <button type="button" class="button bare" aria-label={`More like place ${i + 1}`} title="More like this place" onClick={() => say("more", box)}>
              <Icon name="add" />
            </button>
            <button type="button" class="button bare" aria-label={`Not place ${i + 1}`} title="Not this one" onClick={() => say("less", box)}>
              <Icon name="minus" />
            </button>
            <button type="button" class="button bare" aria-label={`Remember place ${i + 1} as …`} title="Remember this as …" onClick={() => navigate(teachFrom(routes.get(), picture, [boxMark(box)]))}>
              <Icon name="tag" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The file itself; where faces are blurred, the picture as it may be seen, for the file has them. */
function Save({ details }: { details: PictureDetails }) {
  const { about } = useStore(session);
  if (about?.faces === "blur" || details.moment) {
    const name = `${details.name.replace(/\.[^.]*$/, "")}${details.moment ? ` ${details.moment.second.toFixed(1)} s` : ""}.webp`;
    const why = details.moment ? "The frame as you see it" : "Faces are blurred here, so the picture is saved as you see it";
    return (
      <a class="button" href={imageUrl(details, 2048)} download={name} title={why}>
        <Icon name="download" /> Save
      </a>
    );
  }
  return (
    <a class="button" href={originalUrl(details)} download={details.name} target="_blank" rel="noopener">
      <Icon name="download" /> Original
    </a>
  );
}

function FactList({ details }: { details: PictureDetails }) {
  const { width, height, latitude, longitude } = details;
  const facts: [string, string | null][] = [
    ["Video", details.moment ? `${details.moment.name}, at ${clock(details.moment.second, true)}` : null],
    ["Taken", day(details.taken_at)],
    ["Camera", details.camera],
    ["Lens", details.lens],
    ["Place", latitude !== null && longitude !== null ? place(latitude, longitude) : null],
    ["Size", `${width} × ${height} · ${megapixels(width, height)}`],
    ["File", `${details.kind.toUpperCase()} · ${bytes(details.bytes)}`],
    ["Changed", day(details.modified_at)],
    ["Added", day(details.added_at)],
  ];
  return (
    <dl class="fact-list">
      {facts.map(([title, value]) => value && (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Copies({ details }: { details: PictureDetails }) {
  if (details.copies.length === 0) return null;
  return (
    <section>
      <h3>The same bytes also lie at</h3>
      <ul class="copies" role="list">
        {details.copies.map((copy) => <li key={copy.id} class="path">{copy.path}</li>)}
      </ul>
    </section>
  );
}

const ALIKE = 8;

function LooksLike({ details }: { details: PictureDetails }) {
  const [hits, setHits] = useState<readonly Hit[] | null>(null);
  const asked = useRef(0);
  useEffect(() => {
    const abort = new AbortController();
    asked.current = details.id;
    setHits(null);
    const request = { like: [String(details.id)], unlike: [], where: "", k: ALIKE, offset: 0 };
    api.search(request, abort.signal).then(
      (answer) => setHits(answer.hits.filter((hit) => hit.picture.id !== details.id)),
      noteFailure,
    );
    return () => abort.abort();
  }, [details.id]);
  if (hits?.length === 0) return null;
  return (
    <section>
      <h3>Looks like</h3>
      <ul class="alike" role="list">
        {(hits ?? Array.from({ length: ALIKE }, () => null)).map((hit, i) => (
          <li key={hit?.picture.id ?? i}>
            {hit && (
              <button
                type="button"
                aria-label={`Details of ${hit.picture.name}`}
                title={`${hit.picture.name}: closer than ${percent(hit.percentile)}`}
                onClick={() => navigate({ picture: hit.picture.id }, "replace")}
              >
                <img src={thumbnailUrl(hit.picture, 160)} alt="" />
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
