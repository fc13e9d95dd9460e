// Teach a thing: mark it on one to five photos, see what is understood, give it a name.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { api } from "../../api";
import { useCamera } from "../../camera";
import { CameraChoice, CameraView } from "../../components/camera-view";
import { Chooser } from "../../components/chooser";
import { Icon } from "../../components/icon";
import { NotHere } from "../../components/not-here";
import { asSentence } from "../../format";
import { formatRoute, navigate, routes, turn } from "../../route";
import { useAsked, type Asked } from "../../state/asked";
import { say } from "../../state/overlays";
import { forgetPart } from "../../state/part";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { photoRoute, photos, photosNow, refreshThings, withPhotos } from "../../state/things";
import { onMarkKey } from "../part";
import { Stage } from "../part/stage";
import { Tools } from "../part/tools";
import { useView } from "../part/use-view";
import { Traced } from "../objects/traced";
import { Naming } from "./naming";
import { usePreview } from "./preview";
import { Strip } from "./strip";

export function Remember() {
  const { of, knobs } = useStore(routes);
  useEffect(() => void refreshThings(), []);
  if (knobs["show"] === "camera") return <FromCamera />;
  return of ? <OnPhoto key={of} query={of} /> : <Choosing />;
}

const choose = (query: string) => photoRoute(routes.get(), query);

function Choosing() {
  const kept = useStore(photos);
  const { knobs } = useStore(routes);
  const name = knobs["thing"];
  return (
    <>
      <Chooser
        title={kept.length > 0 ? "Another photo of it" : name ? `One more photo of ${name}` : "Teach a thing"}
        does="teach a thing from it"
        choose={choose}
      >
        Choose a photo that shows it, or <button type="button" class="text-link" onClick={() => turn({ show: "camera" }, "push")}>take one with the camera</button>.
      </Chooser>
      {kept.length > 0 && <div class="choosing-strip"><Strip photos={kept} shown="" outlines={[]} /></div>}
    </>
  );
}

function OnPhoto({ query }: { query: string }) {
  const { asked, failure } = useAsked(query);
  useLayoutEffect(() => {
    forgetPart();
    scrollTo(0, 0);
  }, []);
  if (failure) return <NotHere failure={failure} href="/remember" />;
  return asked ? <Marking asked={asked} /> : <div class="part" aria-busy="true" />;
}

function Marking({ asked }: { asked: Asked }) {
  const stage = useRef<HTMLDivElement>(null);
  const viewing = useView(stage, asked);
  const route = useStore(routes);
  const all = photosNow(useStore(photos), route);
  const preview = usePreview(all);
  const at = all.findIndex(({ query }) => query === asked.query);
  const mine = preview.outlines[at];
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => void onMarkKey(event);
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
  return (
    <div class="part remember">
      <h1 class="visually-hidden">Teach a thing from {asked.name}</h1>
      <section class="part-query" aria-label="The thing">
        <Tools viewing={viewing} />
        <Stage asked={asked} stage={stage} viewing={viewing}>
          {mine && !preview.looking && <Traced extent={asked} seen={[mine]} veil={route.marks.length === 0} />}
        </Stage>
        <p id="part-how" class="visually-hidden">
          Enter marks the middle; the arrows move it, with Shift they change its size; Delete removes it, m goes to the next mark.
        </p>
        <p class={preview.failure ? "form-error" : "hint remember-how"} role="status">
          {preview.failure ? asSentence(preview.failure) : howOf(route.marks.length > 0, preview.looking, all.length)}
        </p>
      </section>
      <section class="remember-side" aria-label="Its photos and its name">
        <Naming photos={all} outlines={preview.outlines} ready={!preview.failure} />
        <Strip photos={all} shown={asked.query} outlines={preview.outlines} />
        <ul class="remember-tips hint">
          <li>One photo will do; three from different sides are better.</li>
          <li>Only what is inside the line is remembered as the thing; what is around it is remembered as not it.</li>
          <li>It stays on this machine, in your library's folder.</li>
        </ul>
      </section>
    </div>
  );
}

function howOf(marked: boolean, looking: boolean, count: number): string {
  if (looking) return "Looking what that is…";
  if (marked) return "The line shows what will be remembered. Mark it anew where it is wrong.";
  return count > 1
    ? "Nothing is marked: the line shows what stands out and is in the other photos, too. Drag a box or click where it is wrong."
    : "Nothing is marked: the line shows what stands out. Drag a box around the thing, or click on it.";
}

/** A photo taken now. */
function FromCamera() {
  const camera = useCamera();
  useEffect(() => camera.start(), []);
  const take = async () => {
    const frame = await camera.frame();
    if (!frame) return;
    try {
      const { query } = await api.upload(frame.picture);
      camera.stop();
      const { show: _, ...knobs } = routes.get().knobs;
      navigate({ ...withPhotos(routes.get(), [query]), knobs }, "replace");
    } catch (error) {
      const sentence = noteFailure(error);
      if (sentence) say(sentence, "bad");
    }
  };
  return (
    <div class="things">
      <header class="things-head">
        <div>
          <p class="crumbs"><a href={formatRoute({ ...routes.get(), knobs: {} })}><Icon name="back" size={14} /> Teach a thing</a></p>
          <h1>Hold it before the camera</h1>
        </div>
        <div class="summary-tools">
          <CameraChoice camera={camera} />
          {camera.state === "on" && <button type="button" class="button primary" onClick={() => void take()}><Icon name="camera" /> Take the photo</button>}
        </div>
      </header>
      <CameraView camera={camera} invitation="A photo of the thing, against a ground it stands out from." />
    </div>
  );
}
