// Copies, looked over: sets of one picture edited, which to keep, and a trash that gives everything back.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { Notice } from "../../components/notice";
import { bytes, count, plural } from "../../format";
import { keysRest } from "../../keys";
import { routes, turn } from "../../route";
import { forgetFeeds } from "../../state/feeds";
import { say } from "../../state/overlays";
import { noteFailure, refreshAbout } from "../../state/session";
import { useStore } from "../../state/store";
import { fromTrash, mark, toTrash, useCopies, type Copies as Known, type CopiesState, type Group } from "./asking";
import { SetView } from "./set";
import { Sets } from "./sets";

const DEFAULT = "0.5";
const SETTLE_MS = 150;

type Done = { what: "moved"; batch: number } | { what: "marked"; here: number; there: number };

export function Copies() {
  const { knobs } = useStore(routes);
  const atLeast = knobs["at_least"] ?? DEFAULT;
  const known = useCopies(atLeast);
  useLayoutEffect(() => scrollTo(0, 0), []);
  const { groups, failure, state } = known;
  if (failure && !groups) {
    return (
      <Notice icon="warning" tone="bad" title="Copies cannot be looked for" actions={<a class="button primary" href="/">To the library</a>}>
        {failure}
      </Notice>
    );
  }
  if (!groups || !state) return <p class="hint copies-wait" role="status">Asking…</p>;
  if (state.state === "running") return <Looking state={state} />;
  if (groups.total === 0 && state.unchecked > 0 && state.checked === 0) return <Begin known={known} state={state} />;
  return <Found known={known} atLeast={atLeast} state={state} />;
}

function Begin({ known, state }: { known: Known; state: CopiesState }) {
  return (
    <Notice
      icon="copies"
      title="Find copies"
      actions={<button type="button" class="button primary" onClick={known.look}>Compare {plural(state.unchecked, "picture")}</button>}
    >
      {state.error ?? "The same picture twice, cropped, mirrored, recoloured, written on, or pasted into another: all of them in one set. Nothing is changed by looking."}
    </Notice>
  );
}

function Looking({ state }: { state: CopiesState }) {
  const share = state.total ? state.done / state.total : 0;
  return (
    <section class="notice copies-looking" role="status">
      <Icon name="copies" size={36} />
      <h2>{state.stage === "Fingerprints" ? "Taking fingerprints" : "Comparing pictures"}</h2>
      <progress value={share} max={1} aria-label="How far it is" />
      <p>
        {count(state.done)} of {plural(state.total, "picture")}
        {state.found > 0 && `, ${plural(state.found, "copy", "copies")} found`}
      </p>
      <p class="hint">You may leave this page: what is compared is kept.</p>
    </section>
  );
}

function Found({ known, atLeast, state }: { known: Known; atLeast: string; state: CopiesState }) {
  const { knobs } = useStore(routes);
  const groups = known.groups as NonNullable<Known["groups"]>;
  const [undoable, setUndoable] = useState<readonly Done[]>([]);
  const chosen = Math.max(0, groups.groups.findIndex((group) => holds(group, knobs["set"])));
  const group = groups.groups[chosen];
  const toSet = (step: number) => {
    const next = groups.groups[Math.min(groups.groups.length - 1, Math.max(0, chosen + step))];
    if (next) turn({ set: String(next.keep), copy: "" });
  };
  const changed = () => {
    known.refresh();
    forgetFeeds();
    void refreshAbout();
  };
  const failed = (error: unknown) => {
    const sentence = noteFailure(error);
    if (sentence) say(sentence, "bad");
  };
  const notCopy = (here: number, there: number) =>
    mark(here, there, false).then(() => {
      setUndoable([...undoable, { what: "marked", here, there }]);
      say("Remembered: these two are no copies.");
      known.refresh();
    }, failed);
  const trash = (ids: readonly number[]) =>
    toTrash(ids).then(({ batch, moved, refused }) => {
      if (batch) setUndoable([...undoable, { what: "moved", batch }]);
      say(refused[0] ?? `${plural(moved.length, "picture")} moved to the trash.`, refused.length ? "bad" : "plain");
      changed();
    }, failed);
  const undo = () => {
    const last = undoable.at(-1);
    if (!last) return say("There is nothing to undo.");
    setUndoable(undoable.slice(0, -1));
    if (last.what === "marked") {
      mark(last.here, last.there, true).then(() => (say("They may be copies again."), known.refresh()), failed);
    } else {
      fromTrash(last.batch).then(({ moved, refused }) => (say(refused[0] ?? `${plural(moved.length, "picture")} brought back.`), changed()), failed);
    }
  };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (keysRest(event)) return;
      if (event.key === "ArrowDown" || event.key === "j") toSet(1);
      else if (event.key === "ArrowUp") toSet(-1);
      else if (event.key === "u") undo();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown, true); // before "u" asks for a picture of one's own
    return () => document.removeEventListener("keydown", onKeyDown, true);
  });
  return (
    <div class="copies">
      <header class="copies-head">
        <div>
          <h1>Copies</h1>
          <p class="hint" role="status">
            {groups.total === 0 ? "None at this threshold" : `${plural(groups.total, "set")}, ${plural(groups.spare, "spare picture")}, ${bytes(groups.freed)}`}
            {groups.similar > 0 && ` · ${plural(groups.similar, "pair")} only alike`}
          </p>
        </div>
        <Threshold value={atLeast} />
        <div class="summary-tools">
          {state.unchecked > 0 && (
            <button type="button" class="pill" onClick={known.look}><Icon name="refresh" size={16} /> Compare {plural(state.unchecked, "new picture")}</button>
          )}
          <button type="button" class="pill" onClick={undo} disabled={!undoable.length} title="Undo (u)"><Icon name="undo" size={16} /> <span class="wide-only">Undo</span></button>
          <CopyMenu />
        </div>
      </header>
      {group ? (
        <div class="copies-body">
          <Sets groups={groups} chosen={chosen} choose={(index) => toSet(index - chosen)} more={known.more} />
          <SetView key={group.keep} group={group} readOnly={groups.read_only} notCopy={notCopy} trash={trash} next={() => toSet(1)} />
        </div>
      ) : (
        <Notice icon="check" title="No copies">
          {groups.similar > 0 ? "Some pictures are alike, but none is another one, edited. A lower threshold shows pairs that are less sure." : "Every picture is there once."}
        </Notice>
      )}
    </div>
  );
}

const holds = (group: Group, id: string | undefined) => group.members.some(({ picture }) => String(picture.id) === id);

/** How sure a copy must be. Nothing is compared again. */
function Threshold({ value }: { value: string }) {
  const [now, setNow] = useState(Number(value));
  useEffect(() => setNow(Number(value)), [value]);
  useEffect(() => {
    const wanted = String(now);
    if (wanted === value) return;
    const later = setTimeout(() => turn({ at_least: wanted === DEFAULT ? "" : wanted }), SETTLE_MS);
    return () => clearTimeout(later);
  }, [now]);
  return (
    <label class="copies-threshold" title="Move it freely: nothing is compared again">
      <span>At least {Math.round(100 * now)} % sure</span>
      <input type="range" min={0.05} max={0.99} step={0.01} value={now} onInput={(event) => setNow(Number(event.currentTarget.value))} />
    </label>
  );
}
