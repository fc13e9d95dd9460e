// A canvas over a picture, a value or a colour a patch: drawn anew many times a second when a pointer asks.
import { useLayoutEffect, useRef } from "preact/hooks";
import { Smoother, tinted, type Table } from "../grids";

const FINER = 6; // pixels a patch is drawn with; the browser smooths the rest

/** Draws on one canvas; needs about a millisecond for a grid of 32 x 32. */
export class Painter {
  private readonly smoother: Smoother;
  private readonly image: ImageData;
  private readonly pixels: Uint32Array;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    rows: number,
    columns: number,
    times = FINER,
  ) {
    this.smoother = new Smoother(rows, columns, times);
    const { width, height } = this.smoother;
    canvas.width = width;
    canvas.height = height;
    this.image = new ImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /** A value a patch, [0, 1], row by row. */
  values(shares: ArrayLike<number>, table: Table): void {
    tinted(this.smoother.of(shares), table, this.pixels);
    this.put();
  }

  /** Four bytes a patch: red, green, blue, and how much it covers. */
  colours(bytes: Uint8Array): void {
    const out = this.image.data;
    for (let channel = 0; channel < 4; channel += 1) {
      const fine = this.smoother.of(bytes, 4, channel);
      for (let i = 0; i < fine.length; i += 1) out[4 * i + channel] = fine[i] as number;
    }
    this.put();
  }

  clear(): void {
    this.pixels.fill(0);
    this.put();
  }

  private put(): void {
    this.canvas.getContext("2d")?.putImageData(this.image, 0, 0);
  }
}

interface Props {
  rows: number;
  columns: number;
  times?: number; // 1: patches with their edges
  name?: string; // of its class
  draw: (painter: Painter) => void; // whenever one of `on` changes
  on: readonly unknown[];
  handle?: { current: Painter | null }; // for what cannot wait for a rendering: a moving pointer
}

/** To be laid over the whole picture. */
export function GridLayer({ rows, columns, times = FINER, name = "heat", draw, on, handle }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<Painter | null>(null);
  useLayoutEffect(() => {
    painter.current = canvas.current && new Painter(canvas.current, rows, columns, times);
    if (handle) handle.current = painter.current;
    return () => {
      if (handle) handle.current = null;
    };
  }, [rows, columns, times]);
  useLayoutEffect(() => {
    if (painter.current) draw(painter.current);
  }, [rows, columns, times, ...on]);
  return <canvas ref={canvas} class={`${name}${times === 1 ? " patchy" : ""}`} aria-hidden="true" />;
}
