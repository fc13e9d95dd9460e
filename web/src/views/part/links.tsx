// Which patch of the part belongs to which patch of the hit that is looked at: lines across the page.
import { useEffect, useRef } from "preact/hooks";
import { found, looked } from "../../state/part";
import { useStore } from "../../state/store";
import type { RegionHit } from "../../wire";

const MOST = 10; // more lines than this are a tangle

export function Links() {
  const id = useStore(looked);
  const { hits, answer } = useStore(found);
  const hit = hits.find(({ picture }) => picture.id === id);
  if (!hit || !answer || hit.links.length === 0) return null;
  return <Lines key={hit.picture.id} hit={hit} rows={answer.query.rows} columns={answer.query.columns} />;
}

function Lines({ hit, rows, columns }: { hit: RegionHit; rows: number; columns: number }) {
  const svg = useRef<SVGSVGElement>(null);
  const links = [...hit.links].sort((a, b) => b[4] - a[4]).slice(0, MOST);

  // Scrolled, zoomed, laid out anew: the ends are looked up at every frame while somebody looks.
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      if (svg.current) place(svg.current, hit, links, [rows, columns]);
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [hit, rows, columns]);

  return (
    <svg ref={svg} class="part-links" aria-hidden="true">
      {links.map(([row, column], i) => (
        <g key={i} style={{ "--hue": String(hueOf(row, column, links)) }}>
          <rect rx={3} />
          <rect rx={3} />
          <path pathLength={1} />
        </g>
      ))}
    </svg>
  );
}

/** From amber to teal, by where on the part: neighbours are told apart, and go together. */
function hueOf(row: number, column: number, links: RegionHit["links"]): number {
  const order = links.map(([r, c]) => r + c / 64).sort((a, b) => a - b);
  return 40 + (150 * order.indexOf(row + column / 64)) / Math.max(1, order.length - 1);
}

function place(svg: SVGSVGElement, hit: RegionHit, links: RegionHit["links"], [rows, columns]: readonly [number, number]): void {
  const from = sides(document.querySelector("[data-part-query]"));
  const to = sides(document.querySelector(`[data-part-hit="${hit.picture.id}"]`));
  const lids = [".top", ".part-query"].flatMap((one) => document.querySelector(one)?.getBoundingClientRect() ?? []);
  links.forEach(([row, column, hitRow, hitColumn, likeness], i) => {
    const group = svg.children[i] as SVGGElement;
    const start = from && patch(from, row, column, rows, columns);
    const end = to && patch(to, hitRow, hitColumn, ...hit.grid);
    const covered = end && (end.bottom < 0 || lids.some((lid) => holds(lid, end)));
    const seen = start && end && !covered && holds(from.frame, start) && holds(to.frame, end);
    group.style.display = seen ? "" : "none";
    if (!seen) return;
    group.style.opacity = String(0.45 + 0.55 * Math.max(0, likeness));
    const [here, there, line] = [...group.children] as [Element, Element, Element];
    box(here, start);
    box(there, end);
    line.setAttribute("d", curve(start, end));
  });
}

interface Sides {
  sheet: DOMRect;
  frame: DOMRect; // what of the sheet can be seen
}

const sides = (sheet: Element | null): Sides | null =>
  sheet && { sheet: sheet.getBoundingClientRect(), frame: (sheet.parentElement as Element).getBoundingClientRect() };

function patch({ sheet }: Sides, row: number, column: number, rows: number, columns: number): DOMRect {
  const [width, height] = [sheet.width / columns, sheet.height / rows];
  return new DOMRect(sheet.left + column * width, sheet.top + row * height, width, height);
}

function holds(frame: DOMRect, { x, y, width, height }: DOMRect): boolean {
  const [cx, cy] = [x + width / 2, y + height / 2];
  return cx >= frame.left && cx <= frame.right && cy >= frame.top && cy <= frame.bottom;
}

const LARGEST = 26; // screen px: a mark of the patch, not a lid on it

function box(rect: Element, { x, y, width, height }: DOMRect): void {
  const [w, h] = [Math.min(width, LARGEST), Math.min(height, LARGEST)];
  for (const [name, value] of Object.entries({ x: x + (width - w) / 2, y: y + (height - h) / 2, width: w, height: h })) {
    rect.setAttribute(name, value.toFixed(1));
  }
}

/** Leaves one side to the other and arrives level, whether they lie beside or below one another. */
function curve(from: DOMRect, to: DOMRect): string {
  const [ax, ay] = [from.x + from.width / 2, from.y + from.height / 2];
  const [bx, by] = [to.x + to.width / 2, to.y + to.height / 2];
  const beside = Math.abs(bx - ax) >= Math.abs(by - ay);
  const [dx, dy] = beside ? [(bx - ax) / 2, 0] : [0, (by - ay) / 2];
  return `M${ax} ${ay}C${ax + dx} ${ay + dy} ${bx - dx} ${by - dy} ${bx} ${by}`;
}
