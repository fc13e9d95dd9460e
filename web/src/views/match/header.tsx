// Which two pictures, what is shown of them, and how to take others.
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { Segments } from "../../components/segments";
import { aboutPicture, formatRoute, routes, turn, type Route } from "../../route";
import type { Asked } from "../../state/asked";
import { useStore } from "../../state/store";

export type Show = "links" | "dense" | "part" | "geometry";
export const SHOWS: readonly Show[] = ["links", "dense", "part", "geometry"];

export const showing = (show: Show): void => turn({ show: show === "links" ? "" : show });

export function Header({ here, there, show }: { here: Asked; there: Asked; show: Show }) {
  const route = useStore(routes);
  const other = formatRoute({ ...route, ...aboutPicture(route, "match", here.query) });
  return (
    <header class="match-head">
      <h1>
        <small>Match</small> {here.name} <small>with</small> {there.name}
      </h1>
      <Segments<Show>
        legend="What is shown"
        quiet
        value={show}
        options={[
          ["links", "Links", "Which part is which (1)"],
          ["dense", "Colours", "One colour, one part (2)"],
          ["part", "A part", "Mark a part, and see it in the other (3)"],
          ["geometry", "Geometry", "Is it the very same thing? (4)"],
        ]}
        onChange={showing}
      />
      <div class="summary-tools">
        <a class="pill" href={formatRoute({ ...route, ...swapped(route) })} title="The first picture becomes the second (f)">
          <Icon name="swap" size={16} /> <span>Swap</span>
        </a>
        <a class="pill" href={other} title="Match the first picture with another one">
          <Icon name="grid" size={16} /> <span>Another</span>
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
