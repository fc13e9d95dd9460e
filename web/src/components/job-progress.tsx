import { progressLine } from "../job-words";
import { cancelJob } from "../state/jobs";
import { say } from "../state/overlays";
import type { Job } from "../wire";

/** What a running job has done so far, and the button that ends it. */
export function JobBar({ job }: { job: Job }) {
  const { progress } = job;
  const stop = async () => {
    const refused = await cancelJob(job.id);
    if (refused) say(refused, "bad");
  };
  return (
    <div class="job-bar">
      <div class="job-line">
        <span>{progress ? progressLine(progress) : "Starting…"}</span>
        <button type="button" class="button" onClick={() => void stop()}>Cancel</button>
      </div>
      {progress && !progress.walking ? (
        <progress aria-label="Indexing" max={Math.max(1, progress.found)} value={progress.done} />
      ) : (
        <progress aria-label="Indexing" />
      )}
    </div>
  );
}
