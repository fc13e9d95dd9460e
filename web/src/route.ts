// The address is the state: every search, filter and open picture has a permalink.
import { FILTER_NAMES, NO_FILTERS, type Filters } from "./filters";
import { parseKnobs, putKnobs, turned, type Knobs } from "./knobs";
import { formatMark, KINDS, parseMark, type Edges, type Kind, type Mark } from "./marks";
import { createStore } from "./state/store";

export type Order = "added" | "taken" | "path" | "size";
export const ORDERS: readonly Order[] = ["added", "taken", "path", "size"];

/** A place in a library picture, taken as an example. */
export interface PlaceExample {
  picture: string;
  box: Edges;
}

export interface Route {
  view: string; // first part of the path; "" is the library
  like: readonly string[]; // library ids and uploaded queries
  unlike: readonly string[];
  filters: Filters;
  order: Order;
  descending: boolean;
  picture: number | null; // its details are open
  run: string; // the training looked at; "" is the newest
  models: readonly string[]; // keys of the two models compared; those left out are the server's choice
  around: number | null; // the picture whose neighbours by both models are shown first
  of: string; // the picture a view is about: a library id or an upload; "" for none yet
  there: string; // the second one, where two are matched
  these: readonly string[]; // the pictures whose distances are asked for, or that are looked at beside `of`
  knobs: Knobs; // what else the view is set to
  marks: readonly Mark[]; // the part, in the order it was marked
  more: readonly PlaceExample[]; // more like these places
  less: readonly PlaceExample[];
  also: number; // the say of the whole picture, 0 to 1
}

type Part = Pick<Route, "marks" | "more" | "less" | "also">;
const NO_PART: Part = { marks: [], more: [], less: [], also: 0 };

type Subject = Pick<Route, "of" | "there" | "these" | "knobs"> & Part;
const NO_SUBJECT: Subject = { of: "", there: "", these: [], knobs: {}, ...NO_PART };

/** What an address calls the picture a view is about. */
const NAMED: Record<string, string> = { part: "of", look: "of", robustness: "of", map: "of", objects: "of", remember: "of", match: "here" };
const SEVERAL = ["distances", "look"]; // views of more pictures than two
const MARKED = ["part", "match", "remember"]; // views in which a part is marked

export const HOME: Route = {
  view: "",
  like: [],
  unlike: [],
  filters: NO_FILTERS,
  order: "added",
  descending: true,
  picture: null,
  run: "",
  models: [],
  around: null,
  ...NO_SUBJECT,
};

/** More pictures than this are not compared with each other. */
export const MOST_THESE = 64;

/** More examples than this on one side the server does not take. */
export const MOST_EXAMPLES = 16;

const QUERY = /^(\d+|q_[\w-]+)$/;
const RUN = /^[a-z0-9][\w.-]*$/;

/** Read an address; whatever it gets wrong counts as not said. */
export function parseRoute(path: string, search: string): Route {
  const given = new URLSearchParams(search);
  const queries = (key: string) => [...new Set(given.getAll(key).filter((one) => QUERY.test(one)))];
  const filters = { ...NO_FILTERS };
  for (const name of FILTER_NAMES) filters[name] = given.get(name) ?? "";
  const like = queries("like");
  const order = ORDERS.find((one) => one === given.get("order")) ?? HOME.order;
  const id = (key: string) => (/^\d+$/.test(given.get(key) ?? "") ? Number(given.get(key)) : null);
  const view = path.replace(/^\/+|\/+$/g, "");
  return {
    view,
    like,
    unlike: queries("unlike").filter((one) => !like.includes(one)),
    filters,
    order,
    descending: given.has("descending") ? given.get("descending") !== "false" : order !== "path",
    picture: id("picture"),
    run: RUN.test(given.get("run") ?? "") ? (given.get("run") as string) : "",
    models: given.getAll("model").slice(0, 2),
    around: id("around"),
    ...subjectOf(view, given),
  };
}

const MOST_MARKS = 64; // of a kind, as many as the server takes
const EXAMPLE = /^(\d+):([\d.]+),([\d.]+),([\d.]+),([\d.]+)$/;

function subjectOf(view: string, given: URLSearchParams): Subject {
  const named = (key: string | undefined) => (key && QUERY.test(given.get(key) ?? "") ? (given.get(key) as string) : "");
  const of = named(NAMED[view]);
  const these = SEVERAL.includes(view) ? given.getAll("these").filter((one) => QUERY.test(one)) : [];
  return {
    of,
    there: view === "match" ? named("there") : "",
    these: [...new Set(these)].slice(0, MOST_THESE),
    knobs: parseKnobs(view, given),
    ...(of && MARKED.includes(view) ? partOf(given) : NO_PART),
  };
}

function partOf(given: URLSearchParams): Part {
  const marks = [...given].flatMap(([key, text]) => {
    const kind = KINDS.find((one) => one === key);
    return (kind && parseMark(kind, text)) ?? [];
  });
  const also = Number(given.get("also") ?? 0);
  return {
    marks: marks.slice(0, MOST_MARKS),
    more: examplesOf(given.getAll("more")),
    less: examplesOf(given.getAll("less")),
    also: also > 0 && also <= 1 ? also : 0,
  };
}

function examplesOf(given: readonly string[]): PlaceExample[] {
  return given.slice(0, MOST_EXAMPLES).flatMap((text) => {
    const [, picture, ...numbers] = EXAMPLE.exec(text) ?? [];
    const box = numbers.map(Number) as unknown as Edges;
    return picture && box[0] < box[2] && box[1] < box[3] ? [{ picture, box }] : [];
  });
}

function putSubject(out: URLSearchParams, route: Route): void {
  const { view, of, there, these, knobs } = route;
  const name = NAMED[view];
  if (name && of) out.set(name, of);
  if (view === "match" && there) out.set("there", there);
  if (SEVERAL.includes(view)) for (const one of these) out.append("these", one);
  putKnobs(out, view, knobs);
  if (of && MARKED.includes(view)) putPart(out, route);
}

function putPart(out: URLSearchParams, { marks, more, less, also }: Part): void {
  for (const mark of marks) out.append(mark.kind satisfies Kind, formatMark(mark));
  for (const { picture, box } of more) out.append("more", `${picture}:${box.join(",")}`);
  for (const { picture, box } of less) out.append("less", `${picture}:${box.join(",")}`);
  if (also > 0) out.set("also", String(also));
}

/** The address of a route, without what is said by default. */
export function formatRoute(route: Route): string {
  const out = new URLSearchParams();
  for (const one of route.like) out.append("like", one);
  for (const one of route.unlike) out.append("unlike", one);
  for (const name of FILTER_NAMES) if (route.filters[name]) out.set(name, route.filters[name]);
  if (route.order !== HOME.order) out.set("order", route.order);
  if (route.descending !== (route.order !== "path")) out.set("descending", String(route.descending));
  if (route.picture !== null) out.set("picture", String(route.picture));
  if (route.run && route.view === "training") out.set("run", route.run);
  if (route.view === "compare") {
    for (const one of route.models) out.append("model", one);
    if (route.around !== null) out.set("around", String(route.around));
  }
  putSubject(out, route);
  const text = out.toString().replaceAll("%2C", ",").replaceAll("%3A", ":"); // legible, and as valid
  return `/${route.view}${text && `?${text}`}`;
}

const here = (): Route => parseRoute(location.pathname, location.search);

export const routes = createStore<Route>(here());

interface Remembered {
  scroll?: number;
}

/** Go somewhere; the place scrolled to is kept for the way back. */
export function navigate(change: Partial<Route>, how: "push" | "replace" = "push"): void {
  const next = { ...routes.get(), ...change };
  if (formatRoute(next) === formatRoute(routes.get())) return;
  if (how === "push") {
    rememberScroll();
    history.pushState({} satisfies Remembered, "", formatRoute(next));
  } else {
    history.replaceState(history.state, "", formatRoute(next));
  }
  routes.set(next);
}

export function rememberScroll(): void {
  history.replaceState({ scroll: scrollY } satisfies Remembered, "");
}

/** Where this entry of the history was scrolled to when it was left, in pixels. */
export const rememberedScroll = (): number => (history.state as Remembered | null)?.scroll ?? 0;

/** Follow the browser's Back and Forward. */
export function followHistory(): void {
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => routes.set(here()));
}

export const isSearch = (route: Route): boolean => route.like.length + route.unlike.length > 0;


/** A picture searched alone: what a click on it means. Filters stay. */
export function similarTo(route: Route, query: string): Partial<Route> {
  return { ...route, ...NO_SUBJECT, view: "", like: [query], unlike: [], picture: null };
}

/** With one more picture wanted ("like") or not wanted ("unlike"). */
export function withQuery(route: Route, side: "like" | "unlike", ...queries: string[]): Partial<Route> {
  const others = (list: readonly string[]) => list.filter((one) => !queries.includes(one));
  const other = side === "like" ? "unlike" : "like";
  return { ...NO_SUBJECT, view: "", picture: null, [side]: [...others(route[side]), ...queries].slice(-MOST_EXAMPLES), [other]: others(route[other]) };
}

/** A view about one picture, with nothing left of what was about another. Filters stay. */
export function aboutPicture(route: Route, view: string, query: string): Partial<Route> {
  return { ...HOME, filters: route.filters, view, of: query };
}

/** Where a part of a picture is selected. */
export const selectPart = (route: Route, query: string): Partial<Route> => aboutPicture(route, "part", query);

/** The library again: no search, no picture that a view was about. Filters and order stay. */
export const leaving = (): Partial<Route> => ({ ...NO_SUBJECT, view: "", like: [], unlike: [] });

/** Turn knobs of the view that is shown; an empty value is its default. Many small turns are one step of the history. */
export function turn(change: Record<string, string>, how: "push" | "replace" = "replace"): void {
  navigate({ knobs: turned(routes.get().knobs, change) }, how);
}

const samePlace = (one: PlaceExample) => (other: PlaceExample) =>
  one.picture === other.picture && one.box.join() === other.box.join();

/** With a place as an example on one side, and not on the other. */
export function withPlace(route: Route, side: "more" | "less", place: PlaceExample): Partial<Route> {
  const { more, less } = withoutPlace(route, place);
  return side === "more"
    ? { more: [...more, place].slice(-MOST_EXAMPLES), less, picture: null }
    : { more, less: [...less, place].slice(-MOST_EXAMPLES), picture: null };
}

export function withoutPlace({ more, less }: Route, place: PlaceExample): Pick<Route, "more" | "less"> {
  const same = samePlace(place);
  return { more: more.filter((one) => !same(one)), less: less.filter((one) => !same(one)) };
}

export function withoutQuery(route: Route, query: string): Partial<Route> {
  const others = (list: readonly string[]) => list.filter((one) => one !== query);
  return { like: others(route.like), unlike: others(route.unlike) };
}
