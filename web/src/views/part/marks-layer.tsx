// The marks as they lie on the picture: what is inside stays bright, the rest steps back.
import { isRoomy, middleOf } from "../../gestures";
import { AREAS, edgesOf, handleAt, HANDLES, isPoint, pathOf, type Extent, type Mark, type Point } from "../../marks";

interface Props {
  marks: readonly Mark[];
  chosen: number;
  extent: Extent;
  unit: number; // px of the picture in one on the screen
  coarse: boolean; // handles for fingers
}

export function MarksLayer({ marks, chosen, extent, unit, coarse }: Props) {
  const { width, height } = extent;
  const numbered = marks.map((mark, i) => ({ mark, i }));
  const areas = numbered.filter(({ mark }) => AREAS.includes(mark.kind));
  const of = (kind: Mark["kind"]) => numbered.filter(({ mark }) => mark.kind === kind);
  const erased = of("erase").map(({ mark, i }) => <Stroked key={i} mark={mark} />);
  const whole = <rect width={width} height={height} fill="#fff" />;
  return (
    <svg class="part-marks" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <mask id="part-shade" maskUnits="userSpaceOnUse" x={0} y={0} width={width} height={height}>
        {whole}
        <g class="cut">{areas.map(({ mark, i }) => <Area key={i} mark={mark} />)}</g>
        <g class="back">{erased}</g>
      </mask>
      <mask id="part-left" maskUnits="userSpaceOnUse" x={0} y={0} width={width} height={height}>
        {whole}
        <g class="cut">{erased}</g>
      </mask>
      {areas.length > 0 && <rect class="shade" width={width} height={height} mask="url(#part-shade)" />}
      <g mask={erased.length ? "url(#part-left)" : undefined}>
        {areas.map(({ mark, i }) => <Outline key={i} mark={mark} chosen={i === chosen} unit={unit} />)}
      </g>
      <g class="avoided">{of("avoid").map(({ mark, i }) => <Stroked key={i} mark={mark} />)}</g>
      {numbered.map(({ mark, i }) => isPoint(mark) && <Dot key={i} mark={mark} chosen={i === chosen} unit={unit} />)}
      {marks[chosen] && <Handles mark={marks[chosen]} extent={extent} unit={unit} side={coarse ? 18 : 11} />}
    </svg>
  );
}

/** Cut out of the shade. */
const Area = ({ mark }: { mark: Mark }) => (mark.kind === "brush" ? <Stroked mark={mark} /> : <path class="filled" d={pathOf(mark)} />);

const Stroked = ({ mark }: { mark: Mark }) => <path class="stroked" d={pathOf(mark)} stroke-width={2 * mark.radius} />;

function Outline({ mark, chosen, unit }: { mark: Mark; chosen: boolean; unit: number }) {
  const d = pathOf(mark);
  if (mark.kind === "brush") return <path class="painted" d={d} stroke-width={2 * mark.radius} />;
  return (
    <g class={`outline${chosen ? " chosen" : ""}`}>
      <path d={d} stroke-width={5 * unit} />
      <path d={d} stroke-width={2.25 * unit} />
    </g>
  );
}

function Dot({ mark, chosen, unit }: { mark: Mark; chosen: boolean; unit: number }) {
  const [x, y] = mark.points[0] as Point;
  const arm = 4.5 * unit;
  return (
    <g class={`dot ${mark.kind}${chosen ? " chosen" : ""}`} transform={`translate(${x} ${y})`}>
      <circle r={11 * unit} stroke-width={2.5 * unit} />
      <path d={`M${-arm} 0H${arm}${mark.kind === "at" ? `M0 ${-arm}V${arm}` : ""}`} stroke-width={2.5 * unit} />
    </g>
  );
}

function Handles({ mark, extent, unit, side }: { mark: Mark; extent: Extent; unit: number; side: number }) {
  if (mark.kind !== "box" && mark.kind !== "lasso") return null;
  const edges = edgesOf(mark);
  const room = Math.min(edges[2] - edges[0], edges[3] - edges[1]) / unit; // on the screen
  const size = side * unit * (room < 3 * side ? 0.7 : 1);
  const shown = room < 5 * side ? HANDLES.filter((handle) => handle.length === 2) : HANDLES; // corners alone, not to hide what is inside
  const [x, y] = middleOf(edges, extent);
  const arm = (side / 1.9) * unit;
  const tip = arm / 2.6;
  const arrows = [0, 90, 180, 270].map((turn) => (
    <path key={turn} transform={`rotate(${turn})`} d={`M0 0H${arm}M${arm - tip} ${-tip}L${arm} 0L${arm - tip} ${tip}`} />
  ));
  return (
    <g class="handles" stroke-width={1.5 * unit}>
      {mark.kind === "box" && shown.map((handle) => {
        const [hx, hy] = handleAt(edges, handle);
        return <rect key={handle} x={hx - size / 2} y={hy - size / 2} width={size} height={size} rx={size / 3.5} />;
      })}
      {isRoomy(edges, unit) && (
        <g class="grip" transform={`translate(${x} ${y})`}>
          <circle r={size * 0.95} />
          {arrows}
        </g>
      )}
    </g>
  );
}
