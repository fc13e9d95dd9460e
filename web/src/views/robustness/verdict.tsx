// Is it still found? In a sentence, in numbers, and in what is found instead.
import { thumbnailUrl } from "../../api";
import { Icon } from "../../components/icon";
import { aboutPicture, formatRoute, routes } from "../../route";
import type { Trial } from "./asking";

interface Props {
  trial: Trial | null;
  current: boolean;
  of: string;
}

export function Verdict({ trial, current, of }: Props) {
  if (!trial) return <section class="lab-verdict" aria-busy="true" aria-label="Is it still found?" />;
  const tone = toneOf(trial);
  return (
    <section class={`lab-verdict ${tone}`} aria-label="Is it still found?" aria-busy={!current}>
      <div class="lab-standing" role="status" aria-live="polite">
        <span class="lab-badge" aria-hidden="true">{trial.rank === null ? <Icon name="ruler" size={22} /> : trial.beyond ? "–" : trial.rank}</span>
        <div>
          <h2>{headline(trial)}</h2>
          <p>{below(trial)}</p>
        </div>
        <Meter cosine={trial.cosine} />
      </div>
      {trial.hits.length > 0 && <Found trial={trial} of={of} />}
    </section>
  );
}

/** The same in two words, where the rest has been scrolled away. */
export function Chip({ trial }: { trial: Trial }) {
  const place = trial.rank === null ? "" : trial.beyond ? "lost" : trial.rank === 1 ? "first" : ordinal(trial.rank);
  return (
    <span class={`lab-chip ${toneOf(trial)}`} aria-hidden="true">
      {place && <b>{place}</b>} {trial.cosine.toFixed(2)}
    </span>
  );
}

type Tone = "first" | "near" | "lost" | "alone";

export function toneOf({ rank, by_chance: byChance }: Trial): Tone {
  if (rank === null) return "alone";
  if (rank === 1) return byChance ? "near" : "first";
  return rank <= 10 && !byChance ? "near" : "lost";
}

/** "Still the first of 150". */
export function headline({ rank, beyond, among, cosine }: Trial): string {
  const count = among.toLocaleString("en");
  if (rank === null) return `Cosine ${cosine.toFixed(3)} to the original`;
  if (beyond) return `Lost: more than ${(rank - 1).toLocaleString("en")} of ${count} look more like it`;
  if (rank === 1) return `Still the first of ${count}`;
  return rank === 2 ? `Lost: another picture looks more like it` : `Lost: now ${ordinal(rank)} of ${count}`;
}

export function ordinal(rank: number): string {
  const teen = rank % 100 >= 11 && rank % 100 <= 13;
  return `${rank.toLocaleString("en")}${teen ? "th" : (["th", "st", "nd", "rd"][rank % 10] ?? "th")}`;
}

/** What the likeness means: the second half of the server's sentence. */
function below({ rank, sentence }: Trial): string {
  const said = rank === null ? "There are no other pictures to look for it among" : (sentence.split("; ").at(-1) ?? "").replace(" %", "\u00a0%");
  return `${said[0]?.toUpperCase() ?? ""}${said.slice(1)}.`;
}

function Meter({ cosine }: { cosine: number }) {
  return (
    <div class="lab-meter" role="meter" aria-label="Likeness to the original" aria-valuemin={-1} aria-valuemax={1} aria-valuenow={cosine}>
      <b>{cosine.toFixed(3)}</b>
      <small>cosine</small>
      <span><i style={{ width: `${100 * Math.max(0, cosine)}%` }} /></span>
    </div>
  );
}

const SHOWN = 8;

function Found({ trial, of }: { trial: Trial; of: string }) {
  return (
    <div class="lab-found">
      <h3>What it finds</h3>
      <ol>
        {trial.hits.slice(0, SHOWN).map(({ picture, score }, i) => {
          const original = String(picture.id) === of;
          return (
            <li key={picture.id} class={original ? "original" : undefined}>
              <a href={formatRoute({ ...routes.get(), ...aboutPicture(routes.get(), "robustness", String(picture.id)) })} title={`${picture.name}: ${score.toFixed(3)}`} aria-label={`${i + 1}: ${picture.name}${original ? ", the original" : ""}`}>
                <img src={thumbnailUrl(picture, 160)} alt="" loading="lazy" />
                {original && <span>original</span>}
              </a>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
