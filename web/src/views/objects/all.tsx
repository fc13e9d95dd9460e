// Everything that is remembered, as cards; or, about a picture, which of it shall be looked for there.
import { useEffect, useRef, useState } from "preact/hooks";
import { queryThumbnailUrl } from "../../api";
import { Icon } from "../../components/icon";
import { plural } from "../../format";
import { faceOf, sure, takeIn, viewUrl, whereInPicture, type Thing } from "../../objects";
import { formatRoute, HOME } from "../../route";
import { useAsked } from "../../state/asked";
import { say } from "../../state/overlays";
import { noteFailure, session } from "../../state/session";
import { useStore } from "../../state/store";
import { learnt } from "../../state/things";
import { about } from ".";

export function All({ things, of }: { things: readonly Thing[]; of: string }) {
  const { asked } = useAsked(of);
  const { about: server } = useStore(session);
  const mine = things.filter(({ model }) => !server || model === server.model.key);
  const others = things.filter((thing) => !mine.includes(thing));
  const round = useRound(mine, of);
  const teachHref = formatRoute({ ...HOME, view: "remember", of });
  return (
    <div class="things">
      <header class="things-head">
        <div>
          <h1>{of ? `What shall be looked for in ${asked?.name ?? "it"}?` : "My things"}</h1>
          {things.length > 0 && !of && <p class="hint">Taught once, and found again: in your pictures, in a video, before the camera. All of it stays on this machine.</p>}
        </div>
        {(things.length > 0 || of) && (
          <div class="summary-tools">
            <a class="button primary" href={teachHref}><Icon name="tag" /> {of ? "Teach a thing from it" : "Teach a thing"}</a>
            {!of && <TakeIn />}
            {of && mine.length > 1 && (
              <button type="button" class="button" disabled={round.looking !== ""} onClick={round.begin}>
                <Icon name="search" /> {round.looking ? `Looking for ${round.looking}…` : "Look for all of them"}
              </button>
            )}
          </div>
        )}
      </header>
      {of && asked && <img class="things-subject" src={queryThumbnailUrl(of, 320)} alt={asked.name} />}
      {things.length === 0 ? (
        <Invitation teachHref={teachHref} />
      ) : (
        <ul class="thing-cards" role="list">
          {mine.map((thing) => <li key={thing.name}><Card thing={thing} of={of} told={round.told.get(thing.name)} /></li>)}
        </ul>
      )}
      {others.length > 0 && !of && (
        <section class="things-foreign">
          <h2>Taught with another model</h2>
          <p class="hint">They can be asked for when Dinoscope runs with that model, or be taught again.</p>
          <ul class="thing-cards" role="list">
            {others.map((thing) => <li key={thing.name}><Foreign thing={thing} /></li>)}
          </ul>
        </section>
      )}
    </div>
  );
}

interface Round {
  told: ReadonlyMap<string, string>; // "Not here", "97 % sure", by name
  looking: string; // the name that is looked for now
  begin: () => void;
}

/** All things asked for in one picture, one after another: what the model sees of it is seen once. */
function useRound(things: readonly Thing[], of: string): Round {
  const [told, setTold] = useState<ReadonlyMap<string, string>>(new Map());
  const [looking, setLooking] = useState("");
  const abort = useRef(new AbortController());
  useEffect(() => {
    abort.current = new AbortController();
    setTold(new Map());
    setLooking("");
    return () => abort.current.abort();
  }, [of]);
  const begin = async () => {
    const { signal } = abort.current;
    try {
      for (const { name } of things) {
        setLooking(name);
        const { sightings } = await whereInPicture(name, of, signal);
        setTold((before) => new Map(before).set(name, sightings[0] ? `Here, ${sure(sightings[0].probability)} sure` : "Not here"));
      }
    } catch (error) {
      const sentence = noteFailure(error);
      if (sentence) say(sentence, "bad");
    }
    if (!signal.aborted) setLooking("");
  };
  return { told, looking, begin: () => void begin() };
}

function Card({ thing, of, told }: { thing: Thing; of: string; told: string | undefined }) {
  const taught = thing.views.filter(({ kind }) => kind !== "no").length;
  return (
    <a class="thing-card" href={formatRoute(about(thing.name, {}, of))} title={of ? "Look for it" : "Where is it?"}>
      <img src={viewUrl(thing, faceOf(thing))} alt="" />
      <b>{thing.name}</b>
      <small class={told?.startsWith("Here") ? "told" : undefined}>{told ?? plural(taught, "photo")}</small>
    </a>
  );
}

function Foreign({ thing }: { thing: Thing }) {
  return (
    <div class="thing-card foreign">
      <span class="thing-blank"><Icon name="thing" size={34} /></span>
      <b>{thing.name}</b>
      <small title={thing.model}>{thing.model.split("/")[0]}</small>
    </div>
  );
}

function Invitation({ teachHref }: { teachHref: string }) {
  return (
    <section class="part-invitation things-invitation">
      <svg width="148" height="96" viewBox="0 0 148 96" aria-hidden="true">
        <rect class="ground" x="4" y="4" width="140" height="88" rx="10" />
        <circle class="thing" cx="52" cy="54" r="17" />
        <circle class="pupil" cx="52" cy="54" r="7" />
        <path class="shaft" d="M65 43L100 18M88 27l9 12" />
        <rect class="ants" x="29" y="12" width="80" height="64" rx="4" />
      </svg>
      <h1>“These are my car keys.” “Where are my car keys?”</h1>
      <ul role="list">
        <li><Icon name="image" /> <span><b>Show</b> it in one to five photos, yours or the library's</span></li>
        <li><Icon name="tag" /> <span><b>Name</b> it: what it looks like is remembered, here and nowhere else</span></li>
        <li><Icon name="search" /> <span><b>Ask</b> where it is: in all pictures, in one, live before the camera</span></li>
      </ul>
      <div class="notice-actions">
        <a class="button primary large" href={teachHref}><Icon name="tag" /> Teach a thing</a>
        <TakeIn />
      </div>
    </section>
  );
}

/** An exported thing; one whose name is taken asks for another. */
function TakeIn() {
  const field = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const take = async (chosen: File, name: string) => {
    try {
      const thing = await takeIn(chosen, name);
      learnt(thing);
      setFile(null);
      setFailure(null);
      say(`${thing.name} is remembered.`);
    } catch (error) {
      const sentence = noteFailure(error);
      if (sentence?.includes("is known already")) (setFile(chosen), setFailure(sentence));
      else if (sentence) say(sentence, "bad");
    }
  };
  const onChange = () => {
    const chosen = field.current?.files?.[0];
    if (field.current) field.current.value = "";
    if (chosen) void take(chosen, "");
  };
  if (file) return <Rename sentence={failure ?? ""} done={(name) => void take(file, name)} cancel={() => (setFile(null), setFailure(null))} />;
  return (
    <label class="button">
      <input ref={field} class="visually-hidden" type="file" accept=".npz,application/octet-stream" onChange={onChange} />
      <Icon name="download" /> Take one in
    </label>
  );
}

function Rename({ sentence, done, cancel }: { sentence: string; done: (name: string) => void; cancel: () => void }) {
  const [name, setName] = useState("");
  return (
    <form class="thing-rename" onSubmit={(event) => (event.preventDefault(), name.trim() && done(name))}>
      <label>
        <span>{sentence.split(":")[0]}. Another name:</span>
        <input class="field" autofocus value={name} maxLength={100} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button primary" disabled={!name.trim()}>Take it in</button>
      <button type="button" class="button" onClick={cancel}>Cancel</button>
    </form>
  );
}
