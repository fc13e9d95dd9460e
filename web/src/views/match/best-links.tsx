// Fewer links: the best of them.
import { turn } from "../../route";

interface Props {
  all: number; // at least two
  shown: number;
}

export function BestLinks({ all, shown }: Props) {
  return (
    <label class="slider match-best">
      <span>Best links only</span>
      <output>{shown} of {all}</output>
      <input
        type="range"
        min={1}
        max={all}
        value={shown}
        aria-label="Best links only"
        aria-valuetext={`${shown} of ${all} links`}
        onInput={({ currentTarget: { value } }) => turn({ links: Number(value) < all ? value : "" })}
      />
    </label>
  );
}
