// A feed is a long list of pictures that arrives page by page: the library, or a search's answer.
import { api } from "../api";
import { expressionOf } from "../filters";
import { isSearch, type Route } from "../route";
import type { Answer, Hit, Picture } from "../wire";
import { noteFailure } from "./session";
import { createStore, type Store } from "./store";

export interface Feed {
  hits: readonly Hit[]; // a listing's pictures too, with NaN for a score
  total: number; // how many there will be, as far as is known
  complete: boolean;
  loading: boolean;
  error: string | null;
  answer: Answer | null; // of the first page of a search
  note: string | null; // of any page: what is missing
}

const NOTHING: Feed = { hits: [], total: 0, complete: false, loading: false, error: null, answer: null, note: null };

interface FetchedPage {
  hits: Hit[];
  total: number;
  next: string | number | null;
  answer: Answer | null;
  note: string | null;
}

type Fetch = (at: string | number | null, limit: number, signal: AbortSignal) => Promise<FetchedPage>;

const FIRST_PAGE = 120; // a screenful or two, soon
const LATER_PAGE = 400;
const FAR_PAGE = 1000; // the server's most: fewer round trips when somebody drags the scroll bar
const SEARCH_PAGE = 60;
const LAST_OFFSET = 9500; // the server ranks no further

/** Pulls pages, one at a time, as far as somebody has scrolled. */
export class Loader {
  readonly store: Store<Feed> = createStore(NOTHING);
  private next: string | number | null = null;
  private wanted = 0;
  private running = false;
  private readonly abort = new AbortController();

  constructor(private readonly fetch: Fetch) {}

  /** Make sure that the first `count` pictures are there, or on their way. */
  want(count: number): void {
    this.wanted = Math.max(this.wanted, count);
    if (!this.running && !this.store.get().error) void this.run();
  }

  retry(): void {
    this.store.update({ error: null });
    this.want(1);
  }

  stop(): void {
    this.abort.abort();
  }

  private get hungry(): boolean {
    const feed = this.store.get();
    return !feed.complete && feed.hits.length < this.wanted && !this.abort.signal.aborted;
  }

  private async run(): Promise<void> {
    this.running = true;
    try {
      while (this.hungry) await this.pull();
    } catch (error) {
      const sentence = noteFailure(error);
      if (sentence) this.store.update({ error: sentence, loading: false });
    } finally {
      this.running = false;
    }
  }

  private async pull(): Promise<void> {
    this.store.update({ loading: true });
    const before = this.store.get().hits;
    const missing = this.wanted - before.length;
    const limit = before.length === 0 ? FIRST_PAGE : missing > FAR_PAGE ? FAR_PAGE : LATER_PAGE;
    const page = await this.fetch(this.next, limit, this.abort.signal);
    this.next = page.next;
    const hits = before.concat(page.hits);
    const complete = page.next === null || page.hits.length === 0;
    this.store.set({
      hits,
      total: complete ? hits.length : Math.max(page.total, hits.length),
      complete,
      loading: false,
      error: null,
      answer: this.store.get().answer ?? page.answer,
      note: this.store.get().note ?? page.note,
    });
  }
}

const bare = (picture: Picture): Hit => ({ picture, score: NaN, percentile: NaN, copies: [] });

function listing(route: Route): Fetch {
  const { order, descending } = route;
  const where = expressionOf(route.filters);
  return async (after, limit, signal) => {
    const page = await api.pictures({ where, order, descending, after: after as string | null, limit }, signal);
    return { hits: page.pictures.map(bare), total: page.total, next: page.next, answer: null, note: page.note };
  };
}

function searching(route: Route): Fetch {
  const { like, unlike } = route;
  const where = expressionOf(route.filters);
  return async (at, _limit, signal) => {
    const offset = (at as number | null) ?? 0;
    const answer = await api.search({ like, unlike, where, k: SEARCH_PAGE, offset }, signal);
    const next = (answer.next_offset ?? Infinity) <= LAST_OFFSET ? answer.next_offset : null;
    const total = next === null ? offset + answer.hits.length : next + SEARCH_PAGE;
    return { hits: answer.hits, total, next, answer, note: answer.note };
  };
}

/** Two routes of one key show the same list. */
export function feedKey(route: Route): string {
  const where = expressionOf(route.filters);
  return isSearch(route)
    ? JSON.stringify([route.like, route.unlike, where])
    : JSON.stringify([route.order, route.descending, where]);
}

const KEPT = 12; // lists a Back returns to without asking the server
const kept = new Map<string, Loader>();

export const feedsVersion = createStore(0);

/** The list a route shows; the same one again when it was shown lately. */
export function feedOf(route: Route): Loader {
  const key = feedKey(route);
  const loader = kept.get(key) ?? new Loader(isSearch(route) ? searching(route) : listing(route));
  kept.delete(key);
  kept.set(key, loader);
  for (const [old, stale] of kept) {
    if (kept.size <= KEPT) break;
    stale.stop();
    kept.delete(old);
  }
  return loader;
}

/** The library changed: every list is asked for again. */
export function forgetFeeds(): void {
  for (const loader of kept.values()) loader.stop();
  kept.clear();
  feedsVersion.set(feedsVersion.get() + 1);
}

/** The server is there again: what failed is asked for once more. */
export function healFeeds(): void {
  for (const loader of kept.values()) if (loader.store.get().error) loader.retry();
}
