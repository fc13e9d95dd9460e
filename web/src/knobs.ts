// What a view is set to beside its pictures: kept in the address, by names that the view knows.
export type Knobs = Readonly<Record<string, string>>;

const COUNT = /^\d{1,4}$/;
const SHARE = /^(0|1|0?\.\d{1,3})$/;
const POINT = /^\d+(\.\d+)?,\d+(\.\d+)?$/; // in the original's pixels
const PAIR = /^(\d+|q_[\w-]+),(\d+|q_[\w-]+)$/;
const EDITS = /^[a-z]+:-?\d*\.?\d+(,[a-z]+:-?\d*\.?\d+){0,19}$/;

const NAME = /^(?=.*\S)[^\p{C}]{1,100}$/u; // of a thing
const SECOND = /^\d{1,6}(\.\d{1,3})?$/; // of a video

// One line a view. A name must not be one that the address has for something else: a filter, an order, a mark.
const TAKEN: Record<string, Record<string, RegExp>> = {
  look: { show: /^(attention|likeness)$/, layer: COUNT, facet: /^(tokens|keys|queries)$/, patches: COUNT, head: COUNT, mass: SHARE, at: POINT, cut: /^true$/ },
  match: { show: /^(dense|part|geometry)$/, there_at: POINT, here_at: POINT, links: COUNT, mirrored: /^(true|false)$/, patches: COUNT },
  distances: { pair: PAIR, why: /^true$/ },
  map: { show: /^dots$/, view: /^[\d.]+,[\d.]+,[\d.]+$/ },
  copies: { at_least: SHARE, set: /^\d+$/, copy: /^\d+$/, show: /^(wipe|differ)$/ },
  objects: { thing: NAME, show: /^(camera|picture)$/, video: /^\d{1,12}$/, t: SECOND },
  remember: { thing: NAME, show: /^camera$/ },
  robustness: { edits: EDITS, seed: COUNT },
};

/** The knobs of a view that an address turns; whatever it does not know, or has another form, is left out. */
export function parseKnobs(view: string, given: URLSearchParams): Knobs {
  const turned = Object.entries(TAKEN[view] ?? {}).flatMap(([name, form]) => {
    const value = given.get(name);
    return value !== null && form.test(value) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(turned);
}

/** In the order the view lists them, so that one setting has one address. */
export function putKnobs(out: URLSearchParams, view: string, knobs: Knobs): void {
  for (const name of Object.keys(TAKEN[view] ?? {})) if (knobs[name]) out.set(name, knobs[name]);
}

/** With some turned; an empty value is the default again. */
export function turned(knobs: Knobs, change: Record<string, string>): Knobs {
  return Object.fromEntries(Object.entries({ ...knobs, ...change }).filter(([, value]) => value !== ""));
}
