// The scores of two models, each difference with its interval.
import { bytes, plural } from "../../format";
import type { Comparison, Interval, Score } from "../../wire";

export function Scores({ found, labels }: { found: Comparison; labels: readonly [string, string] }) {
  const reach = Math.max(0.05, ...found.scores.flatMap(({ difference: { low, high } }) => [Math.abs(low), Math.abs(high)]));
  return (
    <section class="card scores" aria-label="Scores">
      <ul class="outcome" role="list">
        {found.sentences.map((text) => <li key={text}>{text.charAt(0).toUpperCase() + text.slice(1)}.</li>)}
      </ul>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of scores">
        <table>
          <thead>
            <tr>
              <th scope="col"><span class="visually-hidden">Score</span></th>
              <th scope="col">{labels[0]}</th>
              <th scope="col">{labels[1]}</th>
              <th scope="col">Difference, 95 %</th>
              <th scope="col">Chance</th>
            </tr>
          </thead>
          <tbody>
            {found.scores.map((score) => <Row key={score.name} score={score} reach={reach} />)}
            <Fact name="Numbers a picture" first={String(found.first.dimension)} second={String(found.second.dimension)} />
            <Fact name="Index" first={bytes(found.first.index_bytes)} second={bytes(found.second.index_bytes)} />
          </tbody>
        </table>
      </div>
      <p class="hint">
        {plural(found.queries, "picture")} of {found.pictures.toLocaleString("en")} asked about. Folders are taken for
        labels. Chance: how often a fair coin would give so uneven a count of wins.
      </p>
    </section>
  );
}

function Row({ score, reach }: { score: Score; reach: number }) {
  return (
    <tr>
      <th scope="row">{score.name.charAt(0).toUpperCase() + score.name.slice(1)}</th>
      <td class={score.better === "first" ? "better" : ""}>{score.first.toFixed(3)}</td>
      <td class={score.better === "second" ? "better" : ""}>{score.second.toFixed(3)}</td>
      <td><Whisker of={score.difference} reach={reach} /></td>
      <td>{score.p < 0.001 ? "< 0.001" : score.p.toFixed(3)}</td>
    </tr>
  );
}

function Fact({ name, first, second }: { name: string; first: string; second: string }) {
  return (
    <tr class="fact">
      <th scope="row">{name}</th>
      <td>{first}</td>
      <td>{second}</td>
      <td />
      <td />
    </tr>
  );
}

const WIDTH = 180;
const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

/** The difference as a dot, its interval as a line, and where there would be none as a mark in the middle. */
function Whisker({ of: { value, low, high }, reach }: { of: Interval; reach: number }) {
  const x = (at: number) => WIDTH / 2 + (at / reach) * (WIDTH / 2 - 6);
  const said = `${signed(value)}, ${signed(low)} to ${signed(high)}`;
  return (
    <span class="whisker" title={said}>
      <svg width={WIDTH} height={20} viewBox={`0 0 ${WIDTH} 20`} role="img" aria-label={said}>
        <line class="zero" x1={WIDTH / 2} x2={WIDTH / 2} y1={2} y2={18} />
        <line class="reach" x1={x(low)} x2={x(high)} y1={10} y2={10} />
        <circle cx={x(value)} cy={10} r={4} />
      </svg>
      <span aria-hidden="true">{signed(value)}</span>
    </span>
  );
}
