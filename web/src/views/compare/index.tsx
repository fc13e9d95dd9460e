// Two models on one library: in numbers, side by side, and judged blind.
import { useEffect, useState } from "preact/hooks";
import { api } from "../../api";
import { copyText } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { plural, press } from "../../format";
import { navigate, routes } from "../../route";
import { noteFailure, session } from "../../state/session";
import { useStore } from "../../state/store";
import type { About, Comparison, Example } from "../../wire";
import { Blind } from "./blind";
import { Rows } from "./rows";
import { Scores } from "./scores";
import { compareLine, labelsOf } from "./words";

type Shelves = About["library"]["shelves"];

export function Compare() {
  const { about } = useStore(session);
  const { models, around } = useStore(routes);
  const shelves = about?.library.shelves ?? [];
  const asked = models.join("\n");
  const [found, failure] = useFound(() => (shelves.length > 1 ? (abort) => api.compare(models, abort) : null), [asked, shelves.length]);
  return (
    <div class="page compare">
      <h1>Compare models</h1>
      {about && shelves.length < 2 ? (
        <OneOnly shelves={shelves} />
      ) : failure ? (
        <p class="form-error" role="alert">{failure}</p>
      ) : found === null ? (
        <p class="hint" role="status">Asking both…</p>
      ) : (
        <>
          <Choice shelves={shelves} found={found} />
          <Judged key={asked} found={found} around={around} />
        </>
      )}
    </div>
  );
}

/** What the page says before, during and after the visitor judges for himself. */
function Judged({ found, around }: { found: Comparison; around: number | null }) {
  const [blind, setBlind] = useState(false);
  if (blind) return <Blind found={found} done={() => setBlind(false)} />;
  const labels = labelsOf(found);
  return (
    <>
      {around !== null && <Around key={around} id={around} found={found} labels={labels} />}
      <Scores found={found} labels={labels} />
      <Commands found={found} judge={() => setBlind(true)} />
      <section aria-label="Examples" class="examples">
        <h2>The same pictures, seen by both</h2>
        <p class="hint">
          Drawn at random. <i class="shared-dot" aria-hidden="true" /> marks what both have among their nearest. {press()} a
          picture to see what lies around it.
        </p>
        {found.examples.slice(0, 12).map((example) => <Rows key={example.query.id} example={example} labels={labels} />)}
      </section>
    </>
  );
}

function Choice({ shelves, found }: { shelves: Shelves; found: Comparison }) {
  const keys = [found.first.key, found.second.key] as const;
  const choose = (at: 0 | 1, key: string) => {
    const other = key === keys[1 - at] ? keys[at] : keys[1 - at]; // choosing the other one swaps them
    navigate({ models: at === 0 ? [key, other as string] : [other as string, key] });
  };
  return (
    <div class="model-choice">
      {([0, 1] as const).map((at) => (
        <label key={at}>
          <span>{at === 0 ? "Model" : "Compared with"}</span>
          <select class="field" value={keys[at]} onChange={(event) => choose(at, event.currentTarget.value)}>
            {shelves.map((shelf) => <option key={shelf.key} value={shelf.key}>{titleOf(shelf, shelves)}</option>)}
          </select>
        </label>
      ))}
    </div>
  );
}

const titleOf = (shelf: Shelves[number], all: Shelves): string =>
  all.some((other) => other !== shelf && other.name === shelf.name) ? shelf.key : shelf.name;

function Commands({ found, judge }: { found: Comparison; judge: () => void }) {
  const line = compareLine(found);
  return (
    <div class="compare-more">
      <button type="button" class="button primary" onClick={judge}>
        <Icon name="eyeClosed" /> Judge blind
      </button>
      <div class="command">
        <code>{line}</code>
        <button type="button" class="button bare" aria-label="Copy the command" title="Copy" onClick={() => void copyText(line, "Command line")}>
          <Icon name="copy" />
        </button>
      </div>
      <p class="hint">This also measures which original an edited copy leads to, and the time a picture takes.</p>
    </div>
  );
}

function Around({ id, found, labels }: { id: number; found: Comparison; labels: readonly [string, string] }) {
  const [example, failure] = useFound<Example>(
    () => (abort) => api.neighbours(id, [found.first.key, found.second.key], abort),
    [id, found.first.key, found.second.key],
  );
  useEffect(() => scrollTo(0, 0), [id]);
  return (
    <section class="card around" aria-label="Around one picture">
      <header>
        <h2>{example ? `Around ${example.query.name}` : "Around one picture"}</h2>
        <button type="button" class="button bare" aria-label="Close" onClick={() => navigate({ around: null })}>
          <Icon name="close" />
        </button>
      </header>
      {failure && <p class="form-error" role="alert">{failure}</p>}
      {example && <Rows example={example} labels={labels} />}
    </section>
  );
}

function OneOnly({ shelves }: { shelves: Shelves }) {
  const name = shelves[0]?.name;
  const line = "dinoscope index FOLDER --model NAME";
  return (
    <section class="card">
      <h2>{name ? `Only ${name} has seen this library` : "No model has seen this library"}</h2>
      <p>
        Let another model look at the same folders, one you trained or one of <code>dinoscope models list</code>, and
        both can be compared here. {name && "What this one has seen stays as it is."}
      </p>
      <div class="command">
        <code>{line}</code>
        <button type="button" class="button bare" aria-label="Copy the command" title="Copy" onClick={() => void copyText(line, "Command line")}>
          <Icon name="copy" />
        </button>
      </div>
      {shelves[0] && <p class="hint">{plural(shelves[0].vectors, "picture")} seen so far.</p>}
    </section>
  );
}

/** What a question brings, and the sentence when it fails; asked anew when something it depends on changes. */
function useFound<T>(question: () => ((abort: AbortSignal) => Promise<T>) | null, on: readonly unknown[]): [T | null, string | null] {
  const [answer, setAnswer] = useState<T | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    const ask = question();
    if (!ask) return;
    const abort = new AbortController();
    ask(abort.signal).then(
      (value) => (setAnswer(value), setFailure(null)),
      (error: unknown) => {
        const sentence = noteFailure(error);
        if (sentence) setFailure(sentence);
      },
    );
    return () => abort.abort();
  }, on);
  return [answer, failure];
}
