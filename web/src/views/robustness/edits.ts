// What is done to a picture, as the address and the server write it: "brightness:-0.5,blur:0.2".

/** Strengths by kind; what is not done is left out. */
export type Edits = Readonly<Record<string, number>>;

export interface Kind {
  name: string;
  title: string;
  least: number; // strength: -1 where there is another direction, else 0; the most is 1
  switch: boolean; // done or not
  less: string; // what a negative strength does, in a word or two
  more: string;
  amounts: readonly string[]; // in a person's units, of strengths from `least` to 1 in hundredths
}

const FORM = /^([a-z]+):(-?\d*\.?\d+)$/;

export function parseEdits(text: string): Edits {
  const found = text.split(",").flatMap((part) => {
    const [, kind, strength] = FORM.exec(part) ?? [];
    return kind && Number(strength) ? [[kind, Number(strength)] as const] : [];
  });
  return Object.fromEntries(found);
}

/** In the order of the kinds, so that one setting has one address. */
export function writeEdits(edits: Edits, kinds: readonly Kind[]): string {
  const done = kinds.filter(({ name }) => edits[name]);
  return done.map(({ name }) => `${name}:${+(edits[name] as number).toFixed(4)}`).join(",");
}

/** With one set anew; 0 undoes it. */
export function withEdit(edits: Edits, kind: string, strength: number): Edits {
  const { [kind]: _, ...others } = edits;
  return strength ? { ...others, [kind]: strength } : others;
}

/** Only those that the server knows, no stronger than it takes. */
export function known(edits: Edits, kinds: readonly Kind[]): Edits {
  const taken = kinds.flatMap(({ name, least }) => (edits[name] ? [[name, Math.min(1, Math.max(least, edits[name]))] as const] : []));
  return Object.fromEntries(taken);
}

export function amountOf(kind: Kind, strength: number): string {
  return kind.amounts[Math.round((strength - kind.least) * 100)] ?? "";
}

const GROUPS: readonly [string, readonly string[]][] = [
  ["Light and colour", ["brightness", "contrast", "saturation", "hue", "grey"]],
  ["Sharpness", ["blur", "noise", "jpeg"]],
  ["Shape", ["crop", "rotation", "perspective", "occlusion", "mirror"]],
];

/** As a person looks for them; kinds that a newer server has come last. */
export function grouped(kinds: readonly Kind[]): [string, Kind[]][] {
  const named = GROUPS.map(([title, names]): [string, Kind[]] => [title, names.flatMap((name) => kinds.find((kind) => kind.name === name) ?? [])]);
  const rest = kinds.filter(({ name }) => !GROUPS.some(([, names]) => names.includes(name)));
  return [...named, ["More", rest] as [string, Kind[]]].filter(([, group]) => group.length > 0);
}
