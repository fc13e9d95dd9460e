// Things with a name: what is remembered, and where it is — in the library, in one picture, before the camera, in a video.
import { useEffect, useLayoutEffect } from "preact/hooks";
import { Notice } from "../../components/notice";
import { asSentence } from "../../format";
import { HOME, routes } from "../../route";
import { sameName } from "../../objects";
import { known, refreshThings } from "../../state/things";
import { useStore } from "../../state/store";
import { All } from "./all";
import { InPicture } from "./in-picture";
import { InVideo } from "./in-video";
import { Live } from "./live";
import { One } from "./one";

export function Objects() {
  const { of, knobs } = useStore(routes);
  const { things, failure } = useStore(known);
  const name = knobs["thing"] ?? "";
  useEffect(() => void refreshThings(), []);
  useLayoutEffect(() => scrollTo(0, 0), [name, of, knobs["show"], knobs["video"]]);
  if (failure && !things) {
    return (
      <Notice
        icon="warning"
        tone="bad"
        title="Your things cannot be read"
        actions={<button type="button" class="button primary" onClick={() => void refreshThings()}>Try again</button>}
      >
        {asSentence(failure)}
      </Notice>
    );
  }
  if (!things) return <div class="things" aria-busy="true" />;
  if (!name) return <All things={things} of={of} />;
  const thing = things.find((one) => sameName(one.name, name));
  if (!thing) return <Unknown name={name} />;
  if (of) return <InPicture key={`${thing.name} ${of}`} thing={thing} query={of} />;
  if (knobs["show"] === "camera") return <Live key={thing.name} thing={thing} />;
  if (knobs["video"]) return <InVideo key={`${thing.name} ${knobs["video"]}`} thing={thing} id={knobs["video"]} start={Number(knobs["t"] ?? 0)} />;
  return <One key={thing.name} thing={thing} />;
}

function Unknown({ name }: { name: string }) {
  return (
    <Notice
      icon="thing"
      title={`Nothing is called “${name}”`}
      actions={
        <>
          <a class="button primary" href={`/remember?thing=${encodeURIComponent(name)}`}>Teach it</a>
          <a class="button" href="/objects">All my things</a>
        </>
      }
    >
      It was never taught, or it was forgotten.
    </Notice>
  );
}

/** The address of a thing, of one way to look for it. */
export const about = (thing: string, more: Record<string, string> = {}, of = "") => ({ ...HOME, view: "objects", of, knobs: { thing, ...more } });
