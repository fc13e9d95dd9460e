// One set: the picture to keep beside one of the others, what was done to it, and what becomes of each.
import { useEffect, useState } from "preact/hooks";
import { queryThumbnailUrl } from "../../api";
import { Icon } from "../../components/icon";
import { Segments } from "../../components/segments";
import { asSentence, bytes, megapixels, plural } from "../../format";
import { keysRest } from "../../keys";
import { navigate, routes, turn } from "../../route";
import { useStore } from "../../state/store";
import type { Group, Member, Pair } from "./asking";
import { pairOf, seenFrom } from "./geometry";
import { Stage, type Mode } from "./stage";

interface Props {
  group: Group;
  readOnly: boolean;
  notCopy: (here: number, there: number) => void;
  trash: (ids: readonly number[]) => void;
  next: () => void;
}

const MODES = [
  ["side", "Side by side", "1"],
  ["wipe", "Slider", "2"],
  ["differ", "What differs", "3"],
] as const;

export function SetView({ group, readOnly, notCopy, trash, next }: Props) {
  const { knobs } = useStore(routes);
  const mode = (MODES.find(([name]) => name === knobs["show"])?.[0] ?? "side") as Mode;
  const [kept, setKept] = useState<ReadonlySet<number>>(() => keptAtFirst(group));
  useEffect(() => setKept(keptAtFirst(group)), [group]);
  const others = group.members.slice(1);
  const index = Math.max(0, others.findIndex(({ picture }) => String(picture.id) === knobs["copy"]));
  const member = others[index] as Member;
  const id = member.picture.id;
  const pair = pairOf(group.pairs, group.keep, id);
  const partner = pair && (pair.here === id ? pair.there : pair.here);
  const base = group.members.find(({ picture }) => picture.id === partner) ?? (group.members[0] as Member);
  const spare = group.members.map(({ picture }) => picture.id).filter((one) => !kept.has(one));
  const go = (step: number) => {
    const to = others[(index + step + others.length) % others.length];
    if (to) turn({ set: String(group.keep), copy: String(to.picture.id) });
  };
  const toggle = (one: number) => setKept((before) => new Set(before.has(one) ? [...before].filter((other) => other !== one) : [...before, one]));
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (keysRest(event)) return;
      const shown = MODES.find(([, , key]) => key === event.key);
      if (event.key === "ArrowRight") go(1);
      else if (event.key === "ArrowLeft") go(-1);
      else if (event.key === "k") toggle(id);
      else if (event.key === "n" && pair && !sameBytes(pair)) notCopy(pair.here, pair.there);
      else if (event.key === "Delete" && spare.length && !readOnly) trash(spare);
      else if (shown) turn({ show: shown[0] === "side" ? "" : shown[0] });
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  });
  return (
    <section class="copies-set" aria-label="A set of copies">
      <div class="copies-bar">
        <Segments legend="Compare" quiet value={mode} options={MODES.map(([name, title, key]) => [name, title, `${title} (${key})`] as const)} onChange={(value) => turn({ show: value === "side" ? "" : value })} />
        <p class="copies-said">{pair && <Said pair={pair} member={member} />}</p>
      </div>
      {pair && <Stage base={base.picture} other={member.picture} seen={seenFrom(pair, base.picture.id)} mode={mode} alike={sameBytes(pair)} />}
      <Facts base={base} other={member} />
      <ul class="copies-members">
        {group.members.map((one) => (
          <li key={one.picture.id}>
            <Tile member={one} best={one.picture.id === group.keep} current={one.picture.id === id} kept={kept.has(one.picture.id)} toggle={() => toggle(one.picture.id)} />
          </li>
        ))}
      </ul>
      <div class="copies-acts">
        <button type="button" class="button" disabled={!pair || sameBytes(pair)} onClick={() => pair && notCopy(pair.here, pair.there)} title="Never put these two in one set again (n)">
          Not a copy
        </button>
        <button type="button" class="button" onClick={next} title="The next set (↓)">Leave them</button>
        <button type="button" class="button primary" disabled={!spare.length || readOnly || spare.length === group.members.length} onClick={() => trash(spare)} title="Undo brings them back (Delete)">
          <Icon name="clear" size={16} /> {spare.length ? `Move ${plural(spare.length, "picture")} to the trash` : "Nothing to move"}
        </button>
      </div>
    </section>
  );
}

const keptAtFirst = (group: Group): ReadonlySet<number> => new Set(group.members.filter(({ spare }) => !spare).map(({ picture }) => picture.id));

const sameBytes = (pair: Pair) => pair.found.edits[0]?.name === "identical";

function Said({ pair, member }: { pair: Pair; member: Member }) {
  const { copy, edits } = pair.found;
  const words = edits.map(({ title }) => title).join(", ");
  return (
    <>
      <b>{asSentence(words || member.why)}</b> <span>{sameBytes(pair) ? "Equal bytes" : `${Math.min(99.9, 100 * copy).toFixed(copy > 0.99 ? 1 : 0)} % sure`}</span>
    </>
  );
}

/** Size, bytes and kind of both; only what differs stands out. */
function Facts({ base, other }: { base: Member; other: Member }) {
  const rows = [base.picture, other.picture].map((one) => [one.name, `${one.width} × ${one.height}`, megapixels(one.width, one.height), bytes(one.bytes), one.kind.toUpperCase(), one.folder]);
  const [mine, theirs] = rows as [string[], string[]];
  return (
    <div class="copies-facts">
      {[mine, theirs].map((row, which) => (
        <p key={which}>
          {row.map((fact, at) => (
            <span key={at} class={mine[at] === theirs[at] ? "same" : "other"}>{fact}</span>
          ))}
        </p>
      ))}
    </div>
  );
}

function Tile({ member, best, current, kept, toggle }: { member: Member; best: boolean; current: boolean; kept: boolean; toggle: () => void }) {
  const { picture, why } = member;
  const [, reason] = /^(?:keep|look): (.*)$/.exec(why) ?? ["", why];
  return (
    <div class="copies-tile" data-current={current || undefined} data-kept={kept || undefined}>
      <button type="button" class="copies-thumb" aria-label={`${best ? "Best: " : "Compare "}${picture.name}`} aria-pressed={current} onClick={() => (best ? navigate({ picture: picture.id }) : turn({ copy: String(picture.id) }))}>
        <img src={queryThumbnailUrl(String(picture.id), 320)} alt="" loading="lazy" draggable={false} />
        {best && <span class="copies-best">Best</span>}
      </button>
      <label>
        <input type="checkbox" checked={kept} onChange={toggle} /> Keep
      </label>
      <small title={reason}>{reason}</small>
    </div>
  );
}
