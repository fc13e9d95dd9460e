// The same few pictures through the training: what the model attends to, and the parts it tells apart.
import { useMemo } from "preact/hooks";
import { sampleUrl } from "../../api";
import { count } from "../../format";
import type { Run } from "../../wire";
import { lastUpTo } from "./scale";
import { KINDS, shotsOf, type Kind } from "./words";

const TITLES: Record<Kind, string> = { picture: "Picture", attention: "Attention", pca: "Parts" };

/** The sheet as it was at a step: the last that was made by then. */
export function Samples({ run, step }: { run: Run; step: number }) {
  const shots = useMemo(() => shotsOf(run.samples), [run.samples]);
  const steps = useMemo(() => [...shots.keys()], [shots]);
  const at = steps[lastUpTo(steps, step)];
  const shot = at === undefined ? undefined : shots.get(at);
  if (!shot || at === undefined) return null;
  const kinds = KINDS.filter((kind) => [...shot.values()].some((files) => files[kind]));
  return (
    <section class="card sheet-card" aria-label="What it sees">
      <header>
        <h2>What it sees</h2>
        <p class="hint">
          At step {count(at)}. Attention: where it looks. Parts: patches it takes for alike get one colour, over all pictures.
        </p>
      </header>
      <div class="contact-sheet" tabIndex={0} role="group" aria-label="Sample pictures">
        <div class="sheet-heads" aria-hidden="true">
          {kinds.map((kind) => <span key={kind}>{TITLES[kind]}</span>)}
        </div>
        {[...shot].map(([one, files]) => (
          <div key={one} class="sheet-sample">
            {kinds.map((kind) => {
              const file = files[kind];
              return file ? (
                <img key={kind} class={kind} src={sampleUrl(run, file)} alt={`${TITLES[kind]}, sample ${one + 1}, step ${count(at)}`} />
              ) : (
                <span key={kind} />
              );
            })}
          </div>
        ))}
      </div>
    </section>
  );
}
