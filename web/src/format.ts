// Numbers and dates as people read them.

export function count(value: number): string {
  return value.toLocaleString("en");
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let unit = -1;
  let rest = value;
  do {
    rest /= 1000;
    unit += 1;
  } while (rest >= 999.5 && unit < units.length - 1);
  return `${rest < 9.95 ? rest.toFixed(1) : rest.toFixed(0)} ${units[unit]}`;
}

export function day(iso: string | null): string {
  const date = iso ? new Date(iso) : null;
  if (!date || Number.isNaN(date.getTime())) return "";
  return date.toLocaleDateString("en-GB", { year: "numeric", month: "long", day: "numeric" });
}

export function duration(seconds: number): string {
  if (seconds < 0.0995) return `${(seconds * 1000).toFixed(seconds < 0.00995 ? 1 : 0)} ms`;
  if (seconds < 59.5) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A second of a video, as players show it: 0:17, 1:02:09; tenths where they are asked for. */
export function clock(second: number, tenths = false): string {
  const whole = Math.floor(second + 1e-6);
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const told = `${hours ? `${hours}:${String(minutes).padStart(2, "0")}` : minutes}:${String(seconds).padStart(2, "0")}`;
  return tenths ? `${told}.${Math.floor((second - whole) * 10 + 1e-6)}` : told;
}

/** A percentile with as many digits as tell it from certainty: 71 %, 99.2 %, 99.97 %. */
export function percent(percentile: number): string {
  if (percentile >= 99.995) return "99.99 %";
  const rest = 100 - percentile;
  const digits = rest >= 10 ? 0 : rest >= 0.1 ? 1 : 2;
  // Rounded down: 99.96 must not become 100.
  const scale = 10 ** digits;
  return `${(Math.floor(percentile * scale + 1e-9) / scale).toFixed(digits)} %`;
}

/** Length of the closeness bar, 0 to 1: each quarter is ten times rarer among random pairs. */
export function closeness(percentile: number): number {
  const rarity = -Math.log10(Math.max(1e-4, 1 - percentile / 100));
  return Math.min(1, Math.max(0.02, rarity / 4));
}

export function megapixels(width: number, height: number): string {
  const value = (width * height) / 1e6;
  return `${value.toFixed(value < 9.95 ? 1 : 0)} MP`;
}

export function fileName(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

export function place(latitude: number, longitude: number): string {
  const part = (value: number, plus: string, minus: string) =>
    `${Math.abs(value).toFixed(4)}° ${value < 0 ? minus : plus}`;
  return `${part(latitude, "N", "S")}, ${part(longitude, "E", "W")}`;
}

/** A sentence of the server's: what it says, and what follows the colon, as a sentence of its own. */
export function parted(sentence: string): [said: string, why: string] {
  const colon = sentence.indexOf(": ");
  if (colon < 0) return [sentence.replace(/\.$/, ""), ""];
  const why = sentence.slice(colon + 2);
  return [sentence.slice(0, colon), why.charAt(0).toUpperCase() + why.slice(1)];
}

/** "Click" for a mouse; where nothing hovers, fingers tap. */
export const press = (): string => (matchMedia("(hover: none)").matches ? "Tap" : "Click");

/** What a server said within a sentence, as one of its own. */
export const asSentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
