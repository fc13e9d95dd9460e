// What a job is doing and did, in a line.
import { count, duration, plural } from "./format";
import type { Job, JobProgress } from "./wire";

export function progressLine(progress: JobProgress): string {
  const { done, found, walking, seconds } = progress;
  const of = walking ? `${count(done)} done, ${count(found)} found so far` : `${count(done)} of ${count(found)}`;
  const rest = walking || done === 0 ? null : (seconds / done) * (found - done);
  return rest !== null && rest > 5 ? `${of} · about ${duration(rest)} left` : of;
}

export function outcome(job: Job): string {
  const { progress } = job;
  const counts: string[] = [];
  if (progress) {
    if (progress.added) counts.push(`${plural(progress.added, "picture")} added`);
    if (progress.known) counts.push(`${count(progress.known)} known already`);
    if (progress.removed) counts.push(`${count(progress.removed)} gone`);
    if (progress.refused) counts.push(`${plural(progress.refused, "file")} refused`);
    if (counts.length === 0) counts.push("nothing new");
    counts.push(`in ${duration(progress.seconds)}`);
  }
  const states = { running: "Running", done: "Done", cancelled: "Cancelled", failed: "Failed" } as const;
  return `${states[job.state]}: ${job.error ?? counts.join(", ")}`;
}
