// A small chart over a slider: how like the original a picture stays, and where it is lost.
import type { Curve, CurvePoint } from "./asking";

interface Props {
  curve: Curve;
  least: number;
  strength: number; // of the slider
}

const HEIGHT = 40;
const WIDTH = 400; // of the drawing; it is stretched to the slider
const HEAD = 4; // room above the highest line

export function SmallChart({ curve, least, strength }: Props) {
  const x = (value: number) => ((value - least) / (1 - least)) * WIDTH;
  const y = (cosine: number) => HEAD + (1 - Math.max(0, cosine)) * (HEIGHT - HEAD);
  const line = curve.points.map((point) => `${x(point.strength).toFixed(1)} ${y(point.cosine).toFixed(1)}`).join("L");
  const [first, last] = [curve.points[0], curve.points.at(-1)];
  if (!first || !last) return null;
  return (
    <svg class="lab-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={described(curve)}>
      {lostSpans(curve.points).map(([from, to]) => (
        <rect key={from} class="lost" x={x(from)} width={Math.max(2, x(to) - x(from))} y="0" height={HEIGHT} />
      ))}
      <path class="area" d={`M${x(first.strength)} ${HEIGHT}L${line}L${x(last.strength)} ${HEIGHT}Z`} />
      <path class="line" d={`M${line}`} />
      <line class="now" x1={x(strength)} x2={x(strength)} y1="0" y2={HEIGHT} />
    </svg>
  );
}

/** Where the original is not the first: from the first strength at which it is lost to the next at which it is found. */
export function lostSpans(points: readonly CurvePoint[]): [from: number, to: number][] {
  const spans: [number, number][] = [];
  let start: number | null = null;
  points.forEach((point, i) => {
    const lost = point.rank !== null && point.rank > 1;
    if (lost) start ??= point.strength;
    const ends = lost && (i === points.length - 1 || points[i + 1]?.rank === 1);
    if (ends && start !== null) {
      spans.push([start, point.strength]);
      start = null;
    }
  });
  return spans;
}

function described(curve: Curve): string {
  return [`Likeness over ${curve.kind}`, ...curve.limits.map(({ sentence }) => sentence)].join(": ");
}
