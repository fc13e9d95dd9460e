// Which charts there are, what each shows, and what it tells a person.
import type { Measure } from "../../wire";
import { short } from "./scale";

export interface Curve {
  label: string;
  of: (measure: Measure) => number | null | undefined;
  flat?: boolean; // measured once, and a mark to be compared with ever after
}

export interface Panel {
  title: string;
  hint: string;
  curves: readonly Curve[]; // the first is the one that counts
  within?: readonly [number, number]; // what the values cannot leave
  safe?: readonly [number, number]; // beyond it the training has collapsed
  noisy?: boolean; // a running mean is drawn over the values
  form?: (value: number) => string;
}

const percent = (value: number): string => `${(100 * value).toFixed(Math.abs(value) < 0.1 ? 1 : 0)} %`;
const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

export const MAIN: readonly Panel[] = [
  {
    title: "Loss",
    hint: "No guide by itself: it may rise, or lie flat, while the model gets better.",
    curves: [{ label: "loss", of: (one) => one.loss }],
    noisy: true,
  },
  {
    title: "Score",
    hint: "k-NN: pictures whose nearest neighbours name their class. Consistency: pictures that are nearest to another view of themselves.",
    curves: [
      { label: "k-NN", of: (one) => one.probe["knn"] },
      { label: "consistency", of: (one) => one.probe["consistency"] },
      { label: "raw pixels", of: (one) => one.probe["pixels"], flat: true },
    ],
    within: [0, 1],
    form: share,
  },
  {
    title: "Teacher's entropy",
    hint: "Of its targets, as a share of the greatest. At either end everything looks alike to it: collapse.",
    curves: [{ label: "entropy", of: (one) => one.entropy }],
    within: [0, 1],
    safe: [0.05, 0.98],
    noisy: true,
  },
  {
    title: "Student behind teacher",
    hint: "Kullback-Leibler divergence, in nats. At 0 there is nothing left to learn from.",
    curves: [{ label: "KL", of: (one) => one.kl }],
    noisy: true,
  },
];

const onePart = (one: Measure): boolean => one.patch === null && one.koleo === null && one.keep === null;

export const MORE: readonly Panel[] = [
  single("Rank", "Directions in use (RankMe).", (one) => one.probe["rank"]),
  single("Spread", "0 when all are one.", (one) => one.probe["std"]),
  single("Gradient", "Its norm, before clipping.", (one) => one.gradient, { noisy: true }),
  single("Speed", "Pictures a second.", (one) => one.pictures_per_second, { noisy: true }),
  single("Waiting", "Of the time, for pictures.", (one) => one.waited, { within: [0, 1], form: percent, noisy: true }),
  single("View loss", "Student against teacher.", (one) => (onePart(one) ? null : one.dino), { noisy: true }),
  single("Patch loss", "Guessing what is masked.", (one) => one.patch, { noisy: true }),
  single("Spread loss", "Crowding (KoLeo).", (one) => one.koleo, { noisy: true }),
  single("Keep loss", "Away from its start.", (one) => one.keep, { noisy: true }),
  single("Rate", "How far a step goes.", (one) => one.rate),
  single("Momentum", "How slow the teacher is.", (one) => one.momentum, { within: [0, 1], form: (value) => value.toFixed(4) }),
  single("Temperature", "The lower, the sharper.", (one) => one.temperature),
  single("Weight decay", "Pull of the weights to 0.", (one) => one.weight_decay),
];

function single(title: string, hint: string, of: Curve["of"], more: Partial<Panel> = {}): Panel {
  return { title, hint, curves: [{ label: title.toLowerCase(), of }], ...more };
}

export const formOf = (panel: Panel): ((value: number) => string) => panel.form ?? short;

/** The value of a curve at a measure, or the latest before it where it was not measured. */
export function valueAt(measures: readonly Measure[], at: number, curve: Curve): number | null {
  for (let i = at; i >= 0; i -= 1) {
    const value = curve.of(measures[i] as Measure);
    if (value !== null && value !== undefined) return value;
  }
  return null;
}
