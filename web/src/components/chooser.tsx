// No picture yet for a view that is about one: the library to choose from, or one's own.
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { formatRoute, navigate, routes, selectPart, type Route } from "../route";
import { feedKey, feedOf, feedsVersion } from "../state/feeds";
import { density, shape } from "../state/preferences";
import { useStore } from "../state/store";
import { FilterBar } from "./filter-bar";
import { Grid } from "./grid";
import { Icon } from "./icon";
import { OWN_PICTURE } from "./query-bar";
import type { TileActions } from "./tile";

interface Props {
  title?: string;
  children?: ComponentChildren; // what to choose it for; the way to one's own picture follows
  does: string; // what a click does, in words
  choose: (query: string) => Partial<Route>; // where a click goes
  list?: Route; // the pictures offered: the library's as filtered, when left out
}

export function Chooser({ title, children, does, choose, list }: Props) {
  const route = useStore(routes);
  const version = useStore(feedsVersion);
  const listed = list ?? route;
  const loader = useMemo(() => feedOf(listed), [`${feedKey(listed)}#${version}`]);
  const feed = useStore(loader.store);
  // Where the most alike come first, the order says so: scores need room that this grid does not give.
  const hits = useMemo(() => feed.hits.map((hit) => ({ ...hit, score: NaN, percentile: NaN })), [feed.hits]);
  const size = useStore(density);
  const form = useStore(shape);
  useEffect(() => loader.want(1), [loader]);
  const actions: TileActions = useMemo(() => ({
    does,
    href: (id) => formatRoute({ ...routes.get(), ...choose(String(id)) }),
    similar: (id) => navigate(choose(String(id))),
    details: (id) => navigate({ picture: id }),
    more: () => undefined,
    less: () => undefined,
    part: (id) => navigate(selectPart(routes.get(), String(id))),
    select: () => undefined,
  }), [does, choose]);
  return (
    <>
      {title && (
        <header class="choosing">
          <h1>{title}</h1>
          <p>
            {children} Or <label class="text-link" for={OWN_PICTURE}>bring your own</label>: drop it, paste it or choose a file.
          </p>
        </header>
      )}
      <FilterBar />
      {feed.error ? (
        <p class="form-error" role="alert">{feed.error}</p>
      ) : feed.complete && feed.hits.length === 0 ? (
        <p class="none-here"><Icon name="image" /> There are no pictures here to choose from.</p>
      ) : (
        <section aria-label="Pictures to choose from" aria-busy={feed.loading}>
          <Grid
            label="Pictures"
            hits={hits}
            total={feed.hits.length === 0 ? 40 : feed.total}
            density={size}
            shape={form}
            selected={[]}
            hasQuery={false}
            actions={actions}
            want={(needed) => loader.want(needed)}
          />
        </section>
      )}
    </>
  );
}
