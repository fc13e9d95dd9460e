import { useState } from "preact/hooks";
import { thumbnailSide, thumbnailUrl } from "../api";
import { act, actsOnPicture } from "../acts";
import { clock } from "../format";
import type { Hit } from "../wire";
import { Icon, type IconName } from "./icon";
import { Score } from "./score";

export interface TileActions {
  does?: string; // what a click does, in words
  href: (id: number) => string; // permalink of what a click does
  similar: (id: number) => void;
  details: (id: number) => void;
  more: (id: number) => void; // add to the search
  less: (id: number) => void; // not like this
  part: (id: number) => void; // select a part of it
  select: (id: number, through: boolean) => void;
}

export interface TileProps {
  hit: Hit;
  index: number;
  total: number;
  x: number;
  y: number;
  width: number;
  height: number;
  active: boolean; // the one that the keyboard stands on
  selected: boolean;
  selecting: boolean; // some picture is selected: clicks select
  hasQuery: boolean;
  hurried: boolean; // flying by: no need to fetch it
  actions: TileActions;
}

export function Tile(props: TileProps) {
  const { hit, index, total, x, y, width, height, active, selected, selecting, hasQuery, actions } = props;
  const { id, name } = hit.picture;

  const onClick = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey) return; // a new tab, as with any link
    event.preventDefault();
    if (event.shiftKey || selecting) actions.select(id, event.shiftKey);
    else actions.similar(id);
  };

  return (
    <li
      class={`tile${selected ? " selected" : ""}`}
      style={{ transform: `translate(${x}px, ${y}px)`, width: `${width}px` }}
      aria-setsize={total}
      aria-posinset={index + 1}
    >
      <div class="tile-picture" style={{ height: `${height}px` }}>
        <a
          class="tile-link"
          href={actions.href(id)}
          data-index={index}
          tabIndex={active ? 0 : -1}
          aria-label={`${name}: ${actions.does ?? "show similar pictures"}`}
          title={name}
          draggable={false}
          onClick={onClick}
        >
          <Thumbnail hit={hit} src={thumbnailUrl(hit.picture, sideFor(Math.max(width, height)))} hurried={props.hurried} />
        </a>
        <button
          type="button"
          class="tile-pick"
          tabIndex={-1}
          aria-pressed={selected}
          aria-label={`Select ${name}`}
          title="Select (x)"
          onClick={(event) => actions.select(id, event.shiftKey)}
        >
          <Icon name="check" size={14} />
        </button>
        {hit.copies.length > 0 && (
          <span class="tile-copies" title={`${hit.copies.length + 1} files with the same bytes`}>
            <Icon name="copy" size={12} /> {hit.copies.length + 1}
          </span>
        )}
        {hit.picture.moment && (
          <span class="tile-moment" title={`At ${clock(hit.picture.moment.second)} of ${hit.picture.moment.name}`}>
            <Icon name="play" size={12} /> {clock(hit.picture.moment.second)}
          </span>
        )}
        <div class="tile-tools">
          {hasQuery && <Tool icon="add" label="More like this" shortcut="+" name={name} act={() => actions.more(id)} />}
          {hasQuery && <Tool icon="minus" label="Not like this" shortcut="−" name={name} act={() => actions.less(id)} />}
          {actsOnPicture().filter(({ onTile }) => onTile).map((one) => (
            <Tool key={one.view} icon={one.icon} label={one.label} shortcut={one.key} name={name} act={() => act(one, String(id))} wide />
          ))}
          <Tool icon="part" label="Select a part" shortcut="p" name={name} act={() => actions.part(id)} />
          <Tool icon="info" label="Details" shortcut="i" name={name} act={() => actions.details(id)} />
        </div>
      </div>
      <Score hit={hit} />
    </li>
  );
}

interface ToolProps {
  icon: IconName;
  label: string;
  shortcut: string;
  name: string;
  act: () => void;
  wide?: boolean; // left out on a narrow tile
}

export function Tool({ icon, label, shortcut, name, act, wide }: ToolProps) {
  return (
    <button type="button" class={wide ? "on-wide" : undefined} tabIndex={-1} aria-label={`${label}: ${name}`} title={`${label} (${shortcut})`} onClick={act}>
      <Icon name={icon} size={16} />
    </button>
  );
}

const sideFor = (pixels: number) => thumbnailSide(pixels * Math.min(2, devicePixelRatio || 1));

export function Thumbnail({ hit, src, hurried }: { hit: Hit; src: string; hurried: boolean }) {
  const [state, setState] = useState<"waiting" | "shown" | "failed">("waiting");
  const { picture } = hit;
  if (state === "failed") return <span class="tile-missing"><Icon name="image" size={28} /></span>;
  if (hurried && state === "waiting") return null;
  return (
    <img
      class={state}
      src={src}
      alt={picture.name}
      decoding="async"
      draggable={false}
      onLoad={() => setState("shown")}
      onError={() => setState("failed")}
    />
  );
}
