// The pictures with such a part.
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { RegionRequest } from "../../api";
import { CopyMenu } from "../../components/copy-menu";
import { Grid } from "../../components/grid";
import { Icon, type IconName } from "../../components/icon";
import { Notice } from "../../components/notice";
import type { TileActions } from "../../components/tile";
import { NO_FILTERS, isFiltered } from "../../filters";
import { asSentence, duration, plural, press } from "../../format";
import { asksSomething, boxMark } from "../../marks";
import { formatRoute, navigate, routes, selectPart, withPlace, type PlaceExample } from "../../route";
import { jobs, runningJob, startIndexing } from "../../state/jobs";
import { say } from "../../state/overlays";
import { density, shape } from "../../state/preferences";
import { askAgain, askMore, draft, found, hitOf, over, show, type Found as Answered, type Show } from "../../state/part";
import { session } from "../../state/session";
import { useStore } from "../../state/store";
import type { RegionHit } from "../../wire";
import { PartTile } from "./part-tile";

const UNKNOWN = 18; // places shown while nobody knows how many pictures there are
const PAGE = 60;

export function Found({ question }: { question: RegionRequest | null }) {
  const answered = useStore(found);
  const size = useStore(density);
  const form = useStore(shape);
  const showing = useStore(show);
  const actions = useMemo(actionsOnHits, []);
  const { less } = useStore(routes);
  const { answer, next, loading, error } = answered;
  // Said to be wrong: gone at once, whatever the next answer says.
  const refused = less.map(({ picture }) => picture).join();
  const hits = useMemo(() => without(answered.hits, less), [answered.hits, refused]);

  if (!question) return <Invitation />;
  if (error && hits.length === 0) return <Failed sentence={error} unready={answered.unready} retry={() => askAgain(question)} />;
  if (answer && !loading && hits.length === 0) return <Nowhere answered={answered} />;
  return (
    <>
      <Summary answered={answered} />
      {error && <p class="form-error" role="alert">{error}</p>}
      <Steady waiting={loading}>
        <Grid
          key={showing === "close" ? "square" : form}
          label="Pictures with such a part, best first"
          hits={hits}
          total={hits.length === 0 ? UNKNOWN : hits.length + (next === null ? 0 : PAGE)}
          density={size}
          shape={showing === "close" ? "square" : form}
          selected={NONE}
          hasQuery
          actions={actions}
          want={(count) => count > hits.length + 1 && askMore(question)} // one more is always wished for
          Cell={PartTile}
        />
      </Steady>
    </>
  );
}

const NONE: readonly number[] = [];

/** The hits keep their order while a pointer is over them. */
function Steady({ waiting, children }: { waiting: boolean; children: ComponentChildren }) {
  useEffect(() => () => over.set(false), []);
  return (
    <div
      class={`part-hits${waiting ? " waiting" : ""}`}
      onPointerEnter={(event) => over.set(event.pointerType !== "touch")}
      onPointerLeave={() => over.set(false)}
    >
      {children}
    </div>
  );
}

function without(hits: readonly RegionHit[], less: readonly PlaceExample[]): readonly RegionHit[] {
  return less.length ? hits.filter((hit) => !less.some(({ picture }) => picture === String(hit.picture.id))) : hits;
}

function actionsOnHits(): TileActions {
  const example = (side: "more" | "less", id: number) => {
    const place = hitOf(id)?.places[0];
    if (place) navigate(withPlace(routes.get(), side, { picture: String(id), box: place.box }), "replace");
  };
  return {
    href: (id) => formatRoute({ ...routes.get(), picture: id }),
    similar: (id) => navigate({ picture: id }),
    details: (id) => navigate({ picture: id }),
    more: (id) => example("more", id),
    less: (id) => example("less", id),
    part: goOnFrom,
    select: () => undefined,
  };
}

/** The best place of a hit becomes the part that is searched for. */
export function goOnFrom(id: number): void {
  const place = hitOf(id)?.places[0];
  navigate({ ...selectPart(routes.get(), String(id)), marks: place ? [boxMark(place.box)] : [] });
}

function Summary({ answered }: { answered: Answered }) {
  const { answer, hits, next, loading, closer } = answered;
  const places = hits.reduce((sum, hit) => sum + hit.places.length, 0);
  return (
    <>
      {answer?.note && <Note sentence={answer.note} />}
      {answer?.verdict && answer.judged && hits.every(({ doubtful }) => doubtful) && <Doubt sentence={answer.verdict} />}
      <div class="summary">
        <p aria-live="polite">
          {answer ? (
            <>
              <b title={answer.verdict ?? undefined}>{next !== null && "Best "}{plural(hits.length, "picture")}, {plural(places, "place")}</b>
              <span title={`${plural(answer.searched, "picture")} searched; engine: ${answer.engine}`}>
                {" "}· {closer ? <i class="closer-look">looking closer…</i> : duration(answer.seconds + answer.encode_seconds)}
              </span>
              {!closer && hits.length > 0 && !answer.judged && <span title={answer.verdict ?? undefined}> · ranked, not judged</span>}
            </>
          ) : loading && "Looking for it…"}
        </p>
        <div class="summary-tools">
          <Showing />
          <CopyMenu />
        </div>
      </div>
    </>
  );
}

/** None of the best is much like the part from near. */
function Doubt({ sentence }: { sentence: string }) {
  const [said = "", why = ""] = sentence.split(": ");
  return (
    <div class="verdict" role="status">
      <Icon name="eyeClosed" size={26} />
      <div>
        <b>{said}</b>
        <p>{`${why.charAt(0).toUpperCase()}${why.slice(1)}`} The nearest are shown all the same.</p>
      </div>
    </div>
  );
}

const SHOWS: readonly [show: Show, icon: IconName, title: string, key: string][] = [
  ["places", "box", "Places", ""],
  ["heat", "heat", "Heat map", "h"],
  ["close", "search", "Close up", "v"],
];

function Showing() {
  const showing = useStore(show);
  return (
    <div class="segments" role="group" aria-label="Show">
      {SHOWS.map(([name, icon, title, key]) => (
        <button key={name} type="button" aria-pressed={showing === name} title={key ? `${title} (${key})` : title} onClick={() => show.set(name)}>
          <Icon name={icon} size={16} />
          <span>{title}</span>
        </button>
      ))}
    </div>
  );
}

/** Some pictures cannot be searched for parts yet: what to do about it, and a button that does. */
function Note({ sentence }: { sentence: string }) {
  return (
    <div class="verdict part-note" role="status">
      <Icon name="info" size={22} />
      <p>{sentence}</p>
      <IndexNow />
    </div>
  );
}

function IndexNow({ primary = false }: { primary?: boolean }) {
  const { about } = useStore(session);
  const running = runningJob(useStore(jobs));
  const roots = about?.library.roots ?? [];
  if (!about || about.library.read_only || roots.length === 0) return null;
  const index = async () => {
    const refused = await startIndexing(roots);
    say(refused ?? "The pictures are looked at again; you can go on meanwhile.", refused ? "bad" : "plain");
  };
  return (
    <button type="button" class={`button${primary ? " primary" : ""}`} disabled={running !== undefined} onClick={() => void index()}>
      {running ? "Indexing…" : "Index now"}
    </button>
  );
}

function Failed({ sentence, unready, retry }: { sentence: string; unready: boolean; retry: () => void }) {
  return (
    <Notice
      icon={unready ? "part" : "warning"}
      tone={unready ? "calm" : "bad"}
      title={unready ? "Parts come with indexing" : "This search did not work"}
      actions={
        <>
          {unready && <IndexNow primary />}
          <button type="button" class={`button${unready ? "" : " primary"}`} onClick={retry}>
            <Icon name="refresh" /> Try again
          </button>
        </>
      }
    >
      {asSentence(sentence)}
    </Notice>
  );
}

function Nowhere({ answered }: { answered: Answered }) {
  const filtered = isFiltered(routes.get().filters);
  return (
    <>
      {answered.answer?.note && <Note sentence={answered.answer.note} />}
      <Notice
        icon="eyeClosed"
        title="No picture has such a part"
        actions={filtered && (
          <button type="button" class="button primary" onClick={() => navigate({ filters: NO_FILTERS })}>Clear filters</button>
        )}
      >
        {filtered ? "The search covers only what passes the filters above." : "Mark more of it, or less of what lies around it."}
      </Notice>
    </>
  );
}

/** Nothing is wanted yet: how to begin. */
function Invitation() {
  const { marks } = useStore(routes);
  const drawn = useStore(draft);
  const begun = drawn !== null || (marks.length > 0 && !asksSomething(marks));
  return (
    <section class="part-invitation">
      <svg width="132" height="96" viewBox="0 0 132 96" aria-hidden="true">
        <rect class="ground" x="4" y="4" width="124" height="88" rx="10" />
        <circle class="thing" cx="78" cy="46" r="19" />
        <circle class="pupil" cx="78" cy="46" r="8" />
        <rect class="ants" x="51" y="21" width="54" height="50" rx="4" />
      </svg>
      <h2>{begun ? "Now mark what you want" : "Mark a part, and find it everywhere"}</h2>
      <ul role="list">
        <li><Icon name="box" /> <span><b>Drag</b> a box around it, or <b>circle</b> it with the lasso</span></li>
        <li><Icon name="brush" /> <span><b>Paint</b> over it with the brush</span></li>
        <li><Icon name="pointIn" /> <span><b>{press()}</b> on it, and on what it is not with {press() === "Tap" ? "" : "the right button or "}<b>⊖</b></span></li>
      </ul>
      <p class="hint">Pictures with such a part appear here while you draw.</p>
    </section>
  );
}
