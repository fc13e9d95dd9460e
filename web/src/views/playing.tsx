// The video that a picture is a frame of, played from that moment on.
import { useEffect, useRef, useState } from "preact/hooks";
import { problemOf, videoUrl } from "../api";
import { Icon } from "../components/icon";
import { clock } from "../format";
import type { Moment, Picture } from "../wire";

export function Play({ moment, playing, play }: { moment: Moment; playing: boolean; play: (on: boolean) => void }) {
  return (
    <button type="button" class="button play-moment" aria-pressed={playing} onClick={() => play(!playing)}>
      <Icon name={playing ? "image" : "play"} /> {playing ? "Back to the frame" : `Play from ${clock(moment.second)}`}
    </button>
  );
}

export function Player({ moment, picture }: { moment: Moment; picture: Picture }) {
  const [why, setWhy] = useState<string | null>(null);
  const video = useRef<HTMLVideoElement>(null);
  const src = videoUrl(moment);
  useEffect(() => {
    video.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div class="large" style={{ aspectRatio: `${picture.width} / ${picture.height}`, "--ratio": String(picture.width / picture.height) }}>
      {why === null ? (
        <video ref={video} class="large-video" src={src} controls autoplay playsInline aria-label={moment.name} onError={() => void whyNot(src).then(setWhy)} />
      ) : (
        <p class="large-failed">{why}</p>
      )}
    </div>
  );
}

/** What the server says against a video, or that the browser does not know its kind. */
async function whyNot(src: string): Promise<string> {
  const answer = await fetch(src.replace(/#.*/, ""), { headers: { Range: "bytes=0-0" } }).catch(() => null);
  if (answer === null) return "The server does not answer.";
  if (!answer.ok) return (await problemOf(answer)).message;
  await answer.body?.cancel();
  return "This browser does not know how to play a video of this kind. Its frames can be searched all the same.";
}
