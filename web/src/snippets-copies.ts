// Copies for a terminal, a notebook, another program.
import { shell, type Asked } from "./snippets";

const threshold = ({ route }: Asked): string | undefined => route.knobs["at_least"];

export function copiesCommand(asked: Asked): string {
  const at = threshold(asked);
  return ["dinoscope", "copies", ...(at ? ["--threshold", at] : [])].join(" ");
}

export function copiesPython(asked: Asked): string {
  const at = threshold(asked);
  return [
    "import dinoscope",
    "",
    "with dinoscope.open() as session, session.copies() as copies:",
    "    for step in copies.look():",
    "        print(step.stage, step.done, step.total)",
    `    for group in copies.report(${at ? `at_least=${at}` : ""}).groups:`,
    "        for member in group.members:",
    "            print(member.why, member.picture.path)",
    "        print()",
  ].join("\n");
}

export function copiesCurl(asked: Asked): string {
  const at = threshold(asked);
  return `curl ${shell(`${asked.origin}/api/v1/copies${at ? `?at_least=${at}` : ""}`)}`;
}
