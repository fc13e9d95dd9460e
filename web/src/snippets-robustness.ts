// The same edits for a terminal, a notebook, another program.
import { queryString } from "./api";
import { nameOf, python, shell, type Asked } from "./snippets";

export function robustnessCommand(asked: Asked): string {
  const { of, knobs } = asked.route;
  const edits = knobs["edits"] && `--edits ${knobs["edits"]}`;
  const seed = knobs["seed"] && `--seed ${knobs["seed"]}`;
  return ["dinoscope robustness", shell(nameOf(asked, of)), edits, seed].filter(Boolean).join(" ");
}

export function robustnessPython(asked: Asked): string {
  const { of, knobs } = asked.route;
  const given = [python(nameOf(asked, of)), knobs["seed"] && `seed=${knobs["seed"]}`];
  return [
    "import dinoscope",
    "",
    "with dinoscope.open() as session:",
    `    lab = session.lab(${given.filter(Boolean).join(", ")})`,
    `    print(lab.trial(${python(knobs["edits"] ?? "")}).sentence)`,
  ].join("\n");
}

export function robustnessCurl(asked: Asked): string {
  const { of, knobs } = asked.route;
  return ["curl", shell(`${asked.origin}/api/v1/robustness${queryString({ of, edits: knobs["edits"], seed: knobs["seed"] })}`)].join(" ");
}
