// A picture with such a part: where it is, and what to do with it.
import { useEffect, useRef } from "preact/hooks";
import { act, actsOnPicture } from "../../acts";
import { imageUrl, thumbnailUrl } from "../../api";
import { Places, sureness } from "../../components/places";
import { Thumbnail, type TileProps, Tool } from "../../components/tile";
import { closeTo, covering, sheetOf } from "../../frames";
import { routes } from "../../route";
import { found, looked, show } from "../../state/part";
import { useStore } from "../../state/store";
import type { RegionHit } from "../../wire";

export function PartTile(props: TileProps) {
  const { index, total, x, y, width, height, active, actions } = props;
  const hit = props.hit as RegionHit;
  const { id, name } = hit.picture;
  const here = useStore(looked) === id;
  const wanted = useStore(routes).more.some(({ picture }) => picture === String(id));

  const look = (event: PointerEvent) => {
    if (event.pointerType !== "touch") looked.set(event.type === "pointerenter" ? id : null);
  };
  useEffect(() => () => { if (looked.get() === id) looked.set(null); }, [id]); // nothing leaves a tile that is gone
  // The focus comes between the finger and the click, and would count as a look.
  const touched = useRef<{ looked: boolean } | null>(null);
  const onPointerDown = (event: PointerEvent) => {
    touched.current = event.pointerType === "touch" ? { looked: looked.get() === id } : null;
  };
  const onClick = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab, as with any link
    event.preventDefault();
    // A finger cannot hover: its first tap looks, its second opens.
    if (touched.current && !touched.current.looked) looked.set(id);
    else actions.details(id);
    touched.current = null;
  };

  return (
    <li
      class={`tile part-tile${here ? " looked" : ""}${wanted ? " wanted" : ""}${hit.doubtful ? " doubtful" : ""}${useStore(show) === "heat" ? " hot" : ""}`}
      style={{ transform: `translate(${x}px, ${y}px)`, width: `${width}px` }}
      aria-setsize={total}
      aria-posinset={index + 1}
      onPointerEnter={look}
      onPointerLeave={look}
      onFocusIn={() => looked.set(id)}
      onFocusOut={() => looked.get() === id && looked.set(null)}
    >
      <div class="tile-picture" style={{ height: `${height}px` }}>
        <a
          class="tile-link"
          href={actions.href(id)}
          data-index={index}
          tabIndex={active ? 0 : -1}
          aria-label={`${name}: ${sureness(hit)}`}
          title={name}
          draggable={false}
          onPointerDown={onPointerDown}
          onClick={onClick}
        >
          <Framed hit={hit} width={width} height={height} hurried={props.hurried} looked={here} />
        </a>
        {hit.places.length > 1 && <span class="tile-count" title={`${hit.places.length} places`}>{hit.places.length}</span>}
        <div class="tile-tools">
          <Tool icon="add" label="More like this place" shortcut="+" name={name} act={() => actions.more(id)} />
          <Tool icon="minus" label="Not this one" shortcut="−" name={name} act={() => actions.less(id)} />
          <Tool icon="part" label="Go on from this place" shortcut="p" name={name} act={() => actions.part(id)} />
          {width >= 150 && actsOnPicture().filter(({ view }) => view === "match").map((one) => (
            <Tool key={one.view} icon={one.icon} label={one.label} shortcut={one.key} name={name} act={() => act(one, String(id))} />
          ))}
        </div>
      </div>
      <div class="score" title={explained(hit)} aria-hidden="true">
        <span class="score-bar"><span style={{ width: `${100 * barOf(hit.score)}%` }} /></span>
        <span>{hit.score.toFixed(2)}</span>
      </div>
    </li>
  );
}

function explained({ score, near, doubtful }: RegionHit): string {
  const closer = near === null ? "" : `; from near ${near.toFixed(2)}, where the part itself is 1`;
  return `Likeness ${score.toFixed(3)}${closer}${doubtful ? ": doubtful" : ""}`;
}

const SURE = 0.6; // patches of other pictures are seldom more alike than this

/** How long the bar is: full for the best, unless the best is not much. */
function barOf(score: number): number {
  const best = found.get().hits[0]?.score ?? 1;
  return Math.min(1, Math.max(0.02, score / Math.max(best, SURE)));
}

interface FramedProps {
  hit: RegionHit;
  width: number;
  height: number;
  hurried: boolean;
  looked: boolean; // somebody looks at it: its heat map shows what is alike
}

/** The picture in its tile, whole or close to its best place, with what was found on it. */
function Framed({ hit, width, height, hurried, looked: here }: FramedProps) {
  const showing = useStore(show);
  const { picture } = hit;
  const place = hit.places[0]?.box ?? null;
  const close = showing === "close" && place !== null;
  const aspect = width / height;
  const window = close ? closeTo(picture, aspect, place) : covering(picture, aspect, place);
  const larger = Math.max(picture.width, picture.height);
  const pixels = larger * (width / window.width) * Math.min(2, devicePixelRatio || 1);
  const source = sourceOf(hit, pixels);
  return (
    <div class="frame-sheet" data-part-hit={picture.id} style={sheetOf(window, picture)}>
      {close && !hurried && <img class="frame-under" src={thumbnailUrl(picture, 320)} alt="" draggable={false} />}
      <Thumbnail key={source} hit={hit} src={source} hurried={hurried} />
      <Places hit={hit} boxes={showing === "places"} heat={showing === "heat" || here} />
    </div>
  );
}

/** Sharp enough for the whole picture shown so large; close to a place that takes more than a thumbnail. */
function sourceOf({ picture }: RegionHit, pixels: number): string {
  if (pixels <= 352) return thumbnailUrl(picture, 320);
  return pixels <= 760 ? thumbnailUrl(picture, 640) : imageUrl(picture, pixels <= 1100 ? 960 : 1600);
}
