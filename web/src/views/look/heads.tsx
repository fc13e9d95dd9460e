// Each head's attention, small and side by side; the one chosen is shown large.
import { queryThumbnailUrl } from "../../api";
import { GridLayer } from "../../components/grid-layer";
import { HEAT } from "../../heat";
import type { Asked } from "../../state/asked";
import { attentionOf, shares, type Looked } from "./grids";

interface Props {
  asked: Asked;
  looked: Looked;
  head: number | null;
  choose: (head: number | null) => void;
}

export function Heads({ asked, looked, head, choose }: Props) {
  const heads = [null, ...Array.from(looked.largest, (_, i) => i)];
  return (
    <fieldset class="heads">
      <legend>Heads</legend>
      <div>
        {heads.map((one) => (
          <button key={one} type="button" class="head" aria-pressed={one === head} onClick={() => choose(one)}>
            <span class="head-picture" style={{ aspectRatio: `${asked.width} / ${asked.height}` }}>
              <img src={queryThumbnailUrl(asked.query, 160)} alt="" />
              <GridLayer
                name="look-layer"
                rows={looked.rows}
                columns={looked.columns}
                times={2}
                draw={(painter) => painter.values(shares(attentionOf(looked, one)), HEAT)}
                on={[looked]}
              />
            </span>
            {one === null ? "All" : `Head ${one + 1}`}
          </button>
        ))}
      </div>
    </fieldset>
  );
}
