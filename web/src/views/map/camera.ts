// What of the map is seen: which place is in the middle, and how large the map is drawn.
import { WHOLE, type Area, type Corner } from "./points";

export interface Camera {
  x: number; // of the middle, 0 to 1 across the map
  y: number;
  zoom: number; // 1: a square map as large as the screen allows
}

export interface Screen {
  width: number; // CSS px
  height: number;
}

const DEEPEST = 400;
const FARTHEST = 0.5;
const MARGIN = 0.88; // of the screen that the whole map takes, so that thumbnails at its edge are seen

/** Pixels the whole map would measure. */
export const sideOf = ({ zoom }: Camera, { width, height }: Screen): number => Math.min(width, height) * zoom;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

const held = ({ x, y, zoom }: Camera): Camera => ({ x: clamp(x, 0, 1), y: clamp(y, 0, 1), zoom: clamp(zoom, FARTHEST, DEEPEST) });

/** From where every point is seen. */
export function fitted({ left, top, right, bottom }: Area, { width, height }: Screen): Camera {
  const [wide, high] = [Math.max(0.02, (right - left) / WHOLE), Math.max(0.02, (bottom - top) / WHOLE)];
  const zoom = (MARGIN * Math.min(width / wide, height / high)) / Math.min(width, height);
  return held({ x: (left + right) / 2 / WHOLE, y: (top + bottom) / 2 / WHOLE, zoom });
}

export function panned(camera: Camera, screen: Screen, dx: number, dy: number): Camera {
  const side = sideOf(camera, screen);
  return held({ ...camera, x: camera.x - dx / side, y: camera.y - dy / side });
}

/** Closer by a factor, what is under a point of the screen staying there. */
export function zoomed(camera: Camera, screen: Screen, by: number, [px, py]: Corner): Camera {
  const zoom = clamp(camera.zoom * by, FARTHEST, DEEPEST);
  const [dx, dy] = [px - screen.width / 2, py - screen.height / 2];
  const gain = 1 / sideOf(camera, screen) - 1 / sideOf({ ...camera, zoom }, screen);
  return held({ x: camera.x + dx * gain, y: camera.y + dy * gain, zoom });
}

/** Where a point of the screen lies on the map, in places. */
export function placeAt(camera: Camera, screen: Screen, [px, py]: Corner): Corner {
  const side = sideOf(camera, screen);
  return [(camera.x + (px - screen.width / 2) / side) * WHOLE, (camera.y + (py - screen.height / 2) / side) * WHOLE];
}

/** And where a place is on the screen, px. */
export function onScreen(camera: Camera, screen: Screen, x: number, y: number): Corner {
  const side = sideOf(camera, screen);
  return [(x / WHOLE - camera.x) * side + screen.width / 2, (y / WHOLE - camera.y) * side + screen.height / 2];
}

/** What is seen and `beyond` pixels more, in places. */
export function seen(camera: Camera, screen: Screen, beyond: number): Area {
  const [left, top] = placeAt(camera, screen, [-beyond, -beyond]);
  const [right, bottom] = placeAt(camera, screen, [screen.width + beyond, screen.height + beyond]);
  return { left, top, right, bottom };
}

export const formatCamera = ({ x, y, zoom }: Camera): string => [x.toFixed(4), y.toFixed(4), zoom.toFixed(2)].join(",");

export function parseCamera(text: string | undefined): Camera | null {
  const [x = NaN, y = NaN, zoom = NaN] = (text ?? "").split(",").map(Number);
  return x >= 0 && y >= 0 && zoom > 0 ? held({ x, y, zoom }) : null;
}
