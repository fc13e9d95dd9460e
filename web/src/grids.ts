// Values of patches drawn as pixels, fast enough to follow a pointer: what can be known before is worked out once.

/** 256 colours, each as the four bytes a canvas holds for a pixel. */
export type Table = Uint32Array<ArrayBuffer>;

/** From a colour for each value in [0, 1]: red, green, blue and alpha, 0 to 255. */
export function tableOf(colourOf: (value: number) => readonly number[]): Table {
  const bytes = new Uint8ClampedArray(4 * 256);
  for (let i = 0; i < 256; i += 1) bytes.set(colourOf(i / 255), 4 * i);
  return new Uint32Array(bytes.buffer);
}

interface Taps {
  at: Uint16Array; // four neighbours of each fine place
  say: Float32Array; // and what each counts
}

/** The cubic through all patches' middles (Catmull, Rom), as what each of four neighbours counts. */
function tapsOf(count: number, times: number): Taps {
  const length = count * times;
  const at = new Uint16Array(4 * length);
  const say = new Float32Array(4 * length);
  for (let i = 0; i < length; i += 1) {
    const place = (i + 0.5) / times - 0.5;
    const first = Math.floor(place);
    const t = place - first;
    for (let k = 0; k < 4; k += 1) at[4 * i + k] = Math.min(count - 1, Math.max(0, first - 1 + k));
    say[4 * i] = 0.5 * t * (-1 + t * (2 - t));
    say[4 * i + 1] = 1 + 0.5 * t * t * (3 * t - 5);
    say[4 * i + 2] = 0.5 * t * (1 + t * (4 - 3 * t));
    say[4 * i + 3] = 0.5 * t * t * (t - 1);
  }
  return { at, say };
}

/** Values between the patches' middles. */
export class Smoother {
  readonly width: number;
  readonly height: number;
  private readonly across: Taps;
  private readonly down: Taps;
  private readonly wide: Float32Array;
  private readonly fine: Float32Array;

  /** `times` finer along each side; 1 keeps the patches as they are. */
  constructor(readonly rows: number, readonly columns: number, times: number) {
    this.width = columns * times;
    this.height = rows * times;
    this.across = tapsOf(columns, times);
    this.down = tapsOf(rows, times);
    this.wide = new Float32Array(rows * this.width);
    this.fine = new Float32Array(this.width * this.height);
  }

  /** (height * width), row by row; the next call writes over it. Every `step`th value from `from` on is a patch's. */
  of(values: ArrayLike<number>, step = 1, from = 0): Float32Array {
    const { rows, columns, width, height, across, down, wide, fine } = this;
    for (let row = 0, i = 0; row < rows; row += 1) {
      const start = from + row * columns * step;
      for (let x = 0; x < 4 * width; x += 4, i += 1) {
        let sum = 0;
        for (let k = x; k < x + 4; k += 1) sum += (across.say[k] as number) * (values[start + (across.at[k] as number) * step] as number);
        wide[i] = sum;
      }
    }
    for (let y = 0, i = 0; y < height; y += 1) {
      const [a, b, c, d] = [0, 1, 2, 3].map((k) => (down.at[4 * y + k] as number) * width) as [number, number, number, number];
      const [p, q, r, s] = [0, 1, 2, 3].map((k) => down.say[4 * y + k]) as [number, number, number, number];
      for (let x = 0; x < width; x += 1, i += 1) {
        fine[i] =
          p * (wide[a + x] as number) + q * (wide[b + x] as number) + r * (wide[c + x] as number) + s * (wide[d + x] as number);
      }
    }
    return fine;
  }
}

/** The colour of each value in [0, 1], into the pixels of a canvas. */
export function tinted(values: Float32Array, table: Table, out: Uint32Array): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    out[i] = table[value <= 0 ? 0 : value >= 1 ? 255 : (value * 255 + 0.5) | 0] as number;
  }
}

export type At = readonly [x: number, y: number];

/**
 * The row of a patch-by-patch matrix for a place between patches: of the four around it, by nearness.
 *
 * `x` and `y` are shares of the picture's sides, [0, 1]; `matrix` has rows * columns rows of `length` bytes; `out` is 0 to 255.
 */
export function rowAt(matrix: Uint8Array, grid: { rows: number; columns: number }, [x, y]: At, out: Float32Array): Float32Array {
  const { rows, columns } = grid;
  const { length } = out;
  const [column, right, dx] = between(x, columns);
  const [row, below, dy] = between(y, rows);
  const start = (r: number, c: number) => (r * columns + c) * length;
  const [a, b, c, d] = [start(row, column), start(row, right), start(below, column), start(below, right)];
  const [p, q, r, s] = [(1 - dx) * (1 - dy), dx * (1 - dy), (1 - dx) * dy, dx * dy];
  for (let i = 0; i < length; i += 1) {
    out[i] =
      p * (matrix[a + i] as number) + q * (matrix[b + i] as number) + r * (matrix[c + i] as number) + s * (matrix[d + i] as number);
  }
  return out;
}

/** The two patches whose middles a place lies between, and how far it is from the first to the second. */
export function between(share: number, count: number): [low: number, high: number, part: number] {
  const place = Math.min(count - 1, Math.max(0, share * count - 0.5));
  const low = Math.floor(place);
  return [low, Math.min(count - 1, low + 1), place - low];
}
