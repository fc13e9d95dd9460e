// No picture yet to select a part on: the library to choose from, or one's own.
import { useEffect, useMemo } from "preact/hooks";
import { FilterBar } from "../../components/filter-bar";
import { Grid } from "../../components/grid";
import { Icon } from "../../components/icon";
import { OWN_PICTURE } from "../../components/query-bar";
import type { TileActions } from "../../components/tile";
import { formatRoute, navigate, routes, selectPart } from "../../route";
import { feedKey, feedOf, feedsVersion } from "../../state/feeds";
import { density, shape } from "../../state/preferences";
import { useStore } from "../../state/store";

const ACTIONS: TileActions = {
  does: "select a part of it",
  href: (id) => formatRoute({ ...routes.get(), ...selectPart(routes.get(), String(id)) }),
  similar: (id) => navigate(selectPart(routes.get(), String(id))),
  details: (id) => navigate({ picture: id }),
  more: () => undefined,
  less: () => undefined,
  part: (id) => navigate(selectPart(routes.get(), String(id))),
  select: () => undefined,
};

export function Choose() {
  const route = useStore(routes);
  const version = useStore(feedsVersion);
  const loader = useMemo(() => feedOf(route), [`${feedKey(route)}#${version}`]);
  const feed = useStore(loader.store);
  const size = useStore(density);
  const form = useStore(shape);
  useEffect(() => loader.want(1), [loader]);
  return (
    <>
      <header class="part-choose">
        <h1>Find a part everywhere</h1>
        <p>
          Choose a picture, then mark what you mean on it: an eye, a window, a wheel. Or{" "}
          <label class="text-link" for={OWN_PICTURE}>bring your own</label>: drop it, paste it or choose a file.
        </p>
      </header>
      <FilterBar />
      {feed.error ? (
        <p class="form-error" role="alert">{feed.error}</p>
      ) : feed.complete && feed.hits.length === 0 ? (
        <p class="part-none"><Icon name="image" /> There are no pictures here to choose from.</p>
      ) : (
        <section aria-label="Pictures to choose from" aria-busy={feed.loading}>
          <Grid
            label="Pictures"
            hits={feed.hits}
            total={feed.hits.length === 0 ? 40 : feed.total}
            density={size}
            shape={form}
            selected={[]}
            hasQuery={false}
            actions={ACTIONS}
            want={(needed) => loader.want(needed)}
          />
        </section>
      )}
    </>
  );
}
