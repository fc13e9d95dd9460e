// What is said of the pair: which way round, whether it is the very same thing, and how closely was looked.
import { asSentence } from "../../format";
import type { ComponentChildren } from "preact";
import { Segments } from "../../components/segments";
import { routes, turn } from "../../route";
import { useStore } from "../../state/store";
import type { Answered, Geometry, Matched, Orientation } from "./asking";
import { BestLinks } from "./best-links";
import type { Cosines } from "./grids";
import { showing, type Show } from "./header";
import { otherWay, wayShares } from "./words";

interface Props {
  match: Matched;
  geometry: Answered<Geometry>;
  shape: Cosines | null;
  show: Show;
  links: number; // drawn
}

export function Verdicts({ match, geometry, shape, show, links }: Props) {
  return (
    <div class="match-verdicts">
      <WayRound orientation={match.orientation} told={match.links.length > 0} />
      <SameThing geometry={geometry} show={show} />
      <Closely match={match} shape={shape}>
        {show === "links" && match.links.length > 1 && <BestLinks all={match.links.length} shown={links} />}
      </Closely>
    </div>
  );
}

/** Where nothing belongs together there is nothing to tell it by. */
function WayRound({ orientation, told }: { orientation: Orientation; told: boolean }) {
  const { mirrored } = useStore(routes).knobs;
  const [straight, turned] = wayShares(orientation);
  const doubt = told && orientation.ambiguous && !orientation.chosen;
  return (
    <section class={`match-verdict${doubt ? " doubt" : ""}`} aria-label="Which way round">
      <h2>Which way round</h2>
      <p>{told ? asSentence(orientation.sentence) : "Too little belongs together to tell."}</p>
      <div class="match-ways" role="img" aria-label={`Votes: ${percent(straight)} the same way round, ${percent(turned)} mirrored`}>
        <i style={{ flexGrow: straight }} class={orientation.mirrored ? "" : "taken"} />
        <i style={{ flexGrow: turned }} class={orientation.mirrored ? "taken" : ""} />
      </div>
      <Segments
        legend="Match them"
        quiet
        value={mirrored ?? ""}
        options={[["", "As it seems"], ["false", "Same way"], ["true", "Mirrored"]]}
        onChange={(one) => turn({ mirrored: one })}
      />
      {doubt && (
        <button type="button" class="text-button" onClick={() => turn({ mirrored: otherWay(orientation) })}>See it the other way round</button>
      )}
    </section>
  );
}

const percent = (share: number): string => `${Math.round(100 * share)}\u00a0%`; // on one line

function SameThing({ geometry: { value, waiting, failure }, show }: { geometry: Answered<Geometry>; show: Show }) {
  return (
    <section class="match-verdict" aria-label="The very same thing?" aria-busy={waiting}>
      <h2>The very same thing?</h2>
      {value ? (
        <>
          <p>{asSentence(value.sentence)}</p>
          {value.relation !== "none" && show !== "geometry" && (
            <button type="button" class="text-button" onClick={() => showing("geometry")}>Show the {value.points.length} points that agree</button>
          )}
        </>
      ) : (
        <p class="soft">{failure ? asSentence(failure) : "Looking for points that agree …"}</p>
      )}
    </section>
  );
}

const DETAILS: readonly (readonly [patches: string, title: string])[] = [["256", "Rough"], ["", "Close"], ["1024", "Closer"]];

function Closely({ match, shape, children }: { match: Matched; shape: Cosines | null; children: ComponentChildren }) {
  const { patches = "" } = useStore(routes).knobs;
  const known = DETAILS.some(([one]) => one === patches);
  return (
    <section class="match-verdict" aria-label="How closely">
      <h2>How closely</h2>
      <p>
        {shape && <>{shape.here.columns} × {shape.here.rows} patches against {shape.there.columns} × {shape.there.rows}. </>}
        What stands out is {percent(Math.max(0, match.likeness))} alike.
      </p>
      <Segments
        legend="Detail"
        quiet
        value={known ? patches : ""}
        options={DETAILS.map(([one, title]) => [one, title] as const)}
        onChange={(one) => turn({ patches: one })}
      />
      {children}
    </section>
  );
}
