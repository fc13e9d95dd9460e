// The map for a terminal, a notebook, another program.
import { shell, type Asked } from "./snippets";

export const mapCommand = (): string => "dinoscope map --out map.png";

export const mapPython = (): string =>
  ["import dinoscope", "", "with dinoscope.open() as session:", "    for step in session.map():", "        print(step.stage, step.done, step.total)", "    print(step.map.pictures, step.map.places)"].join("\n");

export const mapCurl = ({ origin }: Asked): string =>
  `curl -X POST ${shell(`${origin}/api/v1/map`)} && curl -o map.bin ${shell(`${origin}/api/v1/map/points`)}`;
