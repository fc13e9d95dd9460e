// Where a thing is in one picture, and whether that is right.
import { useEffect, useState } from "preact/hooks";
import { queryImageUrl, queryThumbnailUrl } from "../../api";
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { NotHere } from "../../components/not-here";
import { asSentence, duration } from "../../format";
import { keysRest } from "../../keys";
import { whereInPicture, type Thing } from "../../objects";
import { formatRoute, navigate, routes } from "../../route";
import { useAsked, type Asked } from "../../state/asked";
import { useStore } from "../../state/store";
import { teachFrom } from "../../state/things";
import { about } from ".";
import { judge, useAnswer, type Asked as Answered } from "./asking";
import { Crop, Sureness, Verdict } from "./sighting";
import { Traced } from "./traced";

export function InPicture({ thing, query }: { thing: Thing; query: string }) {
  const { asked, failure } = useAsked(query);
  if (failure) return <NotHere failure={failure} href={formatRoute(about(thing.name))} does={`Back to ${thing.name}`} />;
  return asked ? <Looking thing={thing} asked={asked} /> : <div class="things" aria-busy="true" />;
}

function Looking({ thing, asked }: { thing: Thing; asked: Asked }) {
  const [round, setRound] = useState(0);
  const [busy, setBusy] = useState(false);
  const [looked, setLooked] = useState(-1);
  const answered = useAnswer(`${thing.name} ${asked.query}`, round, (signal) => whereInPicture(thing.name, asked.query, signal));
  const seen = answered.answer?.sightings ?? NONE;
  const verdict = async (index: number, kind: "yes" | "no") => {
    const one = seen[index];
    if (!one || busy) return;
    setBusy(true);
    if (await judge(thing.name, asked.query, one.box, kind)) setRound((n) => n + 1);
    setBusy(false);
  };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (keysRest(event) || (event.key !== "y" && event.key !== "n") || seen.length === 0) return;
      event.preventDefault();
      void verdict(Math.max(0, looked), event.key === "y" ? "yes" : "no");
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  });
  const { width, height } = asked;
  return (
    <div class="things">
      <Head thing={thing} asked={asked} answered={answered} />
      <div class="where-body">
        <figure class="where-picture" style={{ aspectRatio: `${width} / ${height}`, "--ratio": String(width / height) }} aria-busy={answered.looking}>
          <img class="part-blur" src={queryThumbnailUrl(asked.query, 320)} alt="" />
          <img src={queryImageUrl(asked.query, 1600)} alt={asked.name} />
          <Traced extent={asked} seen={seen} looked={looked} veil boxes />
          {answered.looking && <span class="where-scan" aria-hidden="true" />}
        </figure>
        <aside class="where-side" aria-label="What was found">
          <ol class="where-list" role="list">
            {seen.map((one, index) => (
              <li key={one.box.join()} onPointerEnter={() => setLooked(index)} onPointerLeave={() => setLooked(-1)} onFocusIn={() => setLooked(index)} onFocusOut={() => setLooked(-1)}>
                <Crop query={asked.query} extent={asked} box={one.box} />
                <div>
                  <Sureness probability={one.probability} />
                  <Verdict what={`place ${index + 1}`} busy={busy || answered.looking} say={(kind) => void verdict(index, kind)} />
                </div>
              </li>
            ))}
          </ol>
          {answered.answer && (
            <a class="button" href={formatRoute({ ...routes.get(), view: "remember", knobs: { thing: thing.name } })} onClick={(event) => also(event, thing, asked)}>
              <Icon name="add" /> {seen.length === 0 ? "It is here: show where" : "It is also here: show where"}
            </a>
          )}
        </aside>
      </div>
    </div>
  );
}

const NONE = [] as const;

/** A place that was not found is one more photo of the thing. */
function also(event: MouseEvent, thing: Thing, asked: Asked): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  navigate(teachFrom(routes.get(), asked.query, [], thing.name));
}

function Head({ thing, asked, answered }: { thing: Thing; asked: Asked; answered: Answered }) {
  const { answer, failure, looking } = answered;
  const { filters } = useStore(routes);
  return (
    <header class="things-head">
      <div>
        <p class="crumbs">
          <a href={formatRoute({ ...about(thing.name), filters })}><Icon name="back" size={14} /> {thing.name}</a> <span>in {asked.name}</span>
        </p>
        <h1 aria-live="polite">
          {failure ? asSentence(failure) : !answer ? `Looking for ${thing.name}…` : answer.sightings.length === 0 ? "Not here" : answer.sightings.length === 1 ? "Here" : `Here, ${answer.sightings.length} times`}
        </h1>
        <p class="hint">{looking && answer ? "Looking again…" : answer ? `Looked at in ${duration(answer.look_seconds)}` : "\u00a0"}</p>
      </div>
      <div class="summary-tools"><CopyMenu /></div>
    </header>
  );
}
