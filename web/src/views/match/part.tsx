// The part that is marked in one picture, as it lies in the other.
import { GridLayer } from "../../components/grid-layer";
import { boxOn } from "../../frames";
import { tableOf } from "../../grids";
import type { Asked } from "../../state/asked";
import type { Answered } from "./asking";
import type { Transferred } from "./grids";

const [OUT, IN] = [0.42, 0.54]; // what belongs to the part is light, the rest dark, with an amber edge between
const EDGE = (OUT + IN) / 2;

const LIT = tableOf((value) => {
  const inside = Math.min(1, Math.max(0, (value - OUT) / (IN - OUT)));
  const edge = Math.max(0, 1 - Math.abs(value - EDGE) / (0.6 * (IN - OUT)));
  const amber = [255, 190, 70].map((channel, i) => channel * edge + ([8, 12, 11][i] as number) * (1 - edge));
  return [...amber, 255 * Math.max(0.64 * (1 - inside), 0.9 * edge)];
});

const NOWHERE = tableOf(() => [8, 12, 11, 0.64 * 255]);

export function Found({ part, extent }: { part: Transferred | null; extent: Asked }) {
  if (!part) return null;
  const { rows, columns, heat, box } = part;
  const shares = (painter: { values: (shares: ArrayLike<number>, table: typeof LIT) => void }) =>
    painter.values(Float32Array.from(heat, (byte) => byte / 255), box ? LIT : NOWHERE);
  return (
    <>
      <GridLayer name="match-layer" rows={rows} columns={columns} draw={shares} on={[part]} />
      {box && <span class="match-place" style={boxOn(extent, box)} data-part-box={box.map(Math.round).join(",")} />}
    </>
  );
}

export function PartTold({ part, marks }: { part: Answered<Transferred>; marks: number }) {
  return (
    <p class="look-under" role="status">
      {part.failure ??
        (marks === 0 && !part.value
          ? "Mark a part on the first picture: it lights up in the other."
          : part.value === null
            ? ""
            : part.value.box === null
              ? "This part is not to be found in the other picture."
              : `Found in the other picture; confidence ${part.value.confidence.toFixed(2)}.`)}
    </p>
  );
}
