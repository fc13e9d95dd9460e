// The same search for a terminal, a notebook, another program.
import { isUpload } from "./api";
import { expressionOf } from "./filters";
import type { Route } from "./route";

export interface Asked {
  route: Route;
  paths: ReadonlyMap<string, string>; // query -> path on disk, for library pictures
  origin: string;
}

export const shell = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

export const python = (text: string): string => JSON.stringify(text);

export const nameOf = (asked: Asked, query: string): string =>
  isUpload(query) ? "picture.jpg" : (asked.paths.get(query) ?? query);

export function commandLine(asked: Asked): string {
  const { like, unlike, filters } = asked.route;
  const where = expressionOf(filters);
  const parts = ["dinoscope", "search", ...like.map((query) => shell(nameOf(asked, query)))];
  for (const query of unlike) parts.push("--unlike", shell(nameOf(asked, query)));
  if (where) parts.push("--where", shell(where));
  return parts.join(" ");
}

export function pythonCode(asked: Asked): string {
  const { like, unlike, filters } = asked.route;
  const where = expressionOf(filters);
  const list = (queries: readonly string[]) => queries.map((query) => python(nameOf(asked, query)));
  const given = list(like);
  if (unlike.length) given.push(`unlike=[${list(unlike).join(", ")}]`);
  if (where) given.push(`where=${python(where)}`);
  return [
    "import dinoscope",
    "",
    "with dinoscope.open() as session:",
    `    for hit in session.search(${given.join(", ")}).hits:`,
    "        print(hit.percentile, hit.picture.path)",
  ].join("\n");
}

export function curlLine(asked: Asked): string {
  const { like, unlike, filters } = asked.route;
  const where = expressionOf(filters);
  const fields = [
    ...like.map((query) => ["like", query]),
    ...unlike.map((query) => ["unlike", query]),
    ...(where ? [["where", where]] : []),
  ];
  const data = fields.map(([key, value]) => `--data-urlencode ${shell(`${key}=${value}`)}`);
  return ["curl", "--get", shell(`${asked.origin}/api/v1/search`), ...data].join(" ");
}
