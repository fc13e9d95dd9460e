// The same colours in other pictures, and where else in the library there is such a place.
import { useEffect, useState } from "preact/hooks";
import { api, imageUrl, isUpload, queryThumbnailUrl } from "../../api";
import { GridLayer } from "../../components/grid-layer";
import { Icon } from "../../components/icon";
import { closeTo, sheetOf } from "../../frames";
import type { At } from "../../grids";
import { pointMark } from "../../marks";
import { aboutPicture, formatRoute, navigate, routes, selectPart, type Route } from "../../route";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { uploadNames } from "../../state/uploads";
import type { RegionHit } from "../../wire";
import { useColours, type Question } from "./asking";
import { covering } from "./grids";

const OTHERS = 8;

interface OthersProps {
  question: Question;
  cut: boolean;
  patchy: boolean;
  mix: number;
}

/** The pictures chosen with this one, or else those that look like it, in the colours of their parts. */
export function Others({ question, cut, patchy, mix }: OthersProps) {
  const { these } = useStore(routes);
  const [alike, setAlike] = useState<readonly string[]>([]);
  const [ready, setReady] = useState(0); // one after the other: each has to be looked at
  const chosen = these.filter((one) => one !== question.picture);
  const shown = chosen.length > 0 ? chosen : alike;
  useEffect(() => {
    setAlike([]);
    if (chosen.length > 0) return;
    const abort = new AbortController();
    const request = { like: [question.picture], unlike: [], where: "", k: OTHERS + 1, offset: 0 };
    api.search(request, abort.signal).then(
      ({ hits }) => setAlike(hits.map(({ picture }) => String(picture.id)).filter((one) => one !== question.picture).slice(0, OTHERS)),
      noteFailure,
    );
    return () => abort.abort();
  }, [question.picture, chosen.length > 0]);
  useEffect(() => setReady(0), [question.picture, question.layer, question.facet, question.patches]);
  if (shown.length === 0) return null;
  return (
    <section class="look-others">
      <h2>The same colour is the same part, in every picture</h2>
      <ul role="list">
        {shown.map((picture, i) => (
          <li key={picture}>
            <Other
              picture={picture}
              question={i <= ready ? { ...question, picture } : null}
              done={() => setReady((now) => Math.max(now, i + 1))}
              cut={cut}
              patchy={patchy}
              mix={mix}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface OtherProps extends Omit<OthersProps, "question"> {
  picture: string;
  question: Question | null;
  done: () => void;
}

function Other({ picture, question, done, cut, patchy, mix }: OtherProps) {
  const { value, waiting, failure } = useColours(question);
  const over = question !== null && !waiting && (value !== null || failure !== null);
  useEffect(() => {
    if (over) done();
  }, [over, question?.layer, question?.facet, question?.patches]);
  return (
    <a class="look-other" href={formatRoute(lookAt(picture))} aria-label={`Look inside ${nameOf(picture)}`} title={nameOf(picture)}>
      <img src={queryThumbnailUrl(picture, 320)} alt="" loading="lazy" />
      {value && (
        <span class="look-map" style={{ opacity: mix }}>
          <GridLayer
            name="look-layer"
            rows={value.rows}
            columns={value.columns}
            times={patchy ? 1 : 4}
            draw={(painter) => painter.colours(covering(value, cut))}
            on={[value, cut]}
          />
        </span>
      )}
    </a>
  );
}

const nameOf = (query: string): string => uploadNames.get(query) ?? (isUpload(query) ? "your picture" : `picture ${query}`);

/** Another picture, looked at in the same way; of a chosen set, the one it follows takes its place. */
function lookAt(query: string): Route {
  const { of, these, knobs: { at: _, ...knobs } } = routes.get();
  const set = these.map((one) => (one === query ? of : one));
  return { ...routes.get(), ...aboutPicture(routes.get(), "look", query), these: set, knobs } as Route;
}

interface SuchProps {
  picture: string;
  at: At;
}

const SUCH = 8;

/** "What is this patch?": the places of the library that are most like a place of the picture. */
export function Such({ picture, at }: SuchProps) {
  const [found, setFound] = useState<readonly RegionHit[] | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  const [x, y] = at;
  useEffect(() => {
    const abort = new AbortController();
    setSaid(null);
    const request = { picture, marks: { points: [at] }, also: 0, more: [], less: [], where: "", k: SUCH + 1, offset: 0, refine: false };
    const timer = setTimeout(() => {
      api.searchRegion(request, abort.signal).then(
        ({ hits, note }) => {
          setFound(hits.filter((hit) => String(hit.picture.id) !== picture).slice(0, SUCH));
          setSaid(hits.length === 0 ? (note ?? "There is no such place in the library.") : null);
        },
        (error: unknown) => setSaid(noteFailure(error)),
      );
    }, 150);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [picture, x, y]);
  const everywhere = formatRoute({ ...routes.get(), ...selectPart(routes.get(), picture), marks: [pointMark("at", at)] });
  return (
    <section class="look-such" aria-busy={found === null && said === null}>
      <header>
        <h2>What is this patch?</h2>
        <a class="pill" href={everywhere}><Icon name="part" size={16} /> <span>Find it everywhere</span></a>
      </header>
      {said ? (
        <p class="hint">{said}</p>
      ) : (
        <ul role="list">
          {(found ?? Array.from({ length: SUCH }, () => null)).map((hit, i) => (
            <li key={hit?.picture.id ?? i}>{hit && <Crop hit={hit} />}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Crop({ hit }: { hit: RegionHit }) {
  const { picture, score } = hit;
  const box = hit.places[0]?.box ?? ([0, 0, picture.width, picture.height] as const);
  return (
    <button type="button" title={`${picture.name}, likeness ${score.toFixed(2)}`} aria-label={`Details of ${picture.name}`} onClick={() => navigate({ picture: picture.id })}>
      <span class="frame-sheet" style={sheetOf(closeTo(picture, 1, box), picture)}>
        <img src={imageUrl(picture, 960)} alt="" loading="lazy" />
      </span>
    </button>
  );
}
