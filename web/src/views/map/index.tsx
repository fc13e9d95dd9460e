// The whole library as a map: pictures that are alike lie together.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { queryThumbnailUrl } from "../../api";
import { CopyMenu } from "../../components/copy-menu";
import { FilterBar } from "../../components/filter-bar";
import { Icon } from "../../components/icon";
import { Notice } from "../../components/notice";
import { Popover } from "../../components/popover";
import { SelectionBar } from "../../components/selection-bar";
import { count, plural } from "../../format";
import { keysRest } from "../../keys";
import { navigate, routes, turn } from "../../route";
import { say } from "../../state/overlays";
import { selection } from "../../state/selection";
import { useStore } from "../../state/store";
import { useMap, usePassing, type MapState } from "./asking";
import { formatCamera, parseCamera, type Camera } from "./camera";
import { WHOLE, type Index } from "./points";
import { Stage } from "./stage";

const MOST_SELECTED = 5000; // more than that no list of selected pictures is for

export function LibraryMap() {
  const { state, index, failure, again } = useMap();
  const { filters } = useStore(routes);
  const passing = usePassing(index, filters);
  const [refused, setRefused] = useState(false);
  useLayoutEffect(() => scrollTo(0, 0), []);
  if (refused) {
    return <Notice icon="warning" tone="bad" title="This browser draws no map">It has no WebGL 2, or it is switched off: try another browser.</Notice>;
  }
  if (failure && !index) {
    return (
      <Notice icon="warning" tone="bad" title="There is no map" actions={<a class="button primary" href="/">To the library</a>}>
        {failure}
      </Notice>
    );
  }
  return (
    <div class="map" ref={fill}>
      <h1 class="visually-hidden">Map of the library</h1>
      <FilterBar />
      <div class="map-body" aria-busy={index === null}>
        {index && <Shown index={index} passing={passing} noWebgl={() => setRefused(true)} />}
        <Tools state={state} again={again} passing={passing} index={index} />
        {state?.state === "running" && <Making state={state} first={index === null} />}
      </div>
      <SelectionBar />
    </div>
  );
}

/** As high as what the bars above leave of the window. */
function fill(element: HTMLElement | null): void {
  element?.style.setProperty("--above", `${element.getBoundingClientRect().top + scrollY}px`);
}

function Shown({ index, passing, noWebgl }: { index: Index; passing: Uint8Array | null; noWebgl: () => void }) {
  const { of, knobs } = useStore(routes);
  const selected = useStore(selection);
  const meant = /^\d+$/.test(of) ? Number(of) : null;
  const [camera, setCamera] = useState<Camera | null>(() => parseCamera(knobs["view"]) ?? around(index, meant));
  const [lassoing, setLassoing] = useState(false);
  const told = useRef(knobs["view"] ?? "");

  // Back and forward, and a link to another place.
  useEffect(() => {
    const view = knobs["view"] ?? "";
    if (view === told.current) return;
    told.current = view;
    setCamera(parseCamera(view) ?? around(index, meant));
  }, [knobs["view"], meant]);
  const settle = (next: Camera | null, settled: boolean) => {
    setCamera(next);
    if (!settled) return;
    told.current = next ? formatCamera(next) : "";
    turn({ view: told.current });
  };
  const select = (ids: readonly number[], add: boolean) => {
    if (ids.length > MOST_SELECTED) say(`The first ${count(MOST_SELECTED)} of ${count(ids.length)} pictures are selected.`);
    const before = add ? selection.get() : [];
    selection.set([...new Set([...before, ...ids])].slice(0, MOST_SELECTED));
    setLassoing(false);
  };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (keysRest(event)) return;
      if (event.key === "l") setLassoing((on) => !on);
      else if (event.key === "0") settle(null, true);
      else if (event.key === "d") turn({ show: routes.get().knobs["show"] ? "" : "dots" });
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
  return (
    <>
      <Stage
        index={index}
        camera={camera}
        setCamera={settle}
        passing={passing}
        selected={selected}
        meant={meant}
        dotsOnly={knobs["show"] === "dots"}
        lassoing={lassoing}
        select={select}
        noWebgl={noWebgl}
      />
      <div class="map-keys" role="group" aria-label="The map">
        <button type="button" class="button bare" aria-pressed={lassoing} aria-label="Lasso" title="Draw round pictures to select them (l, or Shift and drag)" onClick={() => setLassoing(!lassoing)}>
          <Icon name="lasso" size={20} />
        </button>
        <button type="button" class="button bare" aria-pressed={knobs["show"] !== "dots"} aria-label="Thumbnails" title="Show thumbnails (d)" onClick={() => turn({ show: knobs["show"] ? "" : "dots" })}>
          <Icon name="image" size={20} />
        </button>
        <button type="button" class="button bare" aria-label="The whole map" title="The whole map (0)" onClick={() => settle(null, true)}>
          <Icon name="map" size={20} />
        </button>
      </div>
      {selected.length > 0 && <Tray selected={selected} />}
    </>
  );
}

const CLOSE = 6; // zoom at which a picture's neighbours are told apart

/** A look at one picture and what lies around it. */
function around(index: Index, id: number | null): Camera | null {
  const at = id === null ? -1 : index.points.ids.indexOf(id);
  if (at < 0) return null;
  const { places, count: all } = index.points;
  const zoom = Math.min(60, Math.max(2, CLOSE * Math.sqrt(all / 1000)));
  return { x: (places[2 * at] as number) / WHOLE, y: (places[2 * at + 1] as number) / WHOLE, zoom };
}

function Tools({ state, again, passing, index }: { state: MapState | null; again: () => void; passing: Uint8Array | null; index: Index | null }) {
  const pass = passing?.reduce((sum, one) => sum + one, 0);
  const placed = Math.max(0, (state?.pictures ?? 0) - (state?.fitted ?? 0));
  return (
    <div class="map-tools">
      {index && (
        <span class="map-count" role="status" title={state?.note ?? undefined}>
          {pass === undefined ? plural(index.points.count, "picture") : `${count(pass)} of ${plural(index.points.count, "picture")}`}
          {state?.note && " · some are missing"}
        </span>
      )}
      <Popover label="About this map" icon="info" bare align="end">
        {(close) => (
          <div class="map-about">
            <p>Pictures that are alike lie together. Directions and long distances mean little; what is near means much.</p>
            {state?.method === "pca" ? (
              <p>This one shows the two directions in which the library differs most, and those only. For one that keeps neighbourhoods, install the extra <code>map</code>: <code>pip install 'dinoscope[map]'</code>.</p>
            ) : (
              <p>Laid out by PaCMAP on {plural(state?.fitted ?? 0, "picture")}{placed > 0 && `; ${count(placed)} came later and were placed among their neighbours`}.</p>
            )}
            <button type="button" class="button" disabled={state?.state === "running"} onClick={() => (close(), again())}>
              Lay it out anew
            </button>
          </div>
        )}
      </Popover>
      <CopyMenu />
    </div>
  );
}

function Making({ state, first }: { state: MapState; first: boolean }) {
  const share = state.stage === "Placing" && state.total > 0 ? ` ${Math.floor((100 * state.done) / state.total)} %` : "";
  return (
    <p class="map-making" role="status">
      <span class="spinner" aria-hidden="true" />
      {STAGES[state.stage] ?? "Looking at the library"}{share}
      {first && state.stage === "Laying out" && <small>once; it is kept with the library</small>}
    </p>
  );
}

const STAGES: Record<string, string> = { Reading: "Reading", "Laying out": "Laying out the map", Placing: "Placing pictures" };

const MOST_IN_TRAY = 60;

/** What is selected, to look over: a click takes one out. */
function Tray({ selected }: { selected: readonly number[] }) {
  const more = selected.length - MOST_IN_TRAY;
  return (
    <aside class="map-tray" aria-label="Selected pictures">
      {selected.slice(0, MOST_IN_TRAY).map((id) => (
        <button key={id} type="button" title="Its details; Shift takes it out" aria-label="Details" onClick={(event) => (event.shiftKey ? selection.set(selection.get().filter((one) => one !== id)) : navigate({ picture: id }))}>
          <img src={queryThumbnailUrl(String(id), 160)} alt="" loading="lazy" draggable={false} />
        </button>
      ))}
      {more > 0 && <span>{count(more)} more</span>}
    </aside>
  );
}
