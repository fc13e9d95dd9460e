// One thing: what it is known by, and where it is in the library.
import { useState } from "preact/hooks";
import { Chooser } from "../../components/chooser";
import { CopyMenu } from "../../components/copy-menu";
import { Icon } from "../../components/icon";
import { CloseButton, Modal } from "../../components/modal";
import { drop, exportUrl, forget, rename, viewUrl, type Kind, type Thing } from "../../objects";
import { formatRoute, navigate, routes } from "../../route";
import { say } from "../../state/overlays";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { doubts, forgotten, learnt, teachFrom } from "../../state/things";
import { about } from ".";
import { InLibrary } from "./in-library";
import { Videos } from "./videos";

const failed = (error: unknown) => {
  const sentence = noteFailure(error);
  if (sentence) say(sentence, "bad");
};

export function One({ thing }: { thing: Thing }) {
  const { knobs } = useStore(routes);
  if (knobs["show"] === "picture") {
    return (
      <Chooser title={`Look for ${thing.name} in …`} does={`look for ${thing.name}`} choose={(query) => ({ ...about(thing.name, {}, query), filters: routes.get().filters })}>
        Choose the picture to look in.
      </Chooser>
    );
  }
  return (
    <div class="things">
      <Head thing={thing} />
      <Doubts thing={thing} />
      <Photos thing={thing} />
      <nav class="where-ways" aria-label="Where to look">
        <a class="button" href={formatRoute(about(thing.name, { show: "picture" }))}><Icon name="image" /> In one picture</a>
        <a class="button" href={formatRoute(about(thing.name, { show: "camera" }))}><Icon name="camera" /> Before the camera</a>
        <Videos thing={thing} />
      </nav>
      <InLibrary thing={thing} />
    </div>
  );
}

function Head({ thing }: { thing: Thing }) {
  const [renaming, setRenaming] = useState(false);
  const [forgetting, setForgetting] = useState(false);
  return (
    <header class="things-head">
      <div>
        <p class="crumbs"><a href="/objects"><Icon name="back" size={14} /> My things</a></p>
        {renaming ? <Naming thing={thing} done={() => setRenaming(false)} /> : <h1>{thing.name}</h1>}
      </div>
      <div class="summary-tools">
        {!renaming && <button type="button" class="pill" onClick={() => setRenaming(true)}><Icon name="tag" size={16} /> <span>Rename</span></button>}
        <a class="pill" href={exportUrl(thing.name)} download={`${thing.name}.npz`} title="One file for another library. It holds crops of your photos">
          <Icon name="download" size={16} /> <span>Export</span>
        </a>
        <button type="button" class="pill" onClick={() => setForgetting(true)}><Icon name="clear" size={16} /> <span>Forget</span></button>
        <CopyMenu />
      </div>
      {forgetting && <Forgetting thing={thing} close={() => setForgetting(false)} />}
    </header>
  );
}

function Naming({ thing, done }: { thing: Thing; done: () => void }) {
  const [name, setName] = useState(thing.name);
  const keep = async () => {
    try {
      if (name.trim() !== thing.name) {
        const renamed = await rename(thing.name, name);
        learnt(renamed, thing.name);
        navigate(about(renamed.name), "replace");
      }
      done();
    } catch (error) {
      failed(error);
    }
  };
  return (
    <form class="thing-rename" onSubmit={(event) => (event.preventDefault(), void keep())}>
      <input class="field" autofocus aria-label="Its name" value={name} maxLength={100} onInput={(event) => setName(event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), done())} />
      <button type="submit" class="button primary" disabled={!name.trim()}>Rename</button>
      <button type="button" class="button" onClick={done}>Cancel</button>
    </form>
  );
}

function Forgetting({ thing, close }: { thing: Thing; close: () => void }) {
  const go = async () => {
    try {
      await forget(thing.name);
      close();
      navigate({ ...about(""), knobs: {} }, "replace");
      forgotten(thing.name);
      say(`${thing.name} is forgotten.`);
    } catch (error) {
      failed(error);
    }
  };
  return (
    <Modal label={`Forget ${thing.name}?`} kind="sheet" onClose={close}>
      <header class="sheet-head"><h2>Forget {thing.name}?</h2><CloseButton onClose={close} /></header>
      <p class="things-forget">What was kept of it is overwritten and deleted, and cannot be brought back. The pictures it was taught from are yours and stay. Export it first if you may want it again.</p>
      <div class="notice-actions">
        <button type="button" class="button" onClick={close}>Keep it</button>
        <button type="button" class="button danger" onClick={() => void go()}><Icon name="clear" /> Forget it</button>
      </div>
    </Modal>
  );
}

/** What did not look right when it was taught. */
function Doubts({ thing }: { thing: Thing }) {
  const { name, notes } = useStore(doubts);
  if (name !== thing.name || notes.length === 0) return null;
  return (
    <div class="verdict part-note" role="status">
      <Icon name="warning" size={22} />
      <div>{notes.map((note) => <p key={note}>{note}.</p>)}</div>
      <button type="button" class="button" onClick={() => doubts.set({ name: "", notes: [] })}>It is right</button>
    </div>
  );
}

const KINDS: Record<Kind, string> = { taught: "Photo", yes: "You said yes", no: "Another one" };

function Photos({ thing }: { thing: Thing }) {
  const [busy, setBusy] = useState(false);
  const only = thing.views.filter(({ kind }) => kind !== "no").length === 1;
  const takeBack = async (number: number) => {
    setBusy(true);
    try {
      learnt(await drop(thing.name, number));
      doubts.set({ name: "", notes: [] });
    } catch (error) {
      failed(error);
    }
    setBusy(false);
  };
  return (
    <ul class="thing-views" role="list" aria-label="What it is known by">
      {thing.views.map((view, number) => (
        <li key={`${thing.views.length} ${number}`} class={view.kind}>
          <img src={viewUrl(thing, number)} alt={`${KINDS[view.kind]}: ${view.source}`} title={view.source} />
          <small>{KINDS[view.kind]}</small>
          {!(only && view.kind !== "no") && (
            <button type="button" class="thing-drop" disabled={busy} aria-label={`Take back: ${KINDS[view.kind]}, ${view.source}`} title="Take it back" onClick={() => void takeBack(number)}>
              <Icon name="close" size={14} />
            </button>
          )}
        </li>
      ))}
      <li>
        <a class="thing-more" href={formatRoute({ ...about(""), view: "remember", knobs: { thing: thing.name } })} onClick={(event) => also(event, thing)}>
          <Icon name="add" size={24} />
          <small>Also this</small>
        </a>
      </li>
    </ul>
  );
}

function also(event: MouseEvent, thing: Thing): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  navigate(teachFrom(routes.get(), "", [], thing.name));
}
