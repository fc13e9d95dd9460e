// Under the pictures: what there is to do with them, or what the pointer finds.
import { asSentence, press } from "../../format";
import { turn } from "../../route";
import { useStore } from "../../state/store";
import type { Geometry, Matched } from "./asking";
import type { Show } from "./header";
import { told } from "./exploring";

interface Props {
  show: Show;
  match: Matched | null;
  geometry: Geometry | null;
  pinned: boolean;
  links: number; // drawn
}

export function Underneath({ show, match, geometry, pinned, links }: Props) {
  const { tie, sure } = useStore(told);
  const link = show === "links" && tie >= 0 ? match?.links[tie] : undefined;
  if (link) {
    return <p class="look-under">One part: similarity {link.similarity.toFixed(2)}, confidence {link.confidence.toFixed(2)}.</p>;
  }
  if (sure !== null) {
    return (
      <p class="look-under">
        {pinned ? "The best places for the one that is marked" : "The best place for the one under the pointer"}; confidence {sure.toFixed(2)}.{" "}
        {pinned && (
          <button type="button" class="text-button" onClick={() => turn({ here_at: "", there_at: "" })}>Let it go</button>
        )}
      </p>
    );
  }
  return <p class="look-under">{match?.note ? asSentence(match.note) : hint(show, geometry, links)}</p>;
}

function hint(show: Show, geometry: Geometry | null, links: number): string {
  const touched = press() === "Tap";
  if (show === "dense") return `One colour is one part. ${touched ? "Tap" : "Move over"} either picture to see where a place lies in the other.`;
  if (show === "geometry") {
    if (!geometry) return "";
    return links > 0 ? `${geometry.agreeing} points agree, of ${geometry.matched} that were found in both.` : ""; // what it means stands beside it
  }
  if (touched) return "Tap a place in either picture: the warmer the other, the more alike, and the best places are marked.";
  return "Move over either picture: the warmer the other, the more alike. Click to keep a place and see the best for it.";
}
