// Indexing jobs, as the server's event stream tells them.
import { api, followJob } from "../api";
import type { Job } from "../wire";
import { outcome } from "../job-words";
import { forgetFeeds } from "./feeds";
import { say } from "./overlays";
import { noteFailure, refreshAbout } from "./session";
import { createStore } from "./store";

export const jobs = createStore<readonly Job[]>([]);

const following = new Map<string, () => void>();
const POLL_MS = 2000;

function put(job: Job): void {
  const others = jobs.get().filter((one) => one.id !== job.id);
  jobs.set([...others, job].sort((a, b) => (b.started_at ?? "").localeCompare(a.started_at ?? "")));
  if (job.state === "running") follow(job);
}

function follow(job: Job): void {
  if (following.has(job.id)) return;
  const stop = followJob(job.id, {
    progress: (progress) => {
      const now = jobs.get().find((one) => one.id === job.id) ?? job;
      put({ ...now, progress });
      showNewPictures();
    },
    end: finished,
    lost: () => setTimeout(() => void reload(job.id), POLL_MS),
  });
  following.set(job.id, stop);
}

function finished(job: Job): void {
  following.get(job.id)?.();
  following.delete(job.id);
  put(job);
  say(outcome(job), job.state === "failed" ? "bad" : "plain");
  forgetFeeds();
  void refreshAbout();
}

async function reload(id: string): Promise<void> {
  following.delete(id);
  try {
    const job = await api.job(id);
    if (job.state === "running") put(job);
    else finished(job);
  } catch (error) {
    noteFailure(error);
  }
}

// While a first folder is being indexed the page fills up; not so often that it flickers.
const FRESH_MS = 4000;
let shownAt = 0;

function showNewPictures(): void {
  if (Date.now() - shownAt < FRESH_MS) return;
  shownAt = Date.now();
  void refreshAbout();
}

/** Learn which jobs there are and follow those that run. */
export async function loadJobs(): Promise<void> {
  try {
    for (const job of await api.jobs()) put(job);
  } catch (error) {
    noteFailure(error);
  }
}

/** Index folders; the sentence to show when the server will not. */
export async function startIndexing(folders: readonly string[]): Promise<string | null> {
  try {
    put(await api.index(folders));
    return null;
  } catch (error) {
    return noteFailure(error);
  }
}

export async function cancelJob(id: string): Promise<string | null> {
  try {
    await api.cancel(id);
    return null;
  } catch (error) {
    return noteFailure(error);
  }
}

export const runningJob = (list: readonly Job[]): Job | undefined => list.find((job) => job.state === "running");
