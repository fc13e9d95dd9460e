// A thing in a video: when it is seen, on a line of time, and where at the moment that is played.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, isAbort } from "../../api";
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { Notice } from "../../components/notice";
import { asSentence, duration } from "../../format";
import { sure, type Thing } from "../../objects";
import { formatRoute, navigate, routes } from "../../route";
import { say } from "../../state/overlays";
import { noteFailure } from "../../state/session";
import { teachFrom } from "../../state/things";
import { about } from ".";
import { judge } from "./asking";
import { useFilm, whyNot, type Film } from "./film";
import { glimpsesAt, time, videoOf, type Track, type Video } from "./moments";
import { Verdict } from "./sighting";
import { Timeline } from "./timeline";
import { Traced } from "./traced";

export function InVideo({ thing, id, start }: { thing: Thing; id: string; start: number }) {
  const [video, setVideo] = useState<Video | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    videoOf(id, abort.signal).then(setVideo, (error: unknown) => !isAbort(error) && setFailure(noteFailure(error)));
    return () => abort.abort();
  }, [id]);
  if (failure) {
    return (
      <Notice icon="warning" tone="bad" title="This video is not here" actions={<a class="button primary" href={formatRoute(about(thing.name))}>Back to {thing.name}</a>}>
        {asSentence(failure)}
      </Notice>
    );
  }
  return video ? <Watching thing={thing} video={video} start={start} /> : <div class="things" aria-busy="true" />;
}

function Watching({ thing, video, start }: { thing: Thing; video: Video; start: number }) {
  const film = useFilm(thing.name, video.id);
  const player = useRef<HTMLVideoElement>(null);
  const [now, setNow] = useState(start);
  const [broken, setBroken] = useState<string | null>(null);
  const playable = video.hidden === 0;
  const seek = (second: number) => {
    setNow(second);
    if (player.current) player.current.currentTime = second;
  };
  const [busy, setBusy] = useState(false);
  /** The frame that is shown, sent as a picture; null: it could not be. */
  const sent = async (second: number): Promise<string | null> => {
    try {
      const picture = player.current && (await frameAt(player.current, second));
      return picture && (await api.upload(picture)).query;
    } catch (error) {
      const sentence = noteFailure(error);
      if (sentence) say(sentence, "bad");
      return null;
    }
  };
  const verdict = async (track: Track, kind: "yes" | "no") => {
    setBusy(true);
    const query = await sent(track.best.second);
    if (query && (await judge(thing.name, query, track.best.box, kind))) film.begin();
    setBusy(false);
  };
  const also = async () => {
    player.current?.pause();
    const query = await sent(now);
    if (query) navigate(teachFrom(routes.get(), query, [], thing.name));
  };
  // The time that is shown, at every frame while it plays: events come four times a second only.
  useEffect(() => {
    let frame = 0;
    const follow = () => {
      const element = player.current;
      if (element && !element.seeking && element.readyState > 1) setNow(element.currentTime);
      frame = requestAnimationFrame(follow);
    };
    follow();
    return () => cancelAnimationFrame(frame);
  }, []);
  const seen = glimpsesAt(film.seen, now);
  return (
    <div class="things">
      <header class="things-head">
        <div>
          <p class="crumbs">
            <a href={formatRoute(about(thing.name))}><Icon name="back" size={14} /> {thing.name}</a> <span>in {video.name}</span>
          </p>
          <h1 aria-live="polite">{titleOf(film)}</h1>
          <p class="hint">{hintOf(film, video)}</p>
        </div>
        <div class="summary-tools">
          {playable && !broken && (
            <button type="button" class="pill" title="Mark it on the frame that is shown, and it is known better" onClick={() => void also()}>
              <Icon name="add" size={16} /> <span>Also this</span>
            </button>
          )}
          {film.state === "looking" && <button type="button" class="button" onClick={film.stop}><Icon name="stop" /> Stop</button>}
          {film.state === "stopped" && <button type="button" class="button" onClick={film.begin}><Icon name="refresh" /> Look again</button>}
          <CopyMenu />
        </div>
      </header>
      {film.failure && <p class="form-error" role="alert">{asSentence(film.failure)}</p>}
      {video.note && <p class="hint">{asSentence(video.note)}</p>}
      <div class="where-body">
        <div class="film">
          {playable ? (
            <div class="camera on" style={{ "--ratio": String(video.width / video.height) }}>
              <video
                ref={player}
                src={`/api/v1/videos/${video.id}/file`}
                controls
                muted
                playsInline
                aria-label={video.name}
                onLoadedMetadata={(event) => (event.currentTarget.currentTime = start)}
                onError={() => void whyNot(`/videos/${video.id}/file`, { Range: "bytes=0-0" }).then((why) => setBroken(why || UNPLAYABLE))}
              />
              <Traced extent={video} seen={seen} boxes />
            </div>
          ) : (
            <p class="form-error">Some of this video is kept out because of faces, so it is not played.</p>
          )}
          {broken && <p class="form-error" role="status">{asSentence(broken)}</p>}
          <Timeline video={video} film={film} now={now} seek={seek} />
        </div>
        <aside class="where-side" aria-label="When it was seen">
          <ol class="where-list" role="list">
            {film.tracks.map((track) => (
              <li key={track.number}>
                <div>
                  <button type="button" class="film-jump" onClick={() => seek(track.best.second)}>
                    <Icon name="play" size={16} />
                    <b>{time(track.first)}{track.last - track.first >= 1 && ` – ${time(track.last)}`}</b>
                    <small>{sure(track.best.probability)} sure</small>
                  </button>
                  {playable && !broken && <Verdict what={`at ${time(track.first)}`} busy={busy} say={(kind) => void verdict(track, kind)} />}
                </div>
              </li>
            ))}
          </ol>
        </aside>
      </div>
    </div>
  );
}

/** A frame of a video as a picture, in the video's own pixels. */
async function frameAt(video: HTMLVideoElement, second: number): Promise<Blob | null> {
  if (Math.abs(video.currentTime - second) > 0.02) {
    const there = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    video.currentTime = second;
    await there;
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
}

const UNPLAYABLE = "This browser cannot play the video; when it was seen is shown all the same.";

function titleOf({ state, tracks, ended }: Film): string {
  if (state === "looking") return tracks.length ? `Seen from ${time(tracks[0]?.first ?? 0)} on…` : "Looking…";
  if (tracks.length === 0) return ended ? "Not here" : "Not looked to its end";
  return tracks.length === 1 ? `Seen at ${time(tracks[0]?.first ?? 0)}` : `Seen ${tracks.length} times`;
}

function hintOf({ state, second, ended }: Film, video: Video): string {
  if (state === "looking") return `${time(second)} of ${time(video.seconds)} looked at. You can play it meanwhile.`;
  const started = video.started_at ? new Date(video.started_at) : null;
  const last = ended?.last_seen ? new Date(ended.last_seen) : null;
  const when = last && !Number.isNaN(last.getTime()) && started ? `Last seen at ${last.toLocaleString("en-GB")}, by the ${video.clock === "container" ? "video's own clock" : "file's time"}. ` : "";
  return ended ? `${when}${duration(ended.seconds_looked)} of looking.` : when || "\u00a0";
}
