// Which window of a picture a tile shows: the whole of it, or close to a place. And how a stage shows it: zoomed, moved.
import type { Edges, Extent, Point } from "./marks";

export interface Window {
  left: number; // px of the picture
  top: number;
  width: number;
  height: number;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), Math.max(low, high));

/** As much of the picture as a shape (width / height) holds, as near to a place as that allows. */
export function covering({ width, height }: Extent, aspect: number, place: Edges | null): Window {
  const wide = Math.min(width, height * aspect);
  const high = Math.min(height, width / aspect);
  return around({ width, height }, wide, high, place ?? [0, 0, width, height]);
}

const ROOM = 1.6; // of a place's own size: what lies around tells what it is
const LEAST = 0.1; // of the picture's longer side: closer than this there are no pixels left to see

/** A window of that shape close around a place. */
export function closeTo(extent: Extent, aspect: number, place: Edges): Window {
  const [left, top, right, bottom] = place;
  const least = LEAST * Math.max(extent.width, extent.height);
  const high = Math.max(ROOM * (bottom - top), (ROOM * (right - left)) / aspect, least);
  const whole = covering(extent, aspect, place);
  return high >= whole.height ? whole : around(extent, high * aspect, high, place);
}

function around({ width, height }: Extent, wide: number, high: number, [left, top, right, bottom]: Edges): Window {
  return {
    left: clamp((left + right) / 2 - wide / 2, 0, width - wide),
    top: clamp((top + bottom) / 2 - high / 2, 0, height - high),
    width: wide,
    height: high,
  };
}

const percent = (share: number): string => `${+(100 * share).toFixed(3)}%`;

/** Where the whole picture lies so that the window fills its box. */
export function sheetOf(window: Window, { width, height }: Extent) {
  return {
    left: percent(-window.left / window.width),
    top: percent(-window.top / window.height),
    width: percent(width / window.width),
    height: percent(height / window.height),
  };
}

/** Where a box lies on the whole picture. */
export function boxOn({ width, height }: Extent, [left, top, right, bottom]: Edges) {
  return {
    left: percent(left / width),
    top: percent(top / height),
    width: percent((right - left) / width),
    height: percent((bottom - top) / height),
  };
}

/** How a stage shows its picture: screen pixels from the stage's corner, and a size as a multiple of the fitting one. */
export interface View {
  x: number;
  y: number;
  zoom: number;
}

export const MOST_ZOOM = 12;

/** The size at which the picture just fits into the stage. */
export function fitted(picture: Extent, stage: Extent): Extent {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** Zoomed by a factor with a place of the stage held still, and never lost out of sight. */
export function zoomed(view: View, by: number, [x, y]: Point, picture: Extent, stage: Extent): View {
  const zoom = clamp(view.zoom * by, 1, MOST_ZOOM);
  const ratio = zoom / view.zoom;
  return held({ zoom, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio }, picture, stage);
}

/** Along each axis the picture fills the stage, or stands in its middle. */
export function held(view: View, picture: Extent, stage: Extent): View {
  const fit = fitted(picture, stage);
  const keep = (at: number, size: number, room: number) =>
    size <= room ? (room - size) / 2 : clamp(at, room - size, 0);
  return {
    zoom: view.zoom,
    x: keep(view.x, fit.width * view.zoom, stage.width),
    y: keep(view.y, fit.height * view.zoom, stage.height),
  };
}
