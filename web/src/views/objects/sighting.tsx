// One sighting in words: a close look at it, how sure it is, and whether that is right.
import { queryImageUrl } from "../../api";
import { Icon } from "../../components/icon";
import { closeTo, sheetOf } from "../../frames";
import type { Edges, Extent } from "../../marks";
import { sure } from "../../objects";

/** A picture close to a place. */
export function Crop({ query, extent, box, side = 1600 }: { query: string; extent: Extent; box: Edges; side?: number }) {
  return (
    <span class="place-crop" aria-hidden="true">
      <span class="frame-sheet" style={sheetOf(closeTo(extent, 1, box), extent)}>
        <img src={queryImageUrl(query, side)} alt="" draggable={false} />
      </span>
    </span>
  );
}

export function Sureness({ probability }: { probability: number }) {
  return (
    <span class="sureness" title="How likely it is this very thing: shown from 50 % on">
      <span class="score-bar" aria-hidden="true"><span style={{ width: `${Math.round(200 * (probability - 0.5))}%` }} /></span>
      <span>{sure(probability)} sure</span>
    </span>
  );
}

interface VerdictProps {
  what: string; // "place 2 of kitchen.jpg"
  busy: boolean;
  say: (kind: "yes" | "no") => void;
}

export function Verdict({ what, busy, say }: VerdictProps) {
  return (
    <span class="thing-verdict" role="group" aria-label={`Is that right: ${what}`}>
      <button type="button" class="pill" disabled={busy} title="Yes, that is it: learn from it (y)" aria-label={`Yes: ${what}`} onClick={() => say("yes")}>
        <Icon name="check" size={16} /> Yes
      </button>
      <button type="button" class="pill" disabled={busy} title="No, that is another one: learn from it (n)" aria-label={`No, another one: ${what}`} onClick={() => say("no")}>
        <Icon name="close" size={16} /> Another one
      </button>
    </span>
  );
}
