// The same look inside, for a terminal, a notebook, another program.
import { queryString } from "./api";
import { nameOf, python, shell, type Asked } from "./snippets";

export function lookCommand(asked: Asked): string {
  const { of, knobs } = asked.route;
  const options = {
    colours: ["--pca", knobs["cut"] && "--cut"],
    attention: ["--attention", knobs["mass"] && `--mass ${knobs["mass"]}`],
    likeness: [knobs["at"] ? `--heat ${knobs["at"]}` : "--pca"],
  }[knobs["show"] ?? "colours"] ?? [];
  const depth = ["layer", "facet", "patches"].map((name) => knobs[name] && `--${name} ${knobs[name]}`);
  return ["dinoscope look", shell(nameOf(asked, of)), ...options, ...depth, "--out look.png"].filter(Boolean).join(" ");
}

export function lookPython(asked: Asked): string {
  const { of, knobs } = asked.route;
  const { layer, facet, patches, at } = knobs;
  const given = [python(nameOf(asked, of)), layer && `layer=${layer}`, facet && `facet=${python(facet)}`, patches && `patches=${patches}`];
  const shown = {
    colours: "look.colours.rgb, look.colours.foreground",
    attention: knobs["mass"] ? `look.attended(${knobs["mass"]})` : "look.attention",
    likeness: at ? `look.likeness((${at.replace(",", ", ")}))` : "look.inside.vectors",
  }[knobs["show"] ?? "colours"];
  return [
    "import dinoscope",
    "",
    "with dinoscope.open() as session:",
    `    look = session.look(${given.filter(Boolean).join(", ")})`,
    `    print(${shown})`,
  ].join("\n");
}

export function lookCurl(asked: Asked): string {
  const { of, knobs } = asked.route;
  const { layer, facet, patches, show = "colours", mass, cut, at } = knobs;
  const [x, y] = show === "likeness" && at ? at.split(",") : [];
  const drawn = show === "attention" ? { mass } : show === "colours" ? { cut } : { x, y, ...(!at && { format: "npz" }) };
  const address = `${asked.origin}/api/v1/look/export${queryString({ picture: of, layer, facet, patches, show, ...drawn })}`;
  return ["curl", "-OJ", shell(address)].join(" ");
}
