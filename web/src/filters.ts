// What the filter row holds, and how it is said in the server's filter language.

export interface Filters {
  text: string; // part of the path
  kind: string;
  camera: string;
  year: string;
  folder: string;
  from: string; // ISO date, inclusive
  to: string; // ISO date, inclusive
  where: string; // a free expression, joined by "and"
}

export const NO_FILTERS: Filters = {
  text: "",
  kind: "",
  camera: "",
  year: "",
  folder: "",
  from: "",
  to: "",
  where: "",
};

export const FILTER_NAMES = Object.keys(NO_FILTERS) as (keyof Filters)[];

/** Quoted as the filter language wants it, which knows two kinds of quotes and no escapes. */
export function quoted(value: string): string {
  return value.includes('"') ? `'${value.replaceAll("'", "")}'` : `"${value}"`;
}

const CLAUSES: Record<keyof Filters, (value: string) => string> = {
  text: (value) => `path~${quoted(value)}`,
  kind: (value) => `kind=${value}`,
  camera: (value) => `camera=${quoted(value)}`,
  year: (value) => `taken=${value}`,
  folder: (value) => `folder=${quoted(value)}`,
  from: (value) => `taken>=${value}`,
  to: (value) => `taken<=${value}`,
  where: (value) => value,
};

/** The filter expression for the server; "" when nothing is filtered. */
export function expressionOf(filters: Filters): string {
  return FILTER_NAMES.filter((name) => filters[name].trim() !== "")
    .map((name) => CLAUSES[name](filters[name].trim()))
    .join(" and ");
}

export const isFiltered = (filters: Filters): boolean => expressionOf(filters) !== "";
