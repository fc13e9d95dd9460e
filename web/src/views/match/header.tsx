// Which two pictures, and how to take others.
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { aboutPicture, formatRoute, routes, type Route } from "../../route";
import type { Asked } from "../../state/asked";
import { useStore } from "../../state/store";

export function Header({ here, there }: { here: Asked; there: Asked }) {
  const route = useStore(routes);
  const other = formatRoute({ ...route, ...aboutPicture(route, "match", here.query) });
  return (
    <header class="look-head">
      <h1>
        <small>Match</small> {here.name} <small>with</small> {there.name}
      </h1>
      <div class="summary-tools">
        <a class="pill" href={formatRoute({ ...route, ...swapped(route) })} title="The first picture becomes the second (f)">
          <Icon name="swap" size={16} /> <span>Swap</span>
        </a>
        <a class="pill" href={other} title="Match the first picture with another one">
          <Icon name="grid" size={16} /> <span>Another picture</span>
        </a>
        <CopyMenu />
      </div>
    </header>
  );
}

/** The other way round: the first picture is the second. Marks were the first one's, and go. */
export function swapped(route: Route): Partial<Route> {
  const { here_at: here, there_at: there, ...knobs } = route.knobs;
  return {
    of: route.there,
    there: route.of,
    marks: [],
    knobs: { ...knobs, ...(there && { here_at: there }), ...(here && { there_at: here }) },
  };
}
