// Judge for yourself: which row fits better, without being told which model's it is.
import { useState } from "preact/hooks";
import { Icon } from "../../components/icon";
import type { Comparison } from "../../wire";
import { Rows } from "./rows";
import { labelsOf, tallyOf, verdictOf, type Vote } from "./words";

const ROWS = ["Upper row", "Lower row"] as const;

export function Blind({ found, done }: { found: Comparison; done: () => void }) {
  const examples = found.examples;
  const [turned] = useState(() => examples.map(() => Math.random() < 0.5));
  const [votes, setVotes] = useState<readonly Vote[]>([]);
  const at = votes.length;
  const example = examples[at];
  const tally = tallyOf(votes);
  const vote = (row: 0 | 1 | null) =>
    setVotes([...votes, row === null ? "equal" : (row === 0) === !turned[at] ? "first" : "second"]);

  if (!example) return <Told sentence={verdictOf(tally, labelsOf(found))} done={done} />;
  return (
    <section class="card blind" aria-label="Judge blind">
      <header>
        <h2>Which row fits better?</h2>
        <p class="hint" aria-live="polite">{at + 1} of {examples.length}. Which model found which, you learn at the end.</p>
      </header>
      <Rows key={example.query.id} example={example} labels={turned[at] ? [ROWS[1], ROWS[0]] : ROWS} turned={turned[at] ?? false} plain />
      <div class="votes">
        <button type="button" class="button primary" onClick={() => vote(0)}>{ROWS[0]}</button>
        <button type="button" class="button primary" onClick={() => vote(1)}>{ROWS[1]}</button>
        <button type="button" class="button" onClick={() => vote(null)}>Equal</button>
        <span />
        {at > 0 && (
          <button type="button" class="button" onClick={() => setVotes(votes.slice(0, -1))}>
            <Icon name="back" size={16} /> Back
          </button>
        )}
        <button type="button" class="button" onClick={done}>Stop</button>
      </div>
    </section>
  );
}

function Told({ sentence, done }: { sentence: string; done: () => void }) {
  return (
    <section class="card blind" aria-label="Your judgement">
      <h2>Your judgement</h2>
      <p role="status">{sentence}</p>
      <button type="button" class="button primary" onClick={done}>Show the numbers</button>
    </section>
  );
}
