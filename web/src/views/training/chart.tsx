// One chart: lines over steps, and a cursor that all charts of the page share.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Measure } from "../../wire";
import { formOf, valueAt, type Panel } from "./panels";
import { extent, lastUpTo, nearest, path, scale, short, smooth, ticks, type Point, type Scale } from "./scale";

interface Props {
  panel: Panel;
  measures: readonly Measure[];
  at: number; // index of the measure under the cursor
  small?: boolean;
  onPoint: (at: number) => void;
}

const EDGE = { left: 44, right: 10, top: 8, bottom: 20 };

/** Nothing, where the training does not measure it. */
export function Chart({ panel, measures, at, small, onPoint }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, small ? 240 : 480);
  const height = small ? 104 : 188;
  const lines = useMemo(() => linesOf(panel, measures), [panel, measures]);
  if (lines.length === 0) return null;
  const many = lines.length > 1;
  const form = formOf(panel);
  return (
    <figure class={`chart${small ? " small" : ""}`}>
      <figcaption>
        <h3>{panel.title}</h3>
        <p class="readout">
          {lines.map(({ curve, index }) => {
            const value = valueAt(measures, at, curve);
            return (
              <span key={curve.label} class={`series-${index}`}>
                {many && <i aria-hidden="true" />}
                {many && <small>{curve.label}</small>}
                <b>{value === null ? "–" : form(value)}</b>
              </span>
            );
          })}
        </p>
        <p class="hint">{panel.hint}</p>
      </figcaption>
      <div ref={box} class="plot">
        <Plot panel={panel} lines={lines} measures={measures} at={at} size={[width, height]} onPoint={onPoint} />
      </div>
    </figure>
  );
}

interface Line {
  curve: Panel["curves"][number];
  index: number; // its colour
  points: Point[];
  mean: Point[] | null; // what is drawn on top when the points are noisy
}

function linesOf(panel: Panel, measures: readonly Measure[]): Line[] {
  const lines: Line[] = [];
  panel.curves.forEach((curve, index) => {
    const points: Point[] = [];
    for (const one of measures) {
      const value = curve.of(one);
      if (value !== null && value !== undefined) points.push([one.step, value]);
    }
    if (points.length === 0) return;
    if (curve.flat) points.push([measures.at(-1)?.step ?? 0, (points.at(-1) as Point)[1]]);
    const width = panel.noisy ? Math.round(points.length / 40) : 0;
    lines.push({ curve, index, points, mean: width > 0 ? smooth(points, width) : null });
  });
  return lines;
}

interface PlotProps {
  panel: Panel;
  lines: Line[];
  measures: readonly Measure[];
  at: number;
  size: readonly [width: number, height: number];
  onPoint: (at: number) => void;
}

function Plot({ panel, lines, measures, at, size: [width, height], onPoint }: PlotProps) {
  const form = formOf(panel);
  const steps = Math.max(1, measures.at(-1)?.step ?? 1);
  const x = useMemo(() => scale(0, steps, EDGE.left, width - EDGE.right), [steps, width]);
  const y = useMemo(() => {
    const [low, high] = extent(everyValue(lines), panel.within ?? null);
    return scale(low, high, height - EDGE.bottom, EDGE.top);
  }, [lines, height, panel]);
  const drawn = useMemo(() => <Lines lines={lines} x={x} y={y} />, [lines, x, y]);
  const axes = useMemo(() => <Axes x={x} y={y} form={form} panel={panel} />, [x, y, form, panel]);
  const measure = measures[at];

  const point = (event: PointerEvent) => {
    const left = (event.currentTarget as Element).getBoundingClientRect().left;
    const share = (event.clientX - left - EDGE.left) / (width - EDGE.left - EDGE.right);
    onPoint(nearest(measures.map((one) => one.step), share * steps));
  };
  const grab = (event: PointerEvent) => {
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    point(event);
  };

  return (
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={described(lines, form)}
      onPointerDown={grab}
      onPointerMove={(event) => event.buttons > 0 && point(event)}
    >
      {axes}
      {drawn}
      {measure && <Cursor lines={lines} measures={measures} at={at} x={x} y={y} />}
    </svg>
  );
}

/** What must be seen: of a noisy line its mean, and the values but for the wildest. */
function* everyValue(lines: readonly Line[]): Iterable<number> {
  for (const { mean, points } of lines) {
    for (const [, value] of mean ?? points) yield value;
    if (!mean) continue;
    const sorted = points.map(([, value]) => value).sort((a, b) => a - b);
    yield sorted[Math.floor(sorted.length * WILDEST)] as number;
    yield sorted[Math.ceil(sorted.length * (1 - WILDEST)) - 1] as number;
  }
}

const WILDEST = 0.02; // share of the values at either end

function Axes({ x, y, form, panel }: { x: Scale; y: Scale; form: (value: number) => string; panel: Panel }) {
  const [left, right] = [x(x.low), x(x.high)];
  const [bottom, top] = [y(y.low), y(y.high)];
  const seen = new Set<string>(); // in a narrow span two ticks may read alike: one is enough
  const up = ticks(y.low, y.high, bottom - top > 120 ? 4 : 2).filter((value) => !seen.has(form(value)) && seen.add(form(value)));
  const across = ticks(x.low, x.high, Math.max(2, (right - left) / 90));
  return (
    <g class="axes" aria-hidden="true">
      {panel.safe && y.high > panel.safe[1] && <rect class="danger" x={left} width={right - left} y={top} height={y(panel.safe[1]) - top} />}
      {panel.safe && y.low < panel.safe[0] && (
        <rect class="danger" x={left} width={right - left} y={y(panel.safe[0])} height={bottom - y(panel.safe[0])} />
      )}
      {up.map((value) => (
        <g key={value}>
          <line x1={left} x2={right} y1={y(value)} y2={y(value)} />
          <text x={left - 6} y={y(value)} dy="0.34em" text-anchor="end">{form(value)}</text>
        </g>
      ))}
      {across.map((value) => (
        <text key={value} x={x(value)} y={bottom + 15} text-anchor={x(value) > right - 16 ? "end" : value === 0 ? "start" : "middle"}>
          {short(value)}
        </text>
      ))}
    </g>
  );
}

function Lines({ lines, x, y }: { lines: readonly Line[]; x: Scale; y: Scale }) {
  const [left, top] = [x(x.low), y(y.high)];
  const [width, height] = [x(x.high) - left + EDGE.right, y(y.low) - top];
  return (
    // a window: what is too wild to be seen whole is cut off at its edge
    <svg x={left} y={top} width={width} height={height} viewBox={`${left} ${top} ${width} ${height}`} aria-hidden="true">
      {[...lines].reverse().map(({ curve, index, points, mean }) => (
        <g key={curve.label} class={`line series-${index}${curve.flat ? " flat" : ""}`}>
          {mean && <path class="faint" d={path(points, x, y)} />}
          <path d={path(mean ?? points, x, y)} />
          {points.length < 40 && !mean && !curve.flat && points.map(([step, value]) => <circle key={step} cx={x(step)} cy={y(value)} r="2.5" />)}
        </g>
      ))}
    </svg>
  );
}

function Cursor({ lines, measures, at, x, y }: { lines: readonly Line[]; measures: readonly Measure[]; at: number; x: Scale; y: Scale }) {
  const step = (measures[at] as Measure).step;
  return (
    <g class="cursor" aria-hidden="true">
      {at < measures.length - 1 && <line x1={x(step)} x2={x(step)} y1={y(y.low)} y2={y(y.high)} />}
      {lines.filter(({ curve }) => !curve.flat).map(({ curve, index, mean, points }) => {
        const [there, value] = (mean ?? points)[lastUpTo(points.map(([each]) => each), step)] as Point;
        return there > step ? null : <circle key={curve.label} class={`series-${index}`} cx={x(there)} cy={y(value)} r="4" />;
      })}
    </g>
  );
}

/** "loss: 4.21 now, 6.93 at first, between 4.1 and 6.95" for who cannot see the line. */
function described(lines: readonly Line[], form: (value: number) => string): string {
  return lines
    .map(({ curve, points }) => {
      const values = points.map(([, value]) => value);
      const [first, last] = [values[0] as number, values.at(-1) as number];
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return `${curve.label}: ${form(first)} at first, ${form(last)} now, between ${form(low)} and ${form(high)}`;
    })
    .join("; ");
}

function useWidth(box: { current: HTMLElement | null }, initial: number): number {
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => setWidth(Math.max(120, Math.round(element.clientWidth)));
    look();
    const watch = new ResizeObserver(look);
    watch.observe(element);
    return () => watch.disconnect();
  }, [box.current === null]);
  return width;
}
