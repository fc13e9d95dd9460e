// One row that narrows the library and every search in it.
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { expressionOf, isFiltered, NO_FILTERS, type Filters } from "../filters";
import { asSentence, count, fileName } from "../format";
import { navigate, routes } from "../route";
import { feedsVersion } from "../state/feeds";
import { noteFailure } from "../state/session";
import { useStore } from "../state/store";
import type { Facets, FacetValue } from "../wire";
import { Icon, type IconName } from "./icon";
import { Popover } from "./popover";

export const FILTER_FIELD = "filter-field"; // "/" puts the cursor here

const set = (change: Partial<Filters>, how: "push" | "replace" = "push") =>
  navigate({ filters: { ...routes.get().filters, ...change } }, how);

export function FilterBar() {
  const { filters } = useStore(routes);
  const facets = useFacets(expressionOf(filters));
  const note = facets?.note;
  return (
    <div class="filters" role="group" aria-label="Filters">
      <NameField value={filters.text} />
      <Facet name="kind" label="Kind" icon="file" values={facets?.kinds} chosen={filters.kind} note={note} show={(kind) => kind.toUpperCase()} />
      <Facet name="year" label="Year" icon="calendar" values={facets?.years} note={note} chosen={filters.year} />
      <Facet name="camera" label="Camera" icon="camera" values={facets?.cameras} note={note} chosen={filters.camera} />
      <Facet name="folder" label="Folder" icon="folder" values={facets?.folders} note={note} chosen={filters.folder} show={fileName} />
      <Dates from={filters.from} to={filters.to} />
      <Expression value={filters.where} />
      {isFiltered(filters) && (
        <button type="button" class="pill quiet" onClick={() => set(NO_FILTERS)}>
          <Icon name="close" size={14} />
          Clear filters
        </button>
      )}
    </div>
  );
}

function useFacets(where: string): Facets | null {
  const [facets, setFacets] = useState<Facets | null>(null);
  const version = useStore(feedsVersion);
  useEffect(() => {
    const abort = new AbortController();
    api.facets(where, abort.signal).then(setFacets, noteFailure);
    return () => abort.abort();
  }, [where, version]);
  return facets;
}

const TYPING_MS = 250;

function NameField({ value }: { value: string }) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setText(value), [value]);
  const typed = (next: string) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set({ text: next }, value ? "replace" : "push"), TYPING_MS);
  };
  return (
    <label class={`name-field${value ? " active" : ""}`}>
      <Icon name="filter" size={16} />
      <span class="visually-hidden">Filter by name or path</span>
      <input
        id={FILTER_FIELD}
        type="search"
        placeholder="Name or path"
        value={text}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => typed(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (text) typed("");
          else event.currentTarget.blur();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

interface FacetProps {
  name: "kind" | "year" | "camera" | "folder";
  label: string;
  icon: IconName;
  values: readonly FacetValue[] | undefined;
  note: string | null | undefined; // what the counts lack
  chosen: string;
  show?: (value: string) => string;
}

const MANY = 12; // more values than this come with a field to narrow them
const SHOWN = 200;

function Facet({ name, label, icon, values, note, chosen, show = (value) => value }: FacetProps) {
  const [part, setPart] = useState("");
  if (!chosen && !values?.length) return null; // nothing to choose from: no button that leads nowhere
  const shown = (values ?? []).filter(({ value }) => value.toLowerCase().includes(part.toLowerCase()));
  return (
    <Popover label={chosen ? show(chosen) : label} icon={icon} active={chosen !== ""} onOpen={() => setPart("")}>
      {(close) => (
        <div class="facet">
          {(values?.length ?? 0) > MANY && (
            <input
              type="search"
              class="field"
              aria-label={`Narrow: ${label}`}
              placeholder={`${label}…`}
              value={part}
              onInput={(event) => setPart(event.currentTarget.value)}
            />
          )}
          {chosen && (
            <Option on onPick={() => (set({ [name]: "" }), close())}>
              <span>Any {label.toLowerCase()}</span>
            </Option>
          )}
          {shown.slice(0, SHOWN).map(({ value, count: pictures }) => (
            <Option key={value} on={value === chosen} title={value} onPick={() => (set({ [name]: value }), close())}>
              <span>{show(value)}</span>
              <small>{count(pictures)}</small>
            </Option>
          ))}
          {note && <p class="hint">{asSentence(note)}</p>}
        </div>
      )}
    </Popover>
  );
}

interface OptionProps {
  on: boolean;
  title?: string;
  onPick: () => void;
  children: preact.ComponentChildren;
}

function Option({ on, title, onPick, children }: OptionProps) {
  return (
    <button type="button" class="option" aria-pressed={on} title={title} onClick={onPick}>
      {children}
    </button>
  );
}

function Dates({ from, to }: { from: string; to: string }) {
  const label = from || to ? `${from || "…"} – ${to || "…"}` : "Dates";
  return (
    <Popover label={label} icon="calendar" active={Boolean(from || to)}>
      {(close) => (
        <form
          class="panel-form"
          onSubmit={(event) => {
            event.preventDefault();
            const form = new FormData(event.currentTarget);
            set({ from: String(form.get("from")), to: String(form.get("to")) });
            close();
          }}
        >
          <label>
            Taken from <input class="field" type="date" name="from" value={from} />
          </label>
          <label>
            until <input class="field" type="date" name="to" value={to} />
          </label>
          <button type="submit" class="button primary">Show these</button>
        </form>
      )}
    </Popover>
  );
}

function Expression({ value }: { value: string }) {
  return (
    <Popover label={value || "Expression"} icon="terminal" active={value !== ""}>
      {(close) => (
        <form
          class="panel-form wide"
          onSubmit={(event) => {
            event.preventDefault();
            set({ where: String(new FormData(event.currentTarget).get("where")).trim() });
            close();
          }}
        >
          <label>
            Filter expression
            <input class="field code" name="where" value={value} placeholder="width>=2000 and taken>=2021" spellcheck={false} />
          </label>
          <p class="hint">
            Fields such as <code>width</code>, <code>height</code>, <code>bytes</code>, <code>taken</code>,{" "}
            <code>camera</code>, <code>lens</code>, <code>path</code>; <code>=</code> <code>!=</code> <code>&lt;</code>{" "}
            <code>&gt;</code> <code>~</code> (contains), joined by <code>and</code>. Also <code>has:place</code> and{" "}
            <code>near(48.85, 2.35, 10)</code>, in kilometres.
          </p>
          <button type="submit" class="button primary">Show these</button>
        </form>
      )}
    </Popover>
  );
}
