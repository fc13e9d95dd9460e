// Look inside the model: the parts of a picture in colours, where its heads look, what is like what.
import { useLayoutEffect } from "preact/hooks";
import { Chooser } from "../../components/chooser";
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { NotHere } from "../../components/not-here";
import { Segments } from "../../components/segments";
import { keysRest } from "../../keys";
import type { At } from "../../grids";
import { press } from "../../format";
import { aboutPicture, routes, turn } from "../../route";
import { useAsked, type Asked } from "../../state/asked";
import { useStore } from "../../state/store";
import { layersKnown, questionOf, useColours, useLook } from "./asking";
import { Controls } from "./controls";
import { Export } from "./export";
import { Heads } from "./heads";
import { Others, Such } from "./others";
import { cover, edges } from "./settings";
import { Stage, type Show } from "./stage";

const choose = (query: string) => aboutPicture(routes.get(), "look", query);

export function Look() {
  const { of } = useStore(routes);
  if (of) return <OnPicture key={of} query={of} />;
  return (
    <Chooser title="Look inside the model" does="look inside it" choose={choose}>
      Choose a picture, and see it as the model does: its parts in colours, where it looks, what is like what.
    </Chooser>
  );
}

function OnPicture({ query }: { query: string }) {
  const { asked, failure } = useAsked(query);
  useLayoutEffect(() => scrollTo(0, 0), []);
  if (failure) return <NotHere failure={failure} href="/look" />;
  return asked ? <Looking asked={asked} /> : <div class="look" aria-busy="true" />;
}

const TITLES: readonly [Show, string, string][] = [
  ["colours", "Parts", "The parts in colours (1)"],
  ["attention", "Attention", "Where the model looks (2)"],
  ["likeness", "Likeness", "What is like what (3)"],
];
const SHOWS = TITLES.map(([show]) => show);

function Looking({ asked }: { asked: Asked }) {
  const { knobs } = useStore(routes);
  const layers = useStore(layersKnown);
  const patchy = useStore(edges) === "edges";
  const mix = Number(useStore(cover)) / 100;
  const show = SHOWS.find((one) => one === knobs["show"]) ?? "colours";
  const head = knobs["head"] ? Number(knobs["head"]) - 1 : null;
  const mass = knobs["mass"] ? Number(knobs["mass"]) : null;
  const cut = knobs["cut"] === "true";
  const at = placeOf(knobs["at"], asked);

  // The last layer's attention makes the descriptor; how many there are is known once anything was looked at.
  const question = questionOf(asked.query, knobs);
  const last = show === "attention" && !question.layer && layers !== null ? { ...question, layer: String(layers) } : question;
  const look = useLook(last);
  const colours = useColours(show === "colours" ? question : null);
  const shown = show === "colours" ? colours : look;
  const layer = Number(question.layer) || (layers === null ? null : show === "attention" ? layers : Math.max(1, layers - 1));
  const heads = look.value?.largest.length ?? 0;
  const chosen = head !== null && head < heads ? head : null;

  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (keysRest(event)) return;
      const wanted = SHOWS[Number(event.key) - 1];
      if (!wanted) return;
      event.preventDefault();
      turn({ show: wanted === "colours" ? "" : wanted });
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);

  return (
    <div class="look">
      <header class="look-head">
        <h1>
          <small>Look inside</small> {asked.name}
        </h1>
        <Segments<Show>
          legend="What is shown"
          quiet
          value={show}
          options={TITLES}
          onChange={(one) => turn({ show: one === "colours" ? "" : one })}
        />
        <div class="summary-tools">
          <a class="pill" href="/look" aria-label="Another picture" title="Another picture"><Icon name="grid" size={16} /> <span class="wide-only">Another</span></a>
          <Export question={last} show={show} mass={mass} cut={cut} at={at} />
          <CopyMenu />
        </div>
      </header>
      <section class="look-picture" aria-label="What the model sees" aria-busy={shown.waiting}>
        <div class="look-frame">
          <Stage
            asked={asked}
            show={show}
            looked={look.value}
            colours={colours.value}
            head={chosen}
            mass={mass}
            cut={cut}
            at={at}
            patchy={patchy}
            mix={mix}
            pin={(place) => turn({ at: place ? place.join(",") : "" })}
          />
          {shown.waiting && <Waiting fitting={show === "colours"} />}
        </div>
        {shown.failure && <p class="form-error" role="alert">{shown.failure}</p>}
        <Underneath show={show} at={at} heads={look.value !== null && heads === 0} />
        {show === "attention" && look.value && heads > 0 && (
          <Heads asked={asked} looked={look.value} head={chosen} choose={(one) => turn({ head: one === null ? "" : String(one + 1) })} />
        )}
      </section>
      <div class="look-side">
        <Controls show={show} layer={layer} layers={layers} looked={look.value} mass={mass} cut={cut} />
      </div>
      <div class="look-more">
        {at && <Such picture={asked.query} at={at} />}
        {show === "colours" && <Others question={question} cut={cut} patchy={patchy} mix={mix} />}
      </div>
    </div>
  );
}

/** A place of the address that lies on the picture. */
function placeOf(text: string | undefined, { width, height }: Asked): At | null {
  const [x = NaN, y = NaN] = (text ?? "").split(",").map(Number);
  return x >= 0 && y >= 0 && x < width && y < height ? [x, y] : null;
}

function Waiting({ fitting }: { fitting: boolean }) {
  return (
    <p class="look-waiting" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>Looking inside</span>
      {fitting && <span class="look-waiting-why">– the colours of a layer are chosen once, which takes some seconds</span>}
    </p>
  );
}

/** What there is to do with the picture, or what was done. */
function Underneath({ show, at, heads }: { show: Show; at: At | null; heads: boolean }) {
  return (
    <p class="look-under">
      {show === "likeness" && !at && (press() === "Tap"
        ? "Tap a place: the warmer, the more another is like it."
        : "Move over the picture: the warmer, the more a place is like the one under the pointer. Click to keep it.")}
      {show === "colours" && !at && `Places of one colour are the same to the model. ${press()} one to find out what it is.`}
      {show === "attention" && (heads
        ? "This model has no attention of its own to show."
        : "Where each head of the model looks to tell what the whole picture is.")}
      {at && show !== "attention" && (
        <>
          {show === "likeness" ? "What is like the place that is marked." : "A place is marked."}{" "}
          {show !== "likeness" && (
            <button type="button" class="text-button" onClick={() => turn({ show: "likeness" })}>Show what is like it</button>
          )}{" "}
          <button type="button" class="text-button" onClick={() => turn({ at: "" })}>Let it go</button>
        </>
      )}
    </p>
  );
}
