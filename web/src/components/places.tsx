// What a search for a part found on a picture: a box for each place, or a heat map of them all.
import { useLayoutEffect, useRef } from "preact/hooks";
import { boxOn } from "../frames";
import { coloured, patchesOf, smoothed, topOf } from "../heat";
import type { RegionHit } from "../wire";

interface Props {
  hit: RegionHit;
  boxes: boolean;
  heat: boolean;
}

/** To be laid over the whole picture. */
export function Places({ hit, boxes, heat }: Props) {
  return (
    <>
      {heat && <HeatMap bytes={hit.heat} rows={hit.grid[0]} columns={hit.grid[1]} />}
      {boxes && hit.places.map(({ box }, i) => (
        <span key={box.join()} class={`place${i === 0 ? " best" : ""}`} style={boxOn(hit.picture, box)} aria-hidden="true" />
      ))}
    </>
  );
}

const FINER = 5; // pixels a patch is drawn with; the browser smooths the rest

export function HeatMap({ bytes, rows, columns }: { bytes: string; rows: number; columns: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const patches = patchesOf(bytes, rows, columns);
    const context = canvas.current?.getContext("2d");
    if (!patches || !context) return;
    const field = smoothed(patches, rows, columns, FINER);
    context.putImageData(new ImageData(coloured(field, topOf(patches)), field.width, field.height), 0, 0);
  }, [bytes, rows, columns]);
  return <canvas ref={canvas} class="heat" width={columns * FINER} height={rows * FINER} aria-hidden="true" />;
}

/** How sure it is, in words: what a bar and a number say to the eye. */
export const sureness = (hit: RegionHit): string => {
  const places = hit.places.length === 1 ? "one place" : `${hit.places.length} places`;
  return `${places}, likeness ${hit.score.toFixed(2)}${hit.doubtful ? ", doubtful" : ""}`;
};
