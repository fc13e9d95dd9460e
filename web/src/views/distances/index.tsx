// Distances that mean something: two pictures with what makes them alike, or many, each with each.
import { useLayoutEffect, useState } from "preact/hooks";
import { queryThumbnailUrl } from "../../api";
import { Chooser } from "../../components/chooser";
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { Notice } from "../../components/notice";
import { plural } from "../../format";
import { keysRest } from "../../keys";
import { HOME, MOST_THESE, navigate, routes, turn, type Route } from "../../route";
import { useStore } from "../../state/store";
import { pairOf, saidOf, useDistances, type Distances as Found, type Pair } from "./asking";
import { Matrix } from "./matrix";
import { PairPanel } from "./pair";

const withOne = (query: string): Partial<Route> => {
  const { these } = routes.get();
  return { these: [...new Set([...these, query])].slice(-MOST_THESE), picture: null };
};

const without = (query: string) => navigate({ these: routes.get().these.filter((one) => one !== query) });

export function Distances() {
  const { these, filters } = useStore(routes);
  const { value: found, failure } = useDistances(these);
  const [adding, setAdding] = useState(false);
  useLayoutEffect(() => scrollTo(0, 0), []);
  if (failure) {
    return (
      <Notice icon="warning" tone="bad" title="These cannot be compared" actions={<a class="button primary" href="/distances">Choose others</a>}>
        {failure}
      </Notice>
    );
  }
  const first = these[0];
  const list: Route | undefined = first === undefined ? undefined : { ...HOME, filters, like: [first] };
  const many = these.length > 1;
  return (
    <div class="distances">
      {many && (
        <header class="distances-head">
          <h1>
            <small>Distances</small> {these.length === 2 ? "between two pictures" : `between ${plural(these.length, "picture")}`}
          </h1>
          <div class="summary-tools">
            <button type="button" class="pill" aria-expanded={adding} onClick={() => setAdding(!adding)}>
              <Icon name={adding ? "close" : "add"} size={16} /> {adding ? "Done" : "Add pictures"}
            </button>
            <a class="pill" href="/distances" aria-label="Others: start anew" title="Start anew"><Icon name="grid" size={16} /> <span class="wide-only">Others</span></a>
            <CopyMenu />
          </div>
        </header>
      )}
      {many && (found ? <Measured found={found} /> : <p class="hint" role="status">Measuring…</p>)}
      {(!many || adding) && (
        <Chooser
          {...(many ? {} : { title: "How alike are two pictures?" })}
          does={many ? "add it" : "compare it"}
          choose={withOne}
          {...(list ? { list } : {})}
        >
          {first === undefined ? (
            "Choose the first of two or more pictures."
          ) : (
            <>
              <img class="distances-first" src={queryThumbnailUrl(first, 160)} alt="The first picture" /> Now the second one.
            </>
          )}
        </Chooser>
      )}
    </div>
  );
}

function Measured({ found }: { found: Found }) {
  const { knobs } = useStore(routes);
  const [one, other] = (knobs["pair"] ?? "").split(",");
  const chosen = found.pictures.length === 2 ? found.pairs[0] : pairOf(found, one ?? "", other ?? "");
  const why = knobs["why"] === "true";
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (keysRest(event) || event.key !== "w" || !chosen) return;
      event.preventDefault();
      turn({ why: why ? "" : "true" });
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [why, chosen]);
  if (found.pictures.length === 2) return chosen ? <PairPanel found={found} pair={chosen} why={why} /> : null;
  return (
    <div class="distances-many">
      <div class="matrix-frame">
        <Matrix found={found} chosen={chosen ?? null} choose={({ here, there }: Pair) => turn({ pair: `${here},${there}` })} remove={without} />
        <p class="hint matrix-legend">
          <span>like any two</span> <i aria-hidden="true" /> <span>like 1 of 10,000 pairs</span>
        </p>
      </div>
      {chosen ? <PairPanel found={found} pair={chosen} why={why} /> : <Extremes found={found} />}
    </div>
  );
}

/** Until a pair is chosen: the closest one and the farthest. */
function Extremes({ found }: { found: Found }) {
  const sorted = [...found.pairs].sort((one, other) => other.cosine - one.cosine);
  const rows = [["The closest two", sorted[0]], ["The farthest two", sorted.at(-1)]] as const;
  return (
    <section class="extremes" aria-label="The closest and the farthest">
      {rows.map(([title, pair]) => pair && (
        <button key={title} type="button" onClick={() => turn({ pair: `${pair.here},${pair.there}` })}>
          <b>{title}</b>
          <span class="extremes-pictures">
            <img src={queryThumbnailUrl(pair.here, 320)} alt="" />
            <img src={queryThumbnailUrl(pair.there, 320)} alt="" />
          </span>
          <span>{saidOf(pair)}</span>
        </button>
      ))}
      <p class="hint">Choose a field to see its two pictures, and why they are alike.</p>
    </section>
  );
}
