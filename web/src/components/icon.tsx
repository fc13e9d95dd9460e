// Line icons on a 24-unit grid, drawn for this page.

const PATHS = {
  add: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  box: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M11 4h2M20 11v2M13 20h-2M4 13v-2",
  brush: "M20 4L10.500 13.500M8 13c-2 0-3 1.500-3 3.500 0 1.500-1 2.500-2 3 4 1 8 .5 8-3.500 0-1.700-1.300-3-3-3z",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  camera: "M3 8h4l2-3h6l2 3h4v11H3zM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.500 11v5.500M13.500 11v5.500",
  close: "M6 6l12 12M18 6L6 18",
  compare: "M12 3v18M4 6h4v5H4zM4 14h4v4H4zM16 6h4v4h-4zM16 13h4v5h-4z",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  copies: "M8 8h12v9H8zM16 17v3H4v-9h4M11.500 12.500l2 2 3.500-4",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  eraser: "M8.500 19L4 14.500a2 2 0 0 1 0-2.800L11.700 4a2 2 0 0 1 2.800 0L20 9.500a2 2 0 0 1 0 2.800L13.300 19zM8 8l8 8M7 19h13",
  eyeClosed: "M3 10c3 4 6 5.5 9 5.5s6-1.5 9-5.5M6.5 14L5 17M12 15.5V19M17.500 14L19 17",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  filter: "M4 6h16M7 12h10M10 18h4",
  folder: "M3 6h6l2 2.500h10V19H3z",
  grid: "M4 4h9v7H4zM17 4h3v7h-3zM4 15h4v5H4zM12 15h8v5h-8z",
  heat: "M12 21c-4 0-6.500-2.600-6.500-6 0-4 3.500-5.500 3-11 3 1.500 4.500 4 4.500 6.500 1-.5 1.500-1.500 1.500-2.500 2.500 2 4 4.500 4 7 0 3.400-2.500 6-6.500 6z",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2.500-2.500L20 17M15.500 9.500h.01",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8h.01",
  keyboard: "M3 7h18v11H3zM7 11h.01M11 11h.01M15 11h.01M17 11h.01M8 14.500h8",
  lasso: "M7 15.500C4.500 14.500 3 12.500 3 10.200 3 6.800 7 4 12 4s9 2.800 9 6.200-4 6.300-9 6.300c-1 0-2-.1-2.900-.3M8.500 18a2 2 0 1 0-2.600-1.900c0 1.900 1.600 2.400.6 4.900",
  lab: "M9.500 3h5M10.500 3v6L5 18.500c-.8 1.400 0 2.500 1.500 2.500h11c1.500 0 2.300-1.100 1.500-2.500L13.500 9V3M7.500 15.500h9",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1",
  look: "M2.500 12c2.600-4.300 5.800-6.500 9.500-6.500s6.900 2.200 9.500 6.500c-2.600 4.300-5.800 6.500-9.500 6.500S5.100 16.300 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  map: "M6 18.5a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM10 14.5a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM7 10.5a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM14 18a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM12.5 7.5a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM16 12a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM18.5 5.5a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM20.5 16a1 1 0 1 1-2 0 1 1 0 0 1 2 0zM20.5 10.5a1 1 0 1 1-2 0 1 1 0 0 1 2 0z",
  match: "M3 4h7v9H3zM14 11h7v9h-7zM6.500 8.500l11 7",
  minus: "M5 12h14",
  more: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM17 14v6M14 17h6",
  newest: "M5 6l7 6-7 6M18 6v12",
  next: "M9 5l7 7-7 7",
  part: "M4 9V4h5M15 4h5v5M20 15v5h-5M4 15v5h5M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  pointIn: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8.500v7M8.500 12h7",
  pointOut: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM8.500 12h7",
  pulse: "M3 12h4l3-7 4 14 3-7h4",
  redo: "M19 9H10a5 5 0 0 0 0 10h4M15.500 5.500L19 9l-3.500 3.500",
  refresh: "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
  ruler: "M3 15.500L15.500 3 21 8.500 8.500 21zM7 11.500l2 2M10 8.500l3 3M13 5.500l2 2",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  sliders: "M4 8h10M18 8h2M16 6v4M4 16h2M10 16h10M8 14v4",
  sort: "M7 5v14M4 16l3 3 3-3M14 6h6M14 11h5M14 16h3",
  swap: "M4 8h15M15 4l4 4-4 4M20 16H5M9 12l-4 4 4 4",
  stop: "M7 7h10v10H7z",
  tag: "M4 4h8l8.500 8.500-7.500 7.500L4.500 12zM8.500 8.500h.01",
  thing: "M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11 12.200L19.500 4M16 7.200l3 3",
  terminal: "M4 5h16v14H4zM8 10l3 2.500L8 15M13 15h4",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.500l10.500 6.500L8 18.500z",
  train: "M4 4v16h16M7.500 15.500l4-5.500 3.500 3 4.500-7",
  undo: "M5 9h9a5 5 0 0 1 0 10h-4M8.500 5.500L5 9l3.500 3.500",
  up: "M12 20V5M6 11l6-6 6 6",
  zoomIn: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5M11 8v6M8 11h6",
  zoomOut: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5M8 11h6",
  warning: "M12 4l9.500 16h-19zM12 10v5M12 17.500h.01",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

// The mark: a picture cut into patches that is itself an eye, with a reptile's upright pupil.
const EYE = ["..xxx..", ".xxpxx.", "xxxpxxx", ".xxpxx.", "..xxx.."];

export function Logo({ size = 38 }: { size?: number }) {
  const cells = EYE.flatMap((row, y) =>
    [...row].map((kind, x) => ({ kind, x, y })).filter((cell) => cell.kind !== "."),
  );
  return (
    <svg class="logo" width={size} height={(size * 5) / 7} viewBox="0 0 70 50" aria-hidden="true" focusable="false">
      {cells.map(({ kind, x, y }) => (
        <rect
          key={`${x}${y}`}
          class={kind === "p" ? "logo-pupil" : `logo-patch logo-patch-${(x * 3 + y * 5) % 4}`}
          x={x * 10 + 0.75}
          y={y * 10 + 0.75}
          width={8.5}
          height={8.5}
          rx={2.2}
        />
      ))}
    </svg>
  );
}
