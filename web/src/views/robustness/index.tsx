// The robustness lab: edit a picture until the model takes it for another, and see what it takes.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Chooser } from "../../components/chooser";
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { NotHere } from "../../components/not-here";
import { aboutPicture, routes, turn } from "../../route";
import { useAsked, type Asked } from "../../state/asked";
import { say } from "../../state/overlays";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { catalogue, curveKey, curveOf, curves, keepCurve, useCatalogue, usePicture, useTrial, seekWeakest, type Catalogue, type Sought, type Weakest } from "./asking";
import { amountOf, grouped, known, parseEdits, withEdit, writeEdits, type Edits } from "./edits";
import { outward, Sliders } from "./sliders";
import { Stage } from "./stage";
import { Chip, Verdict } from "./verdict";

const choose = (query: string) => aboutPicture(routes.get(), "robustness", query);

export function Robustness() {
  const { of } = useStore(routes);
  if (of) return <OnPicture key={of} query={of} />;
  return (
    <Chooser title="Robustness lab" does="test how robust it is" choose={choose}>
      Choose a picture, then darken, blur or turn it, and see when the model takes it for another.
    </Chooser>
  );
}

function OnPicture({ query }: { query: string }) {
  const { asked, failure } = useAsked(query);
  const kinds = useStore(catalogue);
  const unknown = useCatalogue();
  useLayoutEffect(() => scrollTo(0, 0), []);
  const wrong = failure ?? unknown;
  if (wrong) return <NotHere failure={wrong} href="/robustness" />;
  return asked && kinds ? <Lab asked={asked} {...kinds} /> : <div class="lab" aria-busy="true" />;
}

function Lab({ asked, kinds, presets }: { asked: Asked } & Catalogue) {
  const { knobs } = useStore(routes);
  const of = asked.query;
  const seed = knobs["seed"] ?? "";
  const [moving, setMoving] = useMoving();
  const edits = known(parseEdits(moving ?? knobs["edits"] ?? ""), kinds);
  const subject = { of, edits: writeEdits(edits, kinds), seed };
  const picture = usePicture(subject);
  const trial = useTrial(subject);
  const drawn = useStore(curves);
  const [touched, setTouched] = useState("");
  const change = (next: Edits) => {
    setMoving(null);
    turn({ edits: writeEdits(next, kinds) }, "push");
  };
  const drawing = useCurves(of, seed, touched, subject.edits);
  const failure = trial.failure ?? picture.failure;

  return (
    <div class="lab">
      <header class="lab-head">
        <h1>
          <small>Robustness</small> {asked.name}
        </h1>
        <div class="summary-tools">
          <a class="pill" href="/robustness" aria-label="Another picture" title="Another picture"><Icon name="grid" size={16} /> <span class="wide-only">Another</span></a>
          <CopyMenu />
        </div>
      </header>
      <div class="lab-shown">
        <section class="lab-picture" aria-label="The edited picture">
          <Stage asked={asked} url={picture.value} edited={subject.edits !== ""} current={picture.current} />
          {trial.value && <Chip trial={trial.value} />}
        </section>
        <div class="lab-said">
          {failure ? <p class="form-error" role="alert">{failure}</p> : <Verdict trial={trial.value} current={trial.current} of={of} />}
        </div>
      </div>
      <div class="lab-side">
        <div class="lab-presets" role="group" aria-label="Presets">
          {presets.map((preset) => {
            const wanted = Object.fromEntries(preset.edits.map(({ kind, strength }) => [kind, strength]));
            const on = writeEdits(wanted, kinds) === subject.edits;
            return (
              <button key={preset.name} type="button" class={`pill${on ? " active" : ""}`} aria-pressed={on} onClick={() => change(on ? {} : wanted)}>
                {preset.title}
              </button>
            );
          })}
        </div>
        <Tools of={of} seed={seed} edits={edits} kinds={kinds} drawing={drawing} change={change} />
        <Sliders
          kinds={kinds}
          edits={edits}
          drawing={drawing.kind}
          curveOf={(kind) => drawn.get(curveKey(of, seed, kind))}
          set={(kind, strength) => {
            setTouched(kind);
            setMoving(writeEdits(withEdit(edits, kind, strength), kinds));
          }}
        />
      </div>
    </div>
  );
}

const SETTLE_MS = 150;

/** Edits while a slider is moved; they go into the address when it rests, for a browser takes only so many changes of that. */
function useMoving(): [string | null, (edits: string | null) => void] {
  const [moving, setMoving] = useState<string | null>(null);
  useEffect(() => {
    if (moving === null) return;
    const timer = setTimeout(() => {
      turn({ edits: moving });
      setMoving(null);
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [moving]);
  return [moving, setMoving];
}

interface Drawing {
  kind: string; // whose curve is on its way
  left: number; // kinds still to come
  all: (kinds: readonly string[]) => void;
  stop: () => void;
}

const REST_MS = 900; // a slider that rests so long gets its curve

/** Curves of those asked for, one after the other; of the one slider that was moved, too, once it rests. */
function useCurves(of: string, seed: string, touched: string, edits: string): Drawing {
  const [queue, setQueue] = useState<readonly string[]>([]);
  const kind = queue[0] ?? "";
  const missing = (one: string) => !curves.get().has(curveKey(of, seed, one));
  useEffect(() => setQueue([]), [seed]);
  useEffect(() => {
    if (!touched || !missing(touched)) return;
    const timer = setTimeout(() => setQueue((now) => (now.includes(touched) ? now : [...now, touched])), REST_MS);
    return () => clearTimeout(timer);
  }, [touched, edits, seed]);
  useEffect(() => {
    if (!kind) return;
    const abort = new AbortController();
    const next = () => setQueue((now) => now.slice(1));
    curveOf(of, kind, seed, abort.signal).then(
      (curve) => {
        keepCurve(of, seed, curve);
        next();
      },
      (error: unknown) => {
        const failure = noteFailure(error);
        if (failure) {
          say(failure);
          setQueue([]);
        }
      },
    );
    return () => abort.abort();
  }, [kind, of, seed]);
  return {
    kind,
    left: queue.length,
    all: (kinds) => setQueue(kinds.filter(missing)),
    stop: () => setQueue([]),
  };
}

interface ToolsProps {
  of: string;
  seed: string;
  edits: Edits;
  kinds: Catalogue["kinds"];
  drawing: Drawing;
  change: (next: Edits) => void;
}

const DICE = ["noise", "occlusion"]; // edits that are drawn by the seed

function Tools({ of, seed, edits, kinds, drawing, change }: ToolsProps) {
  const { found, sought, seek, stop } = useWeakest(of, seed);
  const drawn = useStore(curves);
  const everything = kinds.every(({ name }) => drawn.has(curveKey(of, seed, name)));
  const limit = found?.limit;
  const kind = limit && kinds.find(({ name }) => name === limit.kind);
  const show = ({ limit: weakest }: Weakest) => weakest?.strength && change({ [weakest.kind]: outward(weakest.strength) });
  return (
    <div class="lab-tools">
      {sought ? (
        <button type="button" class="button primary" onClick={stop}>
          <span class="spinner" aria-hidden="true" /> Stop searching
        </button>
      ) : (
        <button type="button" class="button primary" onClick={() => seek(show)}>
          <Icon name="lab" size={16} /> Find the weakest edit
        </button>
      )}
      {drawing.left > 0 ? (
        <button type="button" class="button" onClick={drawing.stop}>
          <span class="spinner" aria-hidden="true" /> Stop ({drawing.left})
        </button>
      ) : everything ? null : (
        <button type="button" class="button" onClick={() => drawing.all(grouped(kinds).flatMap(([, group]) => group.map(({ name }) => name)))}>
          Draw curves
        </button>
      )}
      {DICE.some((name) => edits[name]) && (
        <button type="button" class="button" onClick={() => turn({ seed: String((Number(seed) + 1) % 1000 || "") })}>Draw again</button>
      )}
      <button type="button" class="button bare" aria-label="Undo all edits" title="As it was" disabled={Object.keys(edits).length === 0} onClick={() => change({})}>
        <Icon name="undo" size={18} />
      </button>
      {sought && (
        <p class="lab-weakest" aria-live="off">
          {sought.trials} edited pictures tried{sought.strength > 0 && `: nothing loses it up to ${Math.round(100 * sought.strength)} % of the sliders' way`}
        </p>
      )}
      {found && (
        <p class="lab-weakest found" role="status">
          {!limit && "No edit loses it, however strong."}
          {limit && kind && (
            <>
              The weakest edit that loses it: <button type="button" class="text-button" onClick={() => show(found)}>{kind.title.toLowerCase()}, {kind.switch ? "at all" : `${limit.direction < 0 ? kind.less : kind.more}, ${amountOf(kind, outward(limit.strength ?? 0))}`}</button>
            </>
          )}
        </p>
      )}
    </div>
  );
}

interface Search {
  found: Weakest | null;
  sought: Sought | null; // while it is on
  seek: (then: (found: Weakest) => void) => void;
  stop: () => void;
}

function useWeakest(of: string, seed: string): Search {
  const [found, setFound] = useState<Weakest | null>(null);
  const [sought, setSought] = useState<Sought | null>(null);
  const stream = useRef<() => void>(() => undefined);
  const stop = () => {
    stream.current();
    setSought(null);
  };
  useEffect(() => {
    setFound(null);
    return stop;
  }, [of, seed]);
  const seek = (then: (found: Weakest) => void) => {
    setFound(null);
    setSought({ trials: 0, strength: 0 });
    stream.current = seekWeakest(of, seed, {
      step: setSought,
      end(answer) {
        setSought(null);
        setFound(answer);
        then(answer);
      },
      lost() {
        setSought(null);
        say("The search for the weakest edit broke off: start it again.");
      },
    });
  };
  return { found, sought, seek, stop };
}
