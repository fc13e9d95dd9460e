// Select a part of a picture and find it everywhere, with its place.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { FilterBar } from "../../components/filter-bar";
import { NotHere } from "../../components/not-here";
import { keysRest } from "../../keys";
import { routes } from "../../route";
import { useAsked, type Asked } from "../../state/asked";
import { feedsVersion } from "../../state/feeds";
import { ask, askAgain, draft, forgetPart, looked, questionOf, redo, show, tool, undo } from "../../state/part";
import { useStore } from "../../state/store";
import { Choose } from "./choose";
import { Refining } from "./examples";
import { Found } from "./found";
import { Links } from "./links";
import { Stage } from "./stage";
import { Tools, TOOLS } from "./tools";
import { useView } from "./use-view";

export function Part() {
  const { of } = useStore(routes);
  return of ? <OnPicture key={of} query={of} /> : <Choose />;
}

function OnPicture({ query }: { query: string }) {
  const { asked, failure } = useAsked(query);
  useLayoutEffect(() => {
    forgetPart();
    scrollTo(0, 0);
  }, []);
  if (failure) return <NotHere failure={failure} href="/part" />;
  return asked ? <Selecting asked={asked} /> : <div class="part" aria-busy="true" />;
}

function Selecting({ asked }: { asked: Asked }) {
  const stage = useRef<HTMLDivElement>(null);
  const viewing = useView(stage, asked);
  const route = useStore(routes);
  const drawn = useStore(draft);
  const version = useStore(feedsVersion);
  const seen = useRef(version);
  const question = questionOf(route, drawn ?? route.marks);

  const key = JSON.stringify(question);
  useEffect(() => {
    if (seen.current !== version) askAgain(question); // the library has changed
    else ask(question, drawn === null);
    seen.current = version;
  }, [key, drawn === null, version]);
  useEffect(() => () => ask(null, true), []);

  // Another part: its best hits are at the top. Not while a hand draws, under which nothing may move.
  const marks = JSON.stringify(route.marks);
  const before = useRef(marks);
  useEffect(() => {
    if (before.current !== marks) scrollTo({ top: 0 });
    before.current = marks;
  }, [marks]);
  useEffect(() => {
    if (route.picture !== null) looked.set(null);
  }, [route.picture]);
  useLayoutEffect(() => {
    document.addEventListener("keydown", onPartKey);
    return () => document.removeEventListener("keydown", onPartKey);
  }, []);

  return (
    <div class="part">
      <h1 class="visually-hidden">Select a part of {asked.name}</h1>
      <FilterBar />
      <section class="part-query" aria-label="The part">
        <Tools viewing={viewing} />
        <Stage asked={asked} stage={stage} viewing={viewing} />
        <p id="part-how" class="visually-hidden">
          Enter marks the middle; the arrows move it, with Shift they change its size; Delete removes it, m goes to the next mark.
        </p>
        <Refining />
      </section>
      <section class="part-found" aria-label="Pictures with such a part">
        <Found question={question} />
      </section>
      <Links />
    </div>
  );
}

/** The tools, and the way back: wherever something is marked. True when the key was one of theirs. */
export function onMarkKey(event: KeyboardEvent): boolean {
  if (!event.defaultPrevented && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    if ((event.target as Element | null)?.closest?.("input:not([type=range]):not([type=file]), textarea, dialog")) return false;
    event.preventDefault();
    if (event.shiftKey) redo();
    else undo();
    return true;
  }
  if (keysRest(event)) return false;
  const picked = TOOLS.find(({ key }) => key === event.key);
  if (!picked) return false;
  tool.set(picked.name);
  event.preventDefault();
  return true;
}

function onPartKey(event: KeyboardEvent): void {
  if (onMarkKey(event) || keysRest(event)) return;
  if (event.key === "h") show.set(show.get() === "heat" ? "places" : "heat");
  else if (event.key === "v") show.set(show.get() === "close" ? "places" : "close");
  else return;
  event.preventDefault();
}
