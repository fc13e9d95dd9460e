// Others to match the first picture with, those most like it first: one click each.
import { useEffect, useMemo } from "preact/hooks";
import { thumbnailUrl } from "../../api";
import { formatRoute, HOME, routes } from "../../route";
import { feedKey, feedOf, feedsVersion } from "../../state/feeds";
import type { Asked } from "../../state/asked";
import { useStore } from "../../state/store";

const MOST = 24;

export function Strip({ here, there }: { here: Asked; there: string }) {
  const version = useStore(feedsVersion);
  const route = useStore(routes);
  const list = { ...HOME, like: [here.query] };
  const loader = useMemo(() => feedOf(list), [`${feedKey(list)}#${version}`]);
  const { hits } = useStore(loader.store);
  useEffect(() => loader.want(1), [loader]);
  const shown = hits.filter(({ picture }) => String(picture.id) !== here.query).slice(0, MOST);
  if (shown.length === 0) return null;
  const { here_at, there_at, ...knobs } = route.knobs;
  const kept = here_at ? { ...knobs, here_at } : knobs;
  return (
    <nav class="match-strip" aria-label={`Match ${here.name} with another`}>
      <h2>With another</h2>
      <ul role="list">
        {shown.map(({ picture }) => {
          const query = String(picture.id);
          return (
            <li key={query}>
              <a
                href={formatRoute({ ...route, there: query, knobs: kept })}
                title={picture.name}
                aria-label={picture.name}
                aria-current={query === there ? "true" : undefined}
              >
                <img src={thumbnailUrl(picture, 160)} alt="" loading="lazy" decoding="async" draggable={false} />
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
