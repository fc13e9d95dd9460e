// What indexing is doing, what it did, and which files it could not take.
import { useEffect, useState } from "preact/hooks";
import { api } from "../api";
import { Icon } from "../components/icon";
import { JobBar } from "../components/job-progress";
import { bytes, count, fileName, plural } from "../format";
import { outcome } from "../job-words";
import { jobs, runningJob, startIndexing } from "../state/jobs";
import { dialog, say } from "../state/overlays";
import { noteFailure, session } from "../state/session";
import { useStore } from "../state/store";
import type { About, Job, Refusal } from "../wire";

export function Activity() {
  const list = useStore(jobs);
  const { about } = useStore(session);
  const running = runningJob(list);
  const past = list.filter((job) => job.state !== "running");
  return (
    <div class="page">
      <h1>Activity</h1>
      {running && (
        <section class="card" aria-label="Indexing now">
          <h2>Indexing {running.folders.map(fileName).join(", ")}</h2>
          <JobBar job={running} />
        </section>
      )}
      {about && <Folders library={about.library} busy={running !== undefined} />}
      {past.length > 0 && (
        <section class="card">
          <h2>Lately</h2>
          <ul class="rows" role="list">
            {past.map((job) => <PastJob key={job.id} job={job} />)}
          </ul>
        </section>
      )}
      <Refused after={past.length} />
    </div>
  );
}

function Folders({ library, busy }: { library: About["library"]; busy: boolean }) {
  const again = async (folders: readonly string[]) => {
    const refused = await startIndexing(folders);
    if (refused) say(refused, "bad");
  };
  return (
    <section class="card">
      <h2>Library</h2>
      <p class="hint">
        {plural(library.pictures, "picture")}, {bytes(library.bytes)} of index in <code>{library.folder}</code>
      </p>
      <ul class="rows" role="list">
        {library.roots.map((root) => (
          <li key={root}>
            <Icon name="folder" />
            <span class="path" title={root}>{root}</span>
            {!library.read_only && (
              <button type="button" class="button" disabled={busy} onClick={() => void again([root])}>
                <Icon name="refresh" size={16} /> <span>Look for changes</span>
              </button>
            )}
          </li>
        ))}
      </ul>
      {!library.read_only && (
        <button type="button" class="button" onClick={() => dialog.set("folders")}>
          <Icon name="add" /> Add a folder
        </button>
      )}
    </section>
  );
}

function PastJob({ job }: { job: Job }) {
  return (
    <li>
      <Icon name={job.state === "done" ? "check" : job.state === "failed" ? "warning" : "close"} />
      <span>
        <span class="path" title={job.folders.join("\n")}>{job.folders.join(", ")}</span>
        <small>{outcome(job)}</small>
      </span>
    </li>
  );
}

/** The name stands above already: "is not a picture: skip it or convert it". */
const withoutPath = (sentence: string, path: string): string =>
  sentence.startsWith(path) ? sentence.slice(path.length).trim() : sentence;

const SHOWN = 500;

function Refused({ after }: { after: number }) {
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    api.refusals(abort.signal).then(setRefusals, noteFailure);
    return () => abort.abort();
  }, [after]);
  if (refusals.length === 0) return null;
  return (
    <section class="card" id="refused">
      <h2>Files that could not be taken</h2>
      <p class="hint">{plural(refusals.length, "file")}. All others are in the library; these are tried again at the next indexing.</p>
      <ul class="rows refusals" role="list">
        {refusals.slice(0, SHOWN).map(({ path, sentence }) => (
          <li key={path}>
            <Icon name="file" />
            <span>
              <b title={path}>{fileName(path)}</b>
              <small>{withoutPath(sentence, path)}</small>
            </span>
          </li>
        ))}
      </ul>
      {refusals.length > SHOWN && <p class="hint">And {count(refusals.length - SHOWN)} more.</p>}
    </section>
  );
}
