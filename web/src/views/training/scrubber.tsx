// The bar that moves the whole page through the training's time.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { Icon } from "../../components/icon";
import { count, duration } from "../../format";
import { keysRest } from "../../keys";
import type { Measure } from "../../wire";

interface Props {
  measures: readonly Measure[];
  at: number;
  live: boolean; // the cursor stays at the newest
  onMove: (at: number | null) => void; // null: the newest
}

const FILM_MS = 9000; // how long the whole training takes to play
const FRAME_MS = 60;

export function Scrubber({ measures, at, live, onMove }: Props) {
  const [playing, setPlaying] = useState(false);
  const last = measures.length - 1;
  const measure = measures[at];
  const move = (to: number) => onMove(to >= last ? null : Math.max(0, to));

  useEffect(() => {
    if (!playing) return;
    if (at >= last) return setPlaying(false);
    const stride = Math.max(1, Math.round((last * FRAME_MS) / FILM_MS));
    const timer = setTimeout(() => move(at + stride), Math.max(FRAME_MS, FILM_MS / Math.max(1, last)));
    return () => clearTimeout(timer);
  }, [playing, at, last]);

  const play = () => {
    if (!playing && at >= last) onMove(0);
    setPlaying(!playing);
  };

  // before the first paint: who sees the step may press a key
  useLayoutEffect(() => {
    const stride = Math.max(1, Math.round(last / 100));
    const acts: Record<string, () => void> = {
      ArrowLeft: () => move(at - stride),
      ArrowRight: () => move(at + stride),
      Home: () => move(0),
      End: () => onMove(null),
      " ": play,
    };
    const onKey = (event: KeyboardEvent) => {
      const act = acts[event.key];
      const target = event.target as Element | null;
      if (!act || keysRest(event) || target?.closest?.("button, a, summary, [tabindex='0']")) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [at, last, playing]);

  if (last < 1 || !measure) return null;
  return (
    <div class="scrubber" role="group" aria-label="Moment of the training">
      <button type="button" class="button bare" aria-label={playing ? "Pause" : "Play"} title={`${playing ? "Pause" : "Play"} (Space)`} onClick={play}>
        <Icon name={playing ? "pause" : "play"} size={20} />
      </button>
      <input
        type="range"
        aria-label="Step"
        aria-valuetext={`step ${measure.step}`}
        min={0}
        max={last}
        value={at}
        onInput={(event) => move(Number(event.currentTarget.value))}
      />
      <output>
        <b>step {count(measure.step)}</b>
        <small>{duration(measure.seconds)} in</small>
      </output>
      <button type="button" class="button bare" disabled={live} aria-label="To the newest" title="To the newest (End)" onClick={() => onMove(null)}>
        <Icon name="newest" size={20} />
      </button>
    </div>
  );
}
