// A training in words: how it stands, how long it still takes, which commands go on with it.
import { count, duration, plural } from "../../format";
import { shell } from "../../snippets";
import type { Measure, Run, RunState } from "../../wire";

export const STATES: Record<RunState, string> = {
  new: "Getting ready",
  running: "Training",
  stopped: "Stopped",
  finished: "Finished",
  failed: "Failed",
};

/** Seconds to the end at the pace of the last tenth; null before there is a pace. */
export function left(measures: readonly Measure[], steps: number): number | null {
  const last = measures.at(-1);
  const before = measures[Math.floor((measures.length - 1) * 0.9)];
  if (!last || !before || last.step <= before.step) return null;
  return ((last.seconds - before.seconds) / (last.step - before.step)) * (steps - last.step);
}

/** "1,204 of 3,000 steps", "48.2 pictures/s", "waiting 3 % for pictures", "about 41 min left". */
export function standing(run: Run, measures: readonly Measure[]): string[] {
  const last = measures.at(-1) ?? run.last;
  const words = [`${count(Math.max(last?.step ?? 0, run.step))} of ${plural(run.steps, "step")}`];
  if (!last) return words;
  words.push(`${duration(last.seconds)} of training`);
  if (run.state === "running") {
    if (last.pictures_per_second !== null) words.push(`${last.pictures_per_second.toFixed(1)} pictures/s`);
    if (last.waited !== null) words.push(`${(100 * last.waited).toFixed(0)} % of it waiting for pictures`);
    const rest = left(measures, run.steps);
    if (rest !== null) words.push(`about ${duration(rest)} left`);
  }
  if (last.skipped > 0) words.push(`${plural(last.skipped, "step")} skipped: the loss was not finite`);
  return words;
}

/** The command line that trains the same. */
export function trainLine(run: Run): string {
  const parts = ["dinoscope", "train", ...run.sources.map(shell)];
  if (run.preset) parts.push("--preset", run.preset);
  parts.push("--name", run.name);
  // --minutes measures anew wherever it runs: the same training has the same steps
  for (const [key, value] of Object.entries({ steps: String(run.steps), ...run.overrides })) {
    parts.push(...(OPTIONS.has(key) ? [`--${key}`, shell(value)] : ["--set", shell(`${key}=${value}`)]));
  }
  return parts.join(" ");
}

const OPTIONS = new Set(["steps", "batch", "seed", "start", "precision"]); // fields with an option of their own

/** What to do next, and the command that does it. */
export function nextLine(run: Run): { does: string; line: string } {
  if (run.model) return { does: "Search with it", line: `dinoscope index ${run.sources.map(shell).join(" ") || "FOLDER"} --model ${run.model}` };
  if (run.state === "stopped" || run.state === "failed") return { does: "Go on from the last checkpoint", line: `dinoscope train --resume ${run.name}` };
  return { does: "The same from a terminal", line: trainLine(run) };
}

/** The first of mine, mine-2, … that no run has. */
export function freeName(taken: readonly string[]): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? "mine" : `mine-${count}`;
    if (!taken.includes(name)) return name;
  }
}

export interface Field {
  name: string; // dotted, as --set takes it
  value: string;
}

/** Every field of a recipe, as --set takes it. */
export function fieldsOf(recipe: Record<string, unknown>, above = ""): Field[] {
  return Object.entries(recipe).flatMap(([key, value]): Field[] => {
    const name = above + key;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return fieldsOf(value as Record<string, unknown>, `${name}.`);
    return [{ name, value: Array.isArray(value) ? value.join(", ") : String(value) }];
  });
}

export const KINDS = ["picture", "attention", "pca"] as const;
export type Kind = (typeof KINDS)[number];

/** Step -> sample -> its files; steps ascend. */
export type Shots = Map<number, Map<number, Partial<Record<Kind, string>>>>;

/** The samples of a run by step and picture. */
export function shotsOf(files: readonly string[]): Shots {
  const shots: Shots = new Map();
  for (const file of files) {
    const [, step, one, kind] = /^(\d+)-(\d+)-(attention|pca)\.png$/.exec(file) ?? [];
    if (!kind) continue;
    const shot = shots.get(Number(step)) ?? new Map();
    shots.set(Number(step), shot.set(Number(one), { picture: `${one}-picture.png`, ...shot.get(Number(one)), [kind]: file }));
  }
  return new Map([...shots].sort(([a], [b]) => a - b));
}
