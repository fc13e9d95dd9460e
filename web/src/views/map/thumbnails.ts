// Thumbnails on the map: a few hundred in one texture, those looked at last; fetched a few at a time.
import { queryThumbnailUrl } from "../../api";
import { CELLS, type Scatter } from "./scatter";

const AT_ONCE = 8; // on their way: the library's own page must not wait behind a map
const SIDE = 160;

interface Kept {
  cell: number;
  shape: readonly [number, number];
}

export class Thumbnails {
  private readonly kept = new Map<number, Kept>(); // id -> where in the texture, used last at the end
  private readonly coming = new Map<number, HTMLImageElement>();
  private readonly missing = new Set<number>();
  private wanted: readonly number[] = [];

  constructor(
    private readonly scatter: Scatter,
    private readonly arrived: () => void,
  ) {}

  /** What is there of a picture. */
  get(id: number): Kept | undefined {
    return this.kept.get(id);
  }

  /** These are looked at now, the most important first; the others may go. */
  want(ids: readonly number[]): void {
    this.wanted = ids.slice(0, CELLS);
    for (const id of [...this.wanted].reverse()) {
      const known = this.kept.get(id);
      if (!known) continue;
      this.kept.delete(id);
      this.kept.set(id, known);
    }
    const still = new Set(this.wanted);
    for (const [id, image] of this.coming) {
      if (still.has(id)) continue;
      image.src = "";
      this.coming.delete(id);
    }
    this.fetch();
  }

  private fetch(): void {
    for (const id of this.wanted) {
      if (this.coming.size >= AT_ONCE) return;
      if (!this.kept.has(id) && !this.coming.has(id) && !this.missing.has(id)) this.bring(id);
    }
  }

  private bring(id: number): void {
    const image = new Image();
    this.coming.set(id, image);
    image.decoding = "async";
    image.onload = () => {
      if (this.coming.get(id) !== image) return;
      this.coming.delete(id);
      const cell = this.room();
      this.kept.set(id, { cell, shape: this.scatter.put(cell, image) });
      this.arrived();
      this.fetch();
    };
    image.onerror = () => {
      if (this.coming.get(id) !== image) return;
      this.coming.delete(id);
      this.missing.add(id); // its dot stays
      this.fetch();
    };
    image.src = queryThumbnailUrl(String(id), SIDE);
  }

  /** A cell that is free, or that of the one looked at longest ago. */
  private room(): number {
    if (this.kept.size < CELLS) return this.kept.size;
    const [id, { cell }] = this.kept.entries().next().value as [number, Kept];
    this.kept.delete(id);
    return cell;
  }
}
