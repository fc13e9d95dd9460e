// Rows of pictures that fill the width exactly, each picture whole ("justified"), or of equal squares.
// Rows only depend on the pictures before them, so a library can be laid out while it is still arriving.

export interface Cell {
  index: number; // in the list of pictures
  x: number; // px from the left
  width: number;
}

export interface Row {
  top: number; // px
  height: number;
  cells: Cell[];
}

export interface Layout {
  rows: Row[];
  height: number; // of the rows, with the gap after the last one
  count: number; // pictures laid out
}

export interface Measures {
  width: number; // px to fill
  target: number; // wished row height, px
  gap: number; // px between pictures
  caption: number; // px below each picture
  square: boolean;
}

export const EMPTY: Layout = { rows: [], height: 0, count: 0 };

// A panorama or a scroll still gets a tile one can see and hit.
const clampAspect = (aspect: number): number => Math.min(3.5, Math.max(0.4, aspect || 1));

/** Lay out pictures of the given aspects (width / height), going on from `before` where it can. */
export function layOut(aspects: readonly number[], measures: Measures, before: Layout = EMPTY): Layout {
  // The last row may have been left unfilled for want of pictures: it is made again.
  const kept = before.count <= aspects.length ? before.rows.slice(0, -1) : [];
  const last = kept.at(-1);
  const start = last ? (last.cells.at(-1) as Cell).index + 1 : 0;
  const rows = [...kept];
  let top = last ? last.top + last.height + measures.caption + measures.gap : 0;
  const put = (row: Row) => {
    rows.push(row);
    top += row.height + measures.caption + measures.gap;
  };
  const step = measures.square ? squares : justified;
  for (let next = start; next < aspects.length; ) {
    const row = step(aspects, next, top, measures);
    put(row);
    next += row.cells.length;
  }
  return { rows, height: top, count: aspects.length };
}

export function columnsOf({ width, target, gap }: Measures): number {
  return Math.max(2, Math.round((width + gap) / (target + gap)));
}

function squares(aspects: readonly number[], start: number, top: number, measures: Measures): Row {
  const { width, gap } = measures;
  const columns = columnsOf(measures);
  const side = (width - gap * (columns - 1)) / columns;
  const count = Math.min(columns, aspects.length - start);
  const cells = Array.from({ length: count }, (_, i) => ({ index: start + i, x: i * (side + gap), width: side }));
  return { top, height: side, cells };
}

function justified(aspects: readonly number[], start: number, top: number, measures: Measures): Row {
  const { width, target, gap } = measures;
  let sum = 0;
  let end = start;
  const heightWith = (total: number, count: number) => (width - gap * (count - 1)) / total;
  while (end < aspects.length) {
    const next = sum + clampAspect(aspects[end] as number);
    // Stop before this one when the row is nearer to the wished height without it.
    const without = end > start ? heightWith(sum, end - start) : Infinity;
    const height = heightWith(next, end - start + 1);
    if (height < target && Math.log(target / height) > Math.abs(Math.log(without / target))) break;
    sum = next;
    end += 1;
    if (height <= target) break;
  }
  const full = heightWith(sum, end - start);
  const height = Math.min(full, target * 1.35); // a short last row stays short
  const cells: Cell[] = [];
  let x = 0;
  for (let index = start; index < end; index++) {
    const w = clampAspect(aspects[index] as number) * height;
    cells.push({ index, x, width: w });
    x += w + gap;
  }
  return { top, height, cells };
}

/** Height of `total` pictures of which some are laid out: the scroll bar tells the truth early. */
export function wholeHeight(layout: Layout, total: number, measures: Measures): number {
  const missing = Math.max(0, total - layout.count);
  if (missing === 0) return layout.height;
  const perRow = layout.rows.length > 1 ? layout.count / layout.rows.length : columnsOf(measures);
  const rowHeight = layout.rows.length > 1 ? layout.height / layout.rows.length : measures.target + measures.gap;
  return layout.height + Math.ceil(missing / perRow) * rowHeight;
}

/** Indices [first, end) of the rows that touch the stretch from `top` to `bottom`, px. */
export function rowsBetween(rows: readonly Row[], top: number, bottom: number): [number, number] {
  const first = firstRow(rows, (row) => row.top + row.height >= top);
  const end = firstRow(rows, (row) => row.top > bottom);
  return [first, Math.max(first, end)];
}

/** Index of the row that holds a picture; -1 when it is not laid out. */
export function rowOf(rows: readonly Row[], index: number): number {
  const row = firstRow(rows, (one) => (one.cells.at(-1) as Cell).index >= index);
  return row < rows.length ? row : -1;
}

/** The picture reached by going `step` rows down from `index`, under the same place. */
export function beside(rows: readonly Row[], index: number, step: number): number {
  const from = rowOf(rows, index);
  const to = rows[Math.min(rows.length - 1, Math.max(0, from + step))];
  const cell = rows[from]?.cells.find((one) => one.index === index);
  if (!to || !cell || to === rows[from]) return index;
  const middle = cell.x + cell.width / 2;
  const distance = (one: Cell) => Math.max(one.x - middle, middle - one.x - one.width, 0);
  return to.cells.reduce((best, one) => (distance(one) < distance(best) ? one : best)).index;
}

function firstRow(rows: readonly Row[], holds: (row: Row) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(rows[middle] as Row)) high = middle;
    else low = middle + 1;
  }
  return low;
}
