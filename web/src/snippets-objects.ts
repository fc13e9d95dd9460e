// Where a thing is, for a terminal, a notebook, another program.
import { expressionOf } from "./filters";
import { nameOf, python, shell, type Asked } from "./snippets";

const thingOf = ({ route }: Asked): string => route.knobs["thing"] ?? "";

const pictureOf = (asked: Asked): string => (asked.route.of ? nameOf(asked, asked.route.of) : "");

export function objectsCommand(asked: Asked): string {
  const [thing, picture, where] = [thingOf(asked), pictureOf(asked), expressionOf(asked.route.filters)];
  if (!thing) return "dinoscope objects";
  return ["dinoscope", "where", shell(thing), ...(picture ? [shell(picture)] : where ? ["--where", shell(where)] : [])].join(" ");
}

export function objectsPython(asked: Asked): string {
  const [thing, picture, where] = [thingOf(asked), pictureOf(asked), expressionOf(asked.route.filters)];
  const told = !thing
    ? ["    for thing in session.objects.all():", "        print(thing.name, len(thing.views))"]
    : picture
      ? [`    for sighting in session.objects.where(${python(thing)}, ${python(picture)}):`, "        print(sighting.probability, sighting.box)"]
      : [
          `    answer = session.objects.where_in_library(${[python(thing), ...(where ? [`where=${python(where)}`] : [])].join(", ")})`,
          "    print(answer.sentence)",
          "    for found in answer.found:",
          "        print(found.picture.path, found.sightings[0].box)",
        ];
  return ["import dinoscope", "", "with dinoscope.open() as session:", ...told].join("\n");
}

export function objectsCurl(asked: Asked): string {
  const [thing, where] = [thingOf(asked), expressionOf(asked.route.filters)];
  if (!thing) return `curl ${shell(`${asked.origin}/api/v1/objects`)}`;
  const { of } = asked.route;
  const query = !of && where ? `?where=${encodeURIComponent(where)}` : "";
  const body = JSON.stringify({ name: thing, ...(of && { picture: of }) });
  return ["curl", shell(`${asked.origin}/api/v1/objects/where${query}`), "--json", shell(body)].join(" ");
}
