// A thing before the camera: every frame that the machine has time for is looked at.
import { api } from "../../api";
import { useCamera } from "../../camera";
import { CameraChoice, CameraView } from "../../components/camera-view";
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { asSentence, plural } from "../../format";
import { sure, type Thing } from "../../objects";
import { formatRoute, navigate, routes } from "../../route";
import { say } from "../../state/overlays";
import { noteFailure } from "../../state/session";
import { teachFrom } from "../../state/things";
import { about } from ".";
import { Traced } from "./traced";
import { useWatching, type Watching } from "./watching";

export function Live({ thing }: { thing: Thing }) {
  const camera = useCamera();
  const watching = useWatching(camera, thing.name);
  const { look, seen, failure } = watching;
  const on = camera.state === "on";
  return (
    <div class="things">
      <header class="things-head">
        <div>
          <p class="crumbs">
            <a href={formatRoute(about(thing.name))}><Icon name="back" size={14} /> {thing.name}</a> <span>before the camera</span>
          </p>
          <h1 aria-live="polite">{verdictOf(thing, on, watching)}</h1>
          <p class="hint">{on ? rateOf(watching) : "Frames go to Dinoscope on this machine, and are not kept."}</p>
        </div>
        <div class="summary-tools">
          <CameraChoice camera={camera} />
          {on && <TeachFrame camera={camera} thing={thing} />}
          {on && <button type="button" class="button" onClick={camera.stop}><Icon name="stop" /> Stop</button>}
          <CopyMenu />
        </div>
      </header>
      {failure && <p class="form-error" role="alert">{asSentence(failure)}</p>}
      {on && look?.refusal && <p class="form-error" role="status">{asSentence(look.refusal)}</p>}
      <div class="where-body">
        <CameraView camera={camera} invitation={`Show the camera around: ${thing.name} is outlined where it is.`}>
          {on && look && <Traced extent={look.extent} seen={look.sightings} shifts={watching.shifts} boxes />}
        </CameraView>
        <aside class="where-side" aria-label="Seen">
          {seen.length > 0 && <h2>Seen</h2>}
          <ol class="live-seen" role="list">
            {seen.map(({ at, crop, probability }) => (
              <li key={crop}>
                <img src={crop} alt={`${thing.name} at ${clock(at)}`} />
                <b>{clock(at)}</b>
                <small>{sure(probability)}</small>
              </li>
            ))}
          </ol>
        </aside>
      </div>
    </div>
  );
}

const clock = (at: Date): string => at.toLocaleTimeString("en-GB");

function verdictOf(thing: Thing, on: boolean, { look, seen }: Watching): string {
  const [last] = seen;
  if (!on) return last ? `Last seen at ${clock(last.at)}` : `Where is ${thing.name}?`;
  if (!look) return "Looking…";
  if (look.refusal) return "Not looked at";
  const [best] = look.sightings;
  if (best) return look.sightings.length === 1 ? `Here, ${sure(best.probability)} sure` : `Here, ${look.sightings.length} times`;
  return last ? `Not here. Last seen at ${clock(last.at)}` : "Not here";
}

function rateOf({ rate, looks }: Watching): string {
  if (rate === null) return "The first look takes a moment longer.";
  const told = rate >= 1 ? `${rate.toFixed(1)} looks a second` : `A look every ${(1 / rate).toFixed(1)} s`;
  return `${told}: as many as this machine can take. ${plural(looks, "look")} so far; between two of them the outline is carried along.`;
}

/** What the camera sees now becomes one more photo of the thing. */
function TeachFrame({ camera, thing }: { camera: ReturnType<typeof useCamera>; thing: Thing }) {
  const take = async () => {
    const frame = await camera.frame();
    if (!frame) return;
    try {
      const { query } = await api.upload(frame.picture);
      navigate(teachFrom(routes.get(), query, [], thing.name));
    } catch (error) {
      const sentence = noteFailure(error);
      if (sentence) say(sentence, "bad");
    }
  };
  return (
    <button type="button" class="pill" title="Mark it on this frame, and it is known better" onClick={() => void take()}>
      <Icon name="add" size={16} /> <span>Also this</span>
    </button>
  );
}
