import { plural } from "../format";
import { aboutPicture, formatRoute, HOME, isSearch, MOST_EXAMPLES, MOST_THESE, navigate, routes, similarTo, withQuery } from "../route";
import { say } from "../state/overlays";
import { clearSelection, selection } from "../state/selection";
import { useStore } from "../state/store";
import { MOST_PHOTOS, withPhotos } from "../state/things";
import { VIEWS } from "../views";
import { Icon } from "./icon";

/** One search by all the selected pictures together. */
export function searchSelected(): void {
  const chosen = selection.get().map(String);
  if (chosen.length > MOST_EXAMPLES) say(`The first ${MOST_EXAMPLES} pictures are used.`);
  const [first, ...rest] = chosen.slice(0, MOST_EXAMPLES);
  if (first === undefined) return;
  const start = { ...routes.get(), ...similarTo(routes.get(), first) };
  navigate(withQuery(start, "like", first, ...rest));
}

const refine = (side: "like" | "unlike") =>
  navigate(withQuery(routes.get(), side, ...selection.get().map(String)));

export function SelectionBar() {
  const selected = useStore(selection);
  const searching = isSearch(useStore(routes));
  if (selected.length === 0) return null;
  return (
    <div class="selection-bar" role="region" aria-label="Selected pictures">
      <b>{plural(selected.length, "picture")} selected</b>
      <button type="button" class="button primary" title="Search by them all (s)" onClick={searchSelected}>
        <Icon name="search" /> Find similar
      </button>
      <Together selected={selected.map(String)} />
      {searching && (
        <>
          <button type="button" class="button" onClick={() => refine("like")}>
            <Icon name="add" /> <span class="wide-only">More like these</span>
          </button>
          <button type="button" class="button" onClick={() => refine("unlike")}>
            <Icon name="minus" /> <span class="wide-only">Not like these</span>
          </button>
        </>
      )}
      <button type="button" class="button bare" aria-label="Unselect all" title="Unselect all (Esc)" onClick={clearSelection}>
        <Icon name="close" size={20} />
      </button>
    </div>
  );
}

/** What else can be asked of several pictures at once. */
function Together({ selected }: { selected: readonly string[] }) {
  const [first, second] = selected;
  if (first === undefined || second === undefined) return null;
  const route = routes.get();
  return (
    <>
      {"match" in VIEWS && selected.length === 2 && (
        <a class="button" href={formatRoute({ ...route, ...aboutPicture(route, "match", first), there: second })} title="Match the two">
          <Icon name="match" /> <span class="wide-only">Match</span>
        </a>
      )}
      {"remember" in VIEWS && selected.length <= MOST_PHOTOS && (
        <button type="button" class="button" title="Teach a thing that is in all of them" onClick={() => navigate(withPhotos(routes.get(), selected))}>
          <Icon name="tag" /> <span class="wide-only">Remember</span>
        </button>
      )}
      {"look" in VIEWS && (
        <a class="button" href={formatRoute({ ...route, ...aboutPicture(route, "look", first), these: selected.slice(1, MOST_EXAMPLES) })} title="The parts of all of them in the same colours">
          <Icon name="look" /> <span class="wide-only">Look inside</span>
        </a>
      )}
      {"distances" in VIEWS && (
        <a class="button" href={formatRoute({ ...HOME, filters: route.filters, view: "distances", these: selected.slice(0, MOST_THESE) })} title="How far apart they are">
          <Icon name="ruler" /> <span class="wide-only">Distances</span>
        </a>
      )}
    </>
  );
}
