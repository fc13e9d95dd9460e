// One training: how it stands, what it measured, what it sees, and the numbers it was made with.
import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../../api";
import { Icon } from "../../components/icon";
import { copyText } from "../../components/copy-menu";
import { day, parted, plural } from "../../format";
import { say } from "../../state/overlays";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { seen, watchRun } from "../../state/training";
import type { Measure, Run } from "../../wire";
import { Chart } from "./chart";
import { MAIN, MORE } from "./panels";
import { Samples } from "./samples";
import { nearest } from "./scale";
import { Scrubber } from "./scrubber";
import { fieldsOf, nextLine, standing, STATES, trainLine } from "./words";

export function RunPage({ run }: { run: Run }) {
  const { measures, loaded, name } = useStore(seen);
  const [cursor, setCursor] = useState<number | null>(null); // a step; null: the newest
  useEffect(() => watchRun(run), [run.name, run.state === "running", run.started_at]);

  const mine = name === run.name ? measures : [];
  const steps = useMemo(() => mine.map((one) => one.step), [mine]);
  const last = mine.length - 1;
  const at = cursor === null ? last : Math.min(last, nearest(steps, cursor));
  const move = (to: number | null) => setCursor(to === null ? null : (steps[to] ?? null));
  return (
    <>
      <Standing run={run} measures={mine} />
      {loaded && mine.length === 0 && <p class="hint">Nothing is measured yet: the first curve begins after a few steps.</p>}
      {mine.length > 0 && (
        <>
          <section class="charts" aria-label="What it measured">
            {MAIN.map((panel) => <Chart key={panel.title} panel={panel} measures={mine} at={at} onPoint={move} />)}
          </section>
          <Samples run={run} step={mine[at]?.step ?? 0} />
          <section class="charts many" aria-label="More it measured">
            {MORE.map((panel) => <Chart key={panel.title} panel={panel} measures={mine} at={at} small onPoint={move} />)}
          </section>
        </>
      )}
      <Recipe run={run} />
      <Scrubber measures={mine} at={at} live={cursor === null} onMove={move} />
    </>
  );
}

function Standing({ run, measures }: { run: Run; measures: readonly Measure[] }) {
  const last = measures.at(-1) ?? run.last;
  const next = nextLine(run);
  return (
    <section class="card standing" aria-label="How it stands">
      <header>
        <h2>{run.name}</h2>
        <span class={`state ${run.state}`}>{STATES[run.state]}</span>
        {run.state === "running" && <StopButton run={run} />}
        <p class="hint">
          {plural(run.pictures, "picture")} from <span class="path">{run.sources.join(", ")}</span>
          {run.preset && `, preset ${run.preset}`}, begun {day(run.started_at)}
        </p>
      </header>
      <progress aria-label="Training" max={Math.max(1, run.steps)} value={Math.max(last?.step ?? 0, run.step)} />
      <ul class="standing-words" role="list">
        {standing(run, measures).map((words) => <li key={words}>{words}</li>)}
      </ul>
      {run.reason && <Alarm sentence={run.reason} bad={run.state === "failed"} />}
      {last?.alarm && <Alarm sentence={last.alarm} bad />}
      <Command does={next.does} line={next.line} />
    </section>
  );
}

function StopButton({ run }: { run: Run }) {
  const [asked, setAsked] = useState(false);
  const stop = async () => {
    setAsked(true);
    try {
      await api.stopRun(run.name);
      say("It stops after a checkpoint, and can be resumed.");
    } catch (error) {
      setAsked(false);
      say(noteFailure(error) ?? "", "bad");
    }
  };
  return (
    <button type="button" class="button" disabled={asked} onClick={() => void stop()}>
      {asked ? "Stopping…" : "Stop"}
    </button>
  );
}

function Alarm({ sentence, bad }: { sentence: string; bad: boolean }) {
  const [said, now] = parted(sentence);
  return (
    <div class={`alarm${bad ? " bad" : ""}`} role={bad ? "alert" : undefined}>
      <Icon name={bad ? "warning" : "info"} />
      <p>
        <b>{said.charAt(0).toUpperCase() + said.slice(1)}.</b> {now && `${now.replace(/\.$/, "")}.`}
      </p>
    </div>
  );
}

function Command({ does, line }: { does: string; line: string }) {
  return (
    <div class="command">
      <span class="hint">{does}</span>
      <code>{line}</code>
      <button type="button" class="button bare" aria-label={`Copy: ${does}`} title="Copy" onClick={() => void copyText(line, "Command line")}>
        <Icon name="copy" />
      </button>
    </div>
  );
}

function Recipe({ run }: { run: Run }) {
  return (
    <details class="card recipe">
      <summary>
        <h2>Recipe</h2>
        <span class="hint">every number it was made with</span>
      </summary>
      <Command does="The same from a terminal" line={trainLine(run)} />
      <dl>
        {fieldsOf(run.recipe).map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value || "–"}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
