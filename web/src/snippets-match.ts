// The same match, for a terminal, a notebook, another program.
import { queryString } from "./api";
import { asksSomething, partsOf } from "./marks";
import { selectionOf } from "./snippets-part";
import { nameOf, python, shell, type Asked } from "./snippets";

export function matchCommand(asked: Asked): string {
  const { of, there, knobs, marks } = asked.route;
  const { boxes = [], polygons = [], points = [], not_points = [] } = knobs["show"] === "part" ? partsOf(marks) : {};
  const of_part = (name: string, all: readonly (readonly unknown[])[]) => all.map((one) => `--${name} ${one.flat().join(",")}`);
  const way = { true: "--flip", false: "--no-flip" }[knobs["mirrored"] ?? ""];
  return [
    "dinoscope match",
    shell(nameOf(asked, of)),
    shell(nameOf(asked, there)),
    knobs["show"] === "dense" && "--dense",
    knobs["show"] === "geometry" && "--geometry",
    ...of_part("box", boxes),
    ...of_part("polygon", polygons),
    ...of_part("point", points),
    ...of_part("not-point", not_points),
    way,
    knobs["patches"] && `--patches ${knobs["patches"]}`,
    knobs["links"] && `--links ${knobs["links"]}`,
    "--out match.png",
  ].filter(Boolean).join(" ");
}

export function matchPython(asked: Asked): string {
  const { of, there, knobs, marks } = asked.route;
  const { show = "links", mirrored, patches, links, here_at, there_at } = knobs;
  const given = [
    python(nameOf(asked, of)),
    python(nameOf(asked, there)),
    patches && `patches=${patches}`,
    links && `links=${links}`,
    mirrored && `mirrored=${mirrored === "true" ? "True" : "False"}`,
    show === "geometry" && "geometry=True",
  ];
  const parted = show === "part" && asksSomething(marks);
  const point = (text: string) => `(${text.replace(",", ", ")})`;
  const shown = here_at
    ? `    print(matches.find(${point(here_at)}, k=5))`
    : there_at
      ? `    print(matches.turned.find(${point(there_at)}, k=5))`
      : {
          dense: "    print(matches.places.shape, matches.confidence.shape)",
          geometry: "    print(matches.geometry.sentence)",
          ...(parted && { part: "    print(dinoscope.transfer(matches, part).box)" }),
        }[show] ?? "    for link in matches.links:\n        print(link.here, link.there, link.confidence)";
  return [
    "import dinoscope",
    "",
    ...(parted ? [`part = ${selectionOf(marks)}`] : []),
    "with dinoscope.open() as session:",
    `    matches = session.match(${given.filter(Boolean).join(", ")})`,
    shown,
  ].join("\n");
}

export function matchCurl(asked: Asked): string {
  const { of: here, there, knobs, marks } = asked.route;
  const { show, mirrored, patches, links } = knobs;
  const address = (path: string) => shell(`${asked.origin}/api/v1/match${path}${queryString({ here, there, patches, mirrored, links })}`);
  if (show === "geometry") return ["curl", shell(`${asked.origin}/api/v1/match/geometry${queryString({ here, there })}`)].join(" ");
  if (show === "dense") return ["curl", "-o dense.bin", address("/dense")].join(" ");
  if (show === "part") return ["curl", "-o part.bin", address("/transfer"), "--json", shell(JSON.stringify(partsOf(marks)))].join(" ");
  return ["curl", address("")].join(" ");
}
