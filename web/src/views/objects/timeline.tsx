// A line of time: what was looked at, when the thing was seen and how sure, and where the video stands.
import type { Film } from "./film";
import { time, type Video } from "./moments";

interface Props {
  video: Video;
  film: Film;
  now: number; // second
  seek: (second: number) => void;
}

const MARKS = 6;
const STEP = 1; // seconds an arrow moves

export function Timeline({ video, film, now, seek }: Props) {
  const length = Math.max(0.1, video.seconds);
  const share = (second: number) => `${+(100 * Math.min(1, Math.max(0, second / length))).toFixed(3)}%`;
  const at = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    seek(Math.min(length, Math.max(0, ((event.clientX - left) / width) * length)));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowLeft: now - STEP, ArrowRight: now + STEP, Home: 0, End: length }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    seek(Math.min(length, Math.max(0, to)));
  };
  return (
    <div class="timeline">
      <div
        class="timeline-line"
        role="slider"
        tabIndex={0}
        aria-label="Time"
        aria-valuemin={0}
        aria-valuemax={Math.round(length)}
        aria-valuenow={Math.round(now)}
        aria-valuetext={time(now)}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => (event.currentTarget.setPointerCapture(event.pointerId), at(event))}
        onPointerMove={(event) => event.buttons === 1 && at(event)}
      >
        <span class="timeline-looked" style={{ width: share(film.state === "done" ? length : film.second) }} />
        {film.tracks.map(({ number, first, last, best }) => (
          <span
            key={number}
            class="timeline-track"
            style={{ left: share(first), width: `max(4px, ${share(last - first)})`, opacity: String(0.45 + 1.1 * (best.probability - 0.5)) }}
            title={`${time(first)} – ${time(last)}`}
          />
        ))}
        <span class="timeline-now" style={{ left: share(now) }} />
      </div>
      <p class="timeline-marks" aria-hidden="true">
        {Array.from({ length: MARKS + 1 }, (_, i) => <span key={i}>{time((i / MARKS) * length)}</span>)}
      </p>
    </div>
  );
}
