// A thing outlined on a picture: its line, and what is around it a little darker.
import { useEffect, useState } from "preact/hooks";
import { bitsOf, pathOfMask } from "../../contours";
import { boxMark, pathOf, type Extent } from "../../marks";
import type { Outlined } from "../../objects";

interface Props {
  extent: Extent; // of the picture, in whose pixels everything is
  seen: readonly Outlined[];
  looked?: number; // the one that is pointed at
  veil?: boolean;
  boxes?: boolean;
  shifts?: readonly (readonly [dx: number, dy: number] | null)[]; // how far each was carried along; null: it is lost
}

/** To be laid over the whole picture. Until a mask is read its box stands for it. */
export function Traced({ extent, seen, looked = -1, veil = false, boxes = false, shifts }: Props) {
  const paths = usePaths(seen);
  const { width, height } = extent;
  if (seen.length === 0) return null;
  return (
    <svg class="traced" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {veil && <path class="traced-veil" fill-rule="evenodd" d={`M0 0H${width}V${height}H0Z${paths.join("")}`} />}
      {seen.map(({ box }, i) => (
        <g key={i} class={i === looked ? "looked" : shifts?.[i] === null ? "lost" : undefined} transform={shifts?.[i] ? `translate(${shifts[i].join(" ")})` : undefined}>
          {boxes && <path class="traced-box" d={pathOf(boxMark(box))} />}
          <path class="under" d={paths[i]} />
          <path class="line" d={paths[i]} />
        </g>
      ))}
    </svg>
  );
}

const boxed = ({ box }: Outlined): string => pathOf(boxMark(box));

function usePaths(seen: readonly Outlined[]): readonly string[] {
  const [read, setRead] = useState<{ of: readonly Outlined[]; paths: readonly string[] } | null>(null);
  useEffect(() => {
    let wanted = true;
    const pathOfOne = async (one: Outlined) => {
      try {
        return pathOfMask(await bitsOf(one.mask), one.window) || boxed(one);
      } catch {
        return boxed(one);
      }
    };
    void Promise.all(seen.map(pathOfOne)).then((paths) => wanted && setRead({ of: seen, paths }));
    return () => void (wanted = false);
  }, [seen]);
  return read?.of === seen ? read.paths : seen.map(boxed);
}
