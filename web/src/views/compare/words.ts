// What is said about a comparison, and the numbers behind a judgement.
import { shell } from "../../snippets";
import type { Comparison } from "../../wire";

/** What the two models are called: their names, or their keys where the names are the same. */
export function labelsOf({ first, second }: Comparison): readonly [string, string] {
  return first.name === second.name ? [first.key, second.key] : [first.name, second.name];
}

/** The command that measures the same and more. */
export function compareLine({ first, second }: Comparison): string {
  return `dinoscope compare ${shell(first.name)} ${shell(second.name)} --out report.html`;
}

export type Vote = "first" | "second" | "equal";

export interface Tally {
  first: number;
  second: number;
  equal: number;
  p: number; // how often a fair coin would give so uneven a count
}

export function tallyOf(votes: Iterable<Vote>): Tally {
  const tally = { first: 0, second: 0, equal: 0 };
  for (const vote of votes) tally[vote] += 1;
  return { ...tally, p: signTest(tally.first, tally.second) };
}

/** Two-sided probability that a fair coin gives a count at least so uneven; ties are left out. */
export function signTest(wins: number, losses: number): number {
  if (wins === losses) return 1;
  const tosses = wins + losses;
  let ways = 1; // of k heads
  let sum = 1;
  for (let k = 1; k <= Math.min(wins, losses); k += 1) {
    ways *= (tosses - k + 1) / k;
    sum += ways;
  }
  return Math.min(1, (2 * sum) / 2 ** tosses);
}

export function verdictOf(tally: Tally, labels: readonly [string, string]): string {
  const { first, second, equal, p } = tally;
  if (first + second === 0) return equal ? "You found them equal every time." : "Nothing was judged.";
  const ties = equal ? `, ${equal} equal` : "";
  const counts = `${labels[0]} ${first}, ${labels[1]} ${second}${ties}.`;
  if (first === second) return `A draw: ${counts}`;
  const winner = first > second ? labels[0] : labels[1];
  const odds = p < 0.01 ? "less than 1 %" : `${Math.round(100 * p)} %`;
  return p <= 0.05
    ? `You prefer ${winner}: ${counts} A fair coin would be so uneven in ${odds} of cases.`
    : `You lean towards ${winner}, but chance may have done it: ${counts} A fair coin would be so uneven in ${odds} of cases.`;
}
