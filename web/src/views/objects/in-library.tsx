// The pictures of the library with a thing, and whether that is right.
import { useState } from "preact/hooks";
import { imageUrl, thumbnailUrl } from "../../api";
import { FilterBar } from "../../components/filter-bar";
import { Icon } from "../../components/icon";
import { expressionOf, isFiltered, NO_FILTERS } from "../../filters";
import { asSentence, duration, plural } from "../../format";
import { covering, sheetOf } from "../../frames";
import { whereInLibrary, type Found, type Thing, type Whereabouts } from "../../objects";
import { formatRoute, navigate, routes, turn } from "../../route";
import { useStore } from "../../state/store";
import type { Picture } from "../../wire";
import { about } from ".";
import { judge, useAnswer } from "./asking";
import { momentOf, time } from "./moments";
import { Sureness, Verdict } from "./sighting";
import { Traced } from "./traced";

const FIRST = 20; // pictures asked for
const MOST = 200;
const SHOWN = 12; // likely ones, while they are looked at

export function InLibrary({ thing }: { thing: Thing }) {
  const { filters } = useStore(routes);
  const [round, setRound] = useState(0);
  const [most, setMost] = useState(FIRST);
  const [busy, setBusy] = useState(false);
  const where = expressionOf(filters);
  const known = JSON.stringify(thing.views.map(({ kind, source, box }) => [kind, source, box])); // asked again as soon as it knows better
  const [likely, setLikely] = useState<readonly Picture[]>([]);
  const ask = async (signal: AbortSignal) => {
    setLikely([]);
    const named = await whereInLibrary(thing.name, where, most, signal, false);
    setLikely(named.likely);
    return named.likely.length > 0 ? whereInLibrary(thing.name, where, most, signal) : named;
  };
  const { answer, failure, looking } = useAnswer(`${thing.name} ${where}`, round + most + hash(known), ask);
  const verdict = async (found: Found, kind: "yes" | "no") => {
    setBusy(true);
    const [best] = found.sightings;
    if (best) await judge(thing.name, String(found.picture.id), best.box, kind);
    setBusy(false);
  };
  return (
    <section class="where-library" aria-label="In the library" aria-busy={looking}>
      <FilterBar />
      <header class="where-answer">
        <h2 aria-live="polite">{failure ? "The library cannot be asked" : titleOf(answer, thing)}</h2>
        <p class="hint">
          {failure ? asSentence(failure) : answer ? <Told answer={answer} looking={looking} /> : "The likeliest pictures are looked at from near: some seconds."}
        </p>
        {failure && <button type="button" class="button" onClick={() => setRound((n) => n + 1)}><Icon name="refresh" /> Try again</button>}
      </header>
      {!answer && !failure && <progress class="where-wait" aria-label="Looking" />}
      {!answer && !failure && <Likely pictures={likely} />}
      {answer && (
        <ul class={`where-found${looking ? " waiting" : ""}`} role="list">
          {byVideo(answer.found).map(([found, ...others]) => (
            <li key={found.picture.id}>
              <Card thing={thing} found={found} moments={others.length + 1} busy={busy || looking} say={(kind) => void verdict(found, kind)} />
            </li>
          ))}
        </ul>
      )}
      {answer && !looking && (
        <p class="where-more">
          {answer.looked_at < answer.searched && most < MOST && (
            <button type="button" class="pill" onClick={() => setMost(Math.min(MOST, most + 2 * FIRST))}>
              <Icon name="search" size={16} /> <span>Look at more pictures</span>
            </button>
          )}
          {isFiltered(filters) && answer.found.length === 0 && (
            <button type="button" class="pill" onClick={() => navigate({ filters: NO_FILTERS })}><span>Clear filters</span></button>
          )}
          {answer.found.length === 0 && (
            <button type="button" class="pill" onClick={() => turn({ show: "picture" }, "push")}><span>It is in one of them: show which</span></button>
          )}
        </p>
      )}
    </section>
  );
}

/** A number that changes with a text. */
const hash = (text: string): number => [...text].reduce((sum, one) => (Math.imul(sum, 31) + (one.codePointAt(0) as number)) | 0, 7);

function titleOf(answer: Whereabouts | null, thing: Thing): string {
  if (!answer) return `Looking for ${thing.name}…`;
  if (!answer.searched) return "There are no pictures to look in";
  const films = new Set(answer.found.flatMap(({ picture }) => momentOf(picture)?.video ?? [])).size;
  const pictures = answer.found.filter(({ picture }) => !momentOf(picture)).length;
  const told = [pictures && plural(pictures, "picture"), films && plural(films, "video")].filter(Boolean).join(" and ");
  return told ? `In ${told}` : "Not here";
}

/** What the index names at once, while it is looked at from near. */
function Likely({ pictures }: { pictures: readonly Picture[] }) {
  return (
    <ul class="where-likely" role="list" aria-label="The likeliest, being looked at">
      {pictures.slice(0, SHOWN).map((one) => (
        <li key={one.id}><img src={thumbnailUrl(one, 320)} alt={one.name} title={one.path} /></li>
      ))}
    </ul>
  );
}

function Told({ answer, looking }: { answer: Whereabouts; looking: boolean }) {
  const { sentence, index_seconds, look_seconds, missing } = answer;
  const [, how = sentence] = /^[^:]*: (.*)$/.exec(sentence.slice(answer.name.length)) ?? [];
  return (
    <>
      {answer.last_seen && <b>{asSentence(answer.last_seen.sentence)} </b>}
      {asSentence(how)}{" "}
      <span>{looking ? "Looking again…" : `Index ${duration(index_seconds)}, looks ${duration(look_seconds)}.`}</span>
      {missing > 0 && ` ${plural(missing, "picture")} cannot be asked yet: index ${missing === 1 ? "it" : "them"} again.`}
    </>
  );
}

/** The moments of one video together, where its surest one stands. */
function byVideo(found: readonly Found[]): [Found, ...Found[]][] {
  const groups = new Map<string, [Found, ...Found[]]>();
  for (const one of found) {
    const moment = momentOf(one.picture);
    const key = moment ? `video ${moment.video}` : String(one.picture.id);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return [...groups.values()];
}

const ASPECT = 4 / 3;

interface CardProps {
  thing: Thing;
  found: Found;
  moments: number; // of its video in which it was seen; 1 for a picture
  busy: boolean;
  say: (kind: "yes" | "no") => void;
}

function Card({ thing, found, moments, busy, say }: CardProps) {
  const { picture, sightings } = found;
  const [best] = sightings;
  const moment = momentOf(picture);
  if (!best) return null;
  const close = covering(picture, ASPECT, best.box);
  const href = moment ? about(thing.name, { video: String(moment.video), t: String(moment.second) }) : about(thing.name, {}, String(picture.id));
  return (
    <article class="where-card">
      <a href={formatRoute(href)} title={picture.path}>
        <span class="frame-sheet" style={sheetOf(close, picture)}>
          <img class="frame-under" src={thumbnailUrl(picture, 320)} alt="" draggable={false} />
          <img src={imageUrl(picture, 960)} alt={`${thing.name} in ${picture.name}`} loading="lazy" draggable={false} />
          <Traced extent={picture} seen={sightings} veil />
        </span>
        {moment && <span class="where-moment"><Icon name="play" size={12} /> {time(moment.second)}{moments > 1 && `, and ${moments - 1} more`}</span>}
        {sightings.length > 1 && <span class="tile-count" title={`${sightings.length} places`}>{sightings.length}</span>}
      </a>
      <div>
        <b title={picture.path}>{moment?.name ?? picture.name}</b>
        <Sureness probability={best.probability} />
        <Verdict what={picture.name} busy={busy} say={say} />
      </div>
    </article>
  );
}
