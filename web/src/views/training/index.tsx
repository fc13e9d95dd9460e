// Trainings of one's own: which there are, and the one that is looked at.
import { useEffect } from "preact/hooks";
import { copyText } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { formatRoute, HOME, routes } from "../../route";
import { useStore } from "../../state/store";
import { runs, starting, watchRuns } from "../../state/training";
import type { Run } from "../../wire";
import { BeginForm, StartingCard } from "./begin";
import { RunPage } from "./run";
import { STATES } from "./words";

export function Training() {
  const wanted = useStore(routes).run;
  const all = useStore(runs);
  const begun = useStore(starting);
  useEffect(watchRuns, []);
  const chosen = all?.find((run) => run.name === wanted) ?? (wanted ? undefined : all?.[0]);
  return (
    <div class="page training">
      <h1>Training</h1>
      {all === null ? (
        <p class="hint" role="status">Looking for trainings…</p>
      ) : all.length === 0 ? (
        <>
          <StartingCard />
          {(!begun || begun.failed) && <Nothing />}
        </>
      ) : (
        <>
          <StartingCard />
          {(all.length > 1 || !chosen) && <Choice all={all} chosen={chosen} />}
          {chosen ? <RunPage key={chosen.name} run={chosen} /> : <p class="form-error">There is no training “{wanted}”: choose one of these.</p>}
          {!all.some((run) => run.state === "running") && (!begun || begun.failed) && <Another />}
        </>
      )}
    </div>
  );
}

function Choice({ all, chosen }: { all: readonly Run[]; chosen: Run | undefined }) {
  return (
    <nav class="run-choice" aria-label="Trainings">
      {all.map((run) => (
        <a
          key={run.name}
          class={`pill${run === chosen ? " active" : ""}`}
          href={formatRoute({ ...HOME, view: "training", run: run.name })}
          aria-current={run === chosen ? "true" : undefined}
          title={STATES[run.state]}
        >
          <i class={`dot ${run.state}`} aria-hidden="true" />
          <span>{run.name}</span>
          <span class="visually-hidden">, {STATES[run.state]}</span>
        </a>
      ))}
    </nav>
  );
}

const FIRST = "dinoscope train ~/Pictures --preset laptop --name mine";

function Nothing() {
  return (
    <section class="card first-training">
      <Icon name="train" size={36} />
      <h2>A model of your own</h2>
      <p>
        Trained on your pictures, without labels, on this machine. A laptop needs about an hour; you watch it here: the
        curves, and what it sees in the same few pictures, from noise to parts.
      </p>
      <BeginForm />
      <div class="command">
        <span class="hint">Or from a terminal</span>
        <code>{FIRST}</code>
        <button type="button" class="button bare" aria-label="Copy the command" title="Copy" onClick={() => void copyText(FIRST, "Command line")}>
          <Icon name="copy" />
        </button>
      </div>
      <p class="hint">
        It needs <code>pip install 'dinoscope[train]'</code>. This page shows it wherever it is begun.
      </p>
    </section>
  );
}

function Another() {
  return (
    <details class="card recipe">
      <summary>
        <h2>New training</h2>
        <span class="hint">another model of your own</span>
      </summary>
      <BeginForm />
    </details>
  );
}
