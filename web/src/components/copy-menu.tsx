import { api, isUpload } from "../api";
import { routes, type Route } from "../route";
import { commandLine, curlLine, pythonCode, type Asked } from "../snippets";
import { copiesCommand, copiesCurl, copiesPython } from "../snippets-copies";
import { distancesCommand, distancesCurl, distancesPython } from "../snippets-distances";
import { robustnessCommand, robustnessCurl, robustnessPython } from "../snippets-robustness";
import { lookCommand, lookCurl, lookPython } from "../snippets-look";
import { mapCommand, mapCurl, mapPython } from "../snippets-map";
import { matchCommand, matchCurl, matchPython } from "../snippets-match";
import { objectsCommand, objectsCurl, objectsPython } from "../snippets-objects";
import { partCommand, partCurl, partPython } from "../snippets-part";
import { say } from "../state/overlays";
import { Icon, type IconName } from "./icon";
import { Popover } from "./popover";

const FORMS: readonly [icon: IconName, title: string, make: (asked: Asked) => string][] = [
  ["link", "Link", () => location.href],
  ["terminal", "Command line", commandLine],
  ["file", "Python", pythonCode],
  ["pulse", "HTTP (curl)", curlLine],
];

const FORMS_OF: Record<string, typeof FORMS> = {
  copies: [
    ["link", "Link", () => location.href],
    ["terminal", "Command line", copiesCommand],
    ["file", "Python", copiesPython],
    ["pulse", "HTTP (curl)", copiesCurl],
  ],
  distances: [
    ["link", "Link", () => location.href],
    ["terminal", "Command line", distancesCommand],
    ["file", "Python", distancesPython],
    ["pulse", "HTTP (curl)", distancesCurl],
  ],
  match: [
    ["link", "Link", () => location.href],
    ["terminal", "Command line", matchCommand],
    ["file", "Python", matchPython],
    ["pulse", "HTTP (curl)", matchCurl],
  ],
  map: [
    ["link", "Link", () => location.href],
    ["terminal", "Command line", mapCommand],
    ["file", "Python", mapPython],
    ["pulse", "HTTP (curl)", mapCurl],
  ],
  look: [
    ["link", "Link", () => location.href],
    ["terminal", "Command line", lookCommand],
    ["file", "Python", lookPython],
    ["pulse", "HTTP (curl)", lookCurl],
  ],
  objects: [
    ["link", "Link", () => location.href],
    ["terminal", "Command line", objectsCommand],
    ["file", "Python", objectsPython],
    ["pulse", "HTTP (curl)", objectsCurl],
  ],
  robustness: [
    ["link", "Link", () => location.href],
    ["terminal", "Command line", robustnessCommand],
    ["file", "Python", robustnessPython],
    ["pulse", "HTTP (curl)", robustnessCurl],
  ],
  part: [
    ["link", "Link", () => location.href],
    ["terminal", "Command line", partCommand],
    ["file", "Python", partPython],
    ["pulse", "HTTP (curl)", partCurl],
  ],
};

/** The same search, to take elsewhere. */
export function CopyMenu() {
  const take = async (title: string, make: (asked: Asked) => string) => {
    const route = routes.get();
    await copyText(make({ route, paths: await pathsOf(route), origin: location.origin }), title);
  };
  return (
    <Popover label="Copy as" icon="copy" align="end">
      {(close) =>
        (FORMS_OF[routes.get().view] ?? FORMS).map(([icon, title, make]) => (
          <button key={title} type="button" class="option" onClick={() => (close(), void take(title, make))}>
            <Icon name={icon} size={16} />
            <span>{title}</span>
          </button>
        ))
      }
    </Popover>
  );
}

async function pathsOf(route: Route): Promise<Map<string, string>> {
  const ids = [...route.like, ...route.unlike, ...route.these, route.of, route.there].filter((query) => query !== "" && !isUpload(query));
  const found = await Promise.allSettled(ids.map((id) => api.picture(Number(id))));
  const paths = new Map<string, string>();
  for (const one of found) if (one.status === "fulfilled") paths.set(String(one.value.id), one.value.path);
  return paths;
}

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied.`);
  } catch {
    say(text); // no clipboard (plain http, or refused): show it, so that it can be copied by hand
  }
}
