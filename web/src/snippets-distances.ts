// Distances for a terminal, a notebook, another program.
import { nameOf, python, shell, type Asked } from "./snippets";

export function distancesCommand(asked: Asked): string {
  const { these, knobs } = asked.route;
  const why = these.length === 2 && knobs["why"] ? ["--why", "why.png"] : [];
  return ["dinoscope", "distances", ...these.map((query) => shell(nameOf(asked, query))), ...why].join(" ");
}

export function distancesPython(asked: Asked): string {
  const { these } = asked.route;
  const names = these.map((query) => python(nameOf(asked, query)));
  const say = these.length === 2 ? "    print(found.between(0, 1).sentence)" : "    print(found.percentiles)";
  return ["import dinoscope", "", "with dinoscope.open() as session:", `    found = session.distances(${names.join(", ")})`, say].join("\n");
}

export function distancesCurl({ route, origin }: Asked): string {
  const data = route.these.map((query) => `--data-urlencode ${shell(`picture=${query}`)}`);
  return ["curl", "--get", shell(`${origin}/api/v1/distances`), ...data].join(" ");
}
