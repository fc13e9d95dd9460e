// The same search for a part, for a terminal, a notebook, another program.
import { regionCall } from "./api";
import { expressionOf } from "./filters";
import { partsOf, type Edges, type Mark, type Point } from "./marks";
import type { PlaceExample } from "./route";
import { nameOf, python, shell, type Asked } from "./snippets";

const numbers = (values: readonly (number | Point)[]): string => values.flat().join(",");

export function partCommand(asked: Asked): string {
  const { of, marks, also, more, less, filters } = asked.route;
  const { boxes = [], polygons = [], points = [], not_points = [], not_polygons = [], erased = [] } = partsOf(marks);
  const where = expressionOf(filters);
  const example = ({ picture, box }: PlaceExample) => `${picture}:${numbers(box)}`;
  const options: [name: string, value: string][] = [
    ...boxes.map((box): [string, string] => ["--box", numbers(box)]),
    ...polygons.map((corners): [string, string] => ["--polygon", numbers(corners)]),
    ...points.map((point): [string, string] => ["--point", numbers(point)]),
    ...not_points.map((point): [string, string] => ["--not-point", numbers(point)]),
    ...not_polygons.map((corners): [string, string] => ["--not-polygon", numbers(corners)]),
    ...erased.map((corners): [string, string] => ["--erase", numbers(corners)]),
    ...(also > 0 ? [["--also", String(also)] as [string, string]] : []),
    ...more.map((place): [string, string] => ["--more", example(place)]),
    ...less.map((place): [string, string] => ["--less", example(place)]),
    ...(where ? [["--where", where] as [string, string]] : []),
  ];
  return ["dinoscope", "search", shell(nameOf(asked, of)), ...options.map(([name, value]) => `${name} ${shell(value)}`)].join(" ");
}

const box = (edges: Edges) => `dinoscope.Box(${edges.join(", ")})`;

/** What is marked, in Python. */
export function selectionOf(marks: readonly Mark[]): string {
  const { boxes = [], polygons = [], points = [], not_points = [], not_polygons = [], erased = [] } = partsOf(marks);
  const point = (at: Point) => `(${at.join(", ")})`;
  const tuple = (items: readonly string[]) => `(${items.join(", ")},)`;
  const outlines = (drawn: readonly Point[][]) => tuple(drawn.map((corners) => tuple(corners.map(point))));
  const parts = [
    boxes.length && `boxes=${tuple(boxes.map(box))}`,
    polygons.length && `polygons=${outlines(polygons)}`,
    points.length && `points=${tuple(points.map(point))}`,
    not_points.length && `not_points=${tuple(not_points.map(point))}`,
    not_polygons.length && `not_polygons=${outlines(not_polygons)}`,
    erased.length && `erased=${outlines(erased)}`,
  ].filter(Boolean);
  return `dinoscope.Selection(${parts.join(", ")})`;
}

export function partPython(asked: Asked): string {
  const { of, marks, also, more, less, filters } = asked.route;
  const where = expressionOf(filters);
  const examples = (places: readonly PlaceExample[]) =>
    `[${places.map(({ picture, box: edges }) => `dinoscope.Example(${picture}, ${box(edges)})`).join(", ")}]`;
  const given = [
    python(nameOf(asked, of)),
    "part",
    also > 0 && `also=${also}`,
    more.length && `more=${examples(more)}`,
    less.length && `less=${examples(less)}`,
    where && `where=${python(where)}`,
  ].filter(Boolean);
  return [
    "import dinoscope",
    "",
    `part = ${selectionOf(marks)}`,
    "with dinoscope.open() as session:",
    `    for hit in session.search_region(${given.join(", ")}).hits:`,
    "        print(hit.score, hit.picture.path, hit.places[0].box)",
  ].join("\n");
}

export function partCurl(asked: Asked): string {
  const { of, marks, also, more, less, filters } = asked.route;
  const where = expressionOf(filters);
  const [path, body] = regionCall({ picture: of, marks: partsOf(marks), also, more, less, where, k: 60, offset: 0, refine: null });
  return ["curl", shell(`${asked.origin}/api/v1${path}`), "--json", shell(JSON.stringify(body))].join(" ");
}
