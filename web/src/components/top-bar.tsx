import { HOME, formatRoute, routes } from "../route";
import { jobs, runningJob } from "../state/jobs";
import { dialog } from "../state/overlays";
import { density, shape, theme, type Density, type Shape, type Theme } from "../state/preferences";
import { session } from "../state/session";
import { useStore, type Store } from "../state/store";
import { VIEWS } from "../views";
import type { Faces } from "../wire";
import { Icon, Logo } from "./icon";
import { Popover } from "./popover";
import { QueryBar } from "./query-bar";

export function TopBar() {
  return (
    <header class="top">
      <a class="brand" href="/" aria-label="Dinoscope: the whole library">
        <Logo />
        <span>Dinoscope</span>
      </a>
      <QueryBar />
      <nav class="tools" aria-label="Views and settings">
        <ViewLinks />
        <AddPictures />
        <Appearance />
      </nav>
    </header>
  );
}

function ViewLinks() {
  const { view } = useStore(routes);
  const running = runningJob(useStore(jobs));
  const apart = Object.entries(VIEWS).filter(([, view]) => view.apart);
  return (
    <>
      {Object.entries(VIEWS).filter(([, view]) => !view.apart).map(([name, { title, icon }]) => (
        <a
          key={name}
          class="button bare"
          href={formatRoute({ ...HOME, view: name })}
          aria-current={view === name ? "page" : undefined}
          aria-label={title}
          title={title}
        >
          <Icon name={icon} size={20} />
          {name === "activity" && running && <span class="busy-dot" role="img" aria-label="Indexing" />}
        </a>
      ))}
      <div class={apart.some(([name]) => name === view) ? "more-views here" : "more-views"}>
        <Popover label="More views" icon="more" bare align="end">
          {(close) => apart.map(([name, { title, icon }]) => (
            <a
              key={name}
              class="option"
              href={formatRoute({ ...HOME, view: name })}
              aria-current={view === name ? "page" : undefined}
              onClick={close}
            >
              <Icon name={icon} />
              <span>{title}</span>
            </a>
          ))}
        </Popover>
      </div>
    </>
  );
}

function AddPictures() {
  const { about } = useStore(session);
  if (about?.library.read_only) return null;
  return (
    <button type="button" class="button" title="Add pictures to the library (a)" aria-label="Add pictures" onClick={() => dialog.set("folders")}>
      <Icon name="add" />
      <span class="wide-only">Add pictures</span>
    </button>
  );
}

const FACES: Record<Faces, string> = {
  block: "Pictures that look like a human face are kept out.",
  blur: "Human faces are blurred.",
  "drop-patches": "Human faces are hidden from the model.",
  allow: "Human faces are let in like anything else.",
};

function Appearance() {
  const { about } = useStore(session);
  return (
    <Popover label="Appearance and help" icon="sliders" bare align="end">
      {(close) => (
        <div class="settings">
          <Choice<Theme> legend="Theme" store={theme} options={{ system: "System", light: "Light", dark: "Dark" }} />
          <Choice<Density> legend="Pictures" store={density} options={{ small: "Small", medium: "Medium", large: "Large" }} />
          <Choice<Shape> legend="Shape" store={shape} options={{ whole: "Whole", square: "Square" }} />
          <button
            type="button"
            class="option"
            onClick={() => {
              close();
              dialog.set("shortcuts");
            }}
          >
            <span>Keyboard shortcuts</span>
            <kbd>?</kbd>
          </button>
          {about && (
            <p class="hint">
              Dinoscope {about.version} · {about.model.title}, {about.model.precision}. Your pictures stay on this machine.{" "}
              {FACES[about.faces]}
            </p>
          )}
        </div>
      )}
    </Popover>
  );
}

interface ChoiceProps<T extends string> {
  legend: string;
  store: Store<T>;
  options: Record<T, string>;
}

function Choice<T extends string>({ legend, store, options }: ChoiceProps<T>) {
  const chosen = useStore(store);
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      <div>
        {(Object.entries(options) as [T, string][]).map(([value, title]) => (
          <label key={value}>
            <input type="radio" name={legend} value={value} checked={value === chosen} onChange={() => store.set(value)} />
            <span>{title}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
