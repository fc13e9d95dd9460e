// How the stage shows its picture: fitted, zoomed to a place, moved about.
import { useCallback, useLayoutEffect, useState } from "preact/hooks";
import { fitted, held, zoomed, type View } from "../../frames";
import type { Extent, Point } from "../../marks";

const START: View = { x: 0, y: 0, zoom: 1 };

export interface Viewing {
  view: View;
  size: Extent; // of the picture on the screen, px
  unit: number; // px of the picture in one on the screen
  zoom: (by: number, at?: Point) => void; // about a place of the stage; its middle when left out
  pan: (dx: number, dy: number) => void;
  fit: () => void;
}

export function useView(stage: { current: HTMLElement | null }, picture: Extent): Viewing {
  const [room, setRoom] = useState<Extent>({ width: 1, height: 1 });
  const [wanted, setView] = useState(START);
  useLayoutEffect(() => {
    const element = stage.current as HTMLElement;
    const measure = () => setRoom({ width: element.clientWidth || 1, height: element.clientHeight || 1 });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const view = held(wanted, picture, room);
  const fit = fitted(picture, room);
  const size = { width: fit.width * view.zoom, height: fit.height * view.zoom };
  const middle: Point = [room.width / 2, room.height / 2];
  return {
    view,
    size,
    unit: picture.width / size.width,
    zoom: (by, at = middle) => setView((now) => zoomed(held(now, picture, room), by, at, picture, room)),
    pan: (dx, dy) => setView((now) => {
      const from = held(now, picture, room);
      return held({ ...from, x: from.x + dx, y: from.y + dy }, picture, room);
    }),
    fit: useCallback(() => setView(START), []),
  };
}
