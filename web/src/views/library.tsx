// The library, and every search in it: one grid.
import { useEffect, useLayoutEffect, useMemo } from "preact/hooks";
import { actsOnPicture } from "../acts";
import { CopyMenu } from "../components/copy-menu";
import { FilterBar } from "../components/filter-bar";
import { Grid } from "../components/grid";
import { Had } from "../components/had";
import { Icon, Logo } from "../components/icon";
import { JobBar } from "../components/job-progress";
import { Notice } from "../components/notice";
import { OWN_PICTURE } from "../components/query-bar";
import { SelectionBar } from "../components/selection-bar";
import { SortMenu } from "../components/sort-menu";
import type { TileActions } from "../components/tile";
import { isFiltered, NO_FILTERS } from "../filters";
import { asSentence, count, duration, parted, plural, press } from "../format";
import { aboutPicture, formatRoute, isSearch, navigate, rememberedScroll, routes, selectPart, similarTo, withQuery, type Route } from "../route";
import { feedKey, feedOf, feedsVersion, forgetFeeds, type Feed, type Loader } from "../state/feeds";
import { jobs, runningJob } from "../state/jobs";
import { dialog } from "../state/overlays";
import { density, shape } from "../state/preferences";
import { clearSelection, selection, selectThrough, toggleSelected } from "../state/selection";
import { session } from "../state/session";
import { useStore } from "../state/store";
import type { Answer } from "../wire";

export function Library() {
  const route = useStore(routes);
  const version = useStore(feedsVersion);
  const { about } = useStore(session);
  const key = `${feedKey(route)}#${version}`;
  const loader = useMemo(() => feedOf(route), [key]);
  const running = runningJob(useStore(jobs));
  const empty = about?.library.pictures === 0;

  useEffect(() => loader.want(1), [loader]);
  useLayoutEffect(clearSelection, [key]);
  useLayoutEffect(() => scrollTo(0, rememberedScroll()), [feedKey(route)]);

  if (empty && !running && !isSearch(route)) return <EmptyLibrary readOnly={about.library.read_only} />;
  return (
    <>
      <h1 class="visually-hidden">{isSearch(route) ? "Similar pictures" : "Library"}</h1>
      <FilterBar />
      {running && <JobBar job={running} />}
      <Pictures key={key} route={route} loader={loader} />
      <SelectionBar />
    </>
  );
}

function Pictures({ route, loader }: { route: Route; loader: Loader }) {
  const feed = useStore(loader.store);
  const size = useStore(density);
  const form = useStore(shape);
  const selected = useStore(selection);
  const searching = isSearch(route);
  const actions = useMemo(() => actionsOn(loader), [loader]);

  if (feed.error && feed.hits.length === 0) return <Failed route={route} sentence={feed.error} retry={() => loader.retry()} />;
  if (feed.complete && feed.hits.length === 0)
    return (
      <>
        {feed.note && <Missing sentence={feed.note} />}
        <NothingPasses searching={searching} />
      </>
    );
  return (
    <section aria-label={searching ? "Similar pictures" : "Library"} aria-busy={feed.loading}>
      <Summary feed={feed} searching={searching} />
      <Grid
        label={searching ? "Pictures, most similar first" : "Pictures"}
        hits={feed.hits}
        total={feed.hits.length === 0 ? UNKNOWN : feed.total}
        density={size}
        shape={form}
        selected={selected}
        hasQuery={searching}
        actions={actions}
        want={(needed) => loader.want(needed)}
      />
      {feed.error && (
        <p class="form-error" role="alert">
          {feed.error} <button type="button" class="button" onClick={() => loader.retry()}>Try again</button>
        </p>
      )}
    </section>
  );
}

const UNKNOWN = 40; // places shown while nobody knows how many pictures there are

function actionsOn(loader: Loader): TileActions {
  return {
    href: (id) => formatRoute({ ...routes.get(), ...similarTo(routes.get(), String(id)) }),
    similar: (id) => navigate(similarTo(routes.get(), String(id))),
    details: (id) => navigate({ picture: id }),
    more: (id) => navigate(withQuery(routes.get(), "like", String(id))),
    less: (id) => navigate(withQuery(routes.get(), "unlike", String(id))),
    part: (id) => navigate(selectPart(routes.get(), String(id))),
    select: (id, through) =>
      through ? selectThrough(id, loader.store.get().hits.map((hit) => hit.picture.id)) : toggleSelected(id),
  };
}

function Summary({ feed, searching }: { feed: Feed; searching: boolean }) {
  const { like, unlike } = useStore(routes);
  const { answer } = feed;
  const known = feed.hits.length > 0;
  return (
    <>
      {feed.note && <Missing sentence={feed.note} />}
      {answer && !answer.verdict.found && <NothingLikeIt answer={answer} />}
      {answer && like.length === 1 && unlike.length === 0 && <Had query={like[0] ?? ""} />}
      <div class="summary">
        <p aria-live="polite">
          {searching ? answer && <SearchLine answer={answer} /> : known && <b>{plural(feed.total, "picture")}</b>}
        </p>
        {searching ? <SearchTools /> : <SortMenu />}
      </div>
    </>
  );
}

/** One picture alone can also be searched for a part of it. */
function SearchTools() {
  const route = useStore(routes);
  const [only, ...others] = route.like;
  return (
    <div class="summary-tools">
      {only !== undefined && others.length === 0 && (
        <>
          <a class="pill" href={formatRoute({ ...route, ...selectPart(route, only) })}>
            <Icon name="part" size={16} /> <span>Select a part</span>
          </a>
          {actsOnPicture(only).map(({ view, icon, label }) => (
            <a key={view} class="pill act" href={formatRoute({ ...route, ...aboutPicture(route, view, only) })} title={label}>
              <Icon name={icon} size={16} /> <span>{label}</span>
            </a>
          ))}
        </>
      )}
      <CopyMenu />
    </div>
  );
}

function SearchLine({ answer }: { answer: Answer }) {
  const took = duration(answer.seconds + answer.encode_seconds);
  const [said, why] = parted(answer.verdict.sentence);
  return (
    <>
      <b title={why}>{answer.verdict.found ? said : "The nearest there are"}</b>
      <span title={`Engine: ${answer.engine}`}> · {plural(answer.searched, "picture")} searched in {took}</span>
    </>
  );
}

/** A part of the library did not answer. */
function Missing({ sentence }: { sentence: string }) {
  return (
    <div class="verdict missing" role="status">
      <Icon name="info" size={22} />
      <p>{asSentence(sentence)}</p>
      <button type="button" class="button" onClick={forgetFeeds}>Ask again</button>
    </div>
  );
}

function NothingLikeIt({ answer }: { answer: Answer }) {
  const [said, why] = parted(answer.verdict.sentence);
  return (
    <div class="verdict" role="status">
      <Icon name="eyeClosed" size={26} />
      <div>
        <b>{said}</b>
        <p>{why} The nearest are shown all the same.</p>
      </div>
    </div>
  );
}

function NothingPasses({ searching }: { searching: boolean }) {
  const { filters } = routes.get();
  return (
    <Notice
      icon="filter"
      title={isFiltered(filters) ? "No picture passes these filters" : "Nothing to show"}
      actions={
        isFiltered(filters) && (
          <button type="button" class="button primary" onClick={() => navigate({ filters: NO_FILTERS })}>
            Clear filters
          </button>
        )
      }
    >
      {searching ? "The search covers only what passes the filters above." : "Loosen one of them to see more."}
    </Notice>
  );
}

function Failed({ route, sentence, retry }: { route: Route; sentence: string; retry: () => void }) {
  return (
    <Notice
      icon="warning"
      tone="bad"
      title={
        isSearch(route)
          ? "This search did not work"
          : isFiltered(route.filters)
            ? "These filters cannot be used"
            : "The library cannot be shown"
      }
      actions={
        <>
          <button type="button" class="button primary" onClick={retry}>
            <Icon name="refresh" /> Try again
          </button>
          {isFiltered(route.filters) && (
            <button type="button" class="button" onClick={() => navigate({ filters: NO_FILTERS })}>Clear filters</button>
          )}
          {isSearch(route) && <a class="button" href="/">Back to the library</a>}
        </>
      }
    >
      {sentence}
    </Notice>
  );
}

function EmptyLibrary({ readOnly }: { readOnly: boolean }) {
  return (
    <section class="welcome">
      <Logo size={112} />
      <h1>Your pictures, by how they look</h1>
      <p>
        Choose a folder: Dinoscope looks at every picture in it once, and from then on finds the ones that look like any
        picture you point at. Everything stays on this machine, and your files are never changed.
      </p>
      {readOnly ? (
        <p class="hint">This library is read-only, so nothing can be added to it here.</p>
      ) : (
        <button type="button" class="button primary large" onClick={() => dialog.set("folders")}>
          <Icon name="folder" size={20} /> Choose a folder
        </button>
      )}
      <ol class="steps">
        <li><b>1</b> Add a folder</li>
        <li><b>2</b> {press()} a picture, or <label class="text-link" for={OWN_PICTURE}>bring your own</label></li>
        <li><b>3</b> See what looks like it</li>
      </ol>
    </section>
  );
}

export const titleOf = (route: Route, pictures: number | undefined): string => {
  if (isSearch(route)) return "Similar pictures · Dinoscope";
  return pictures ? `${count(pictures)} pictures · Dinoscope` : "Dinoscope";
};
