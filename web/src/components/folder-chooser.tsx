import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { navigate } from "../route";
import { startIndexing } from "../state/jobs";
import { dialog, say } from "../state/overlays";
import { noteFailure } from "../state/session";
import type { FolderListing } from "../wire";
import { Icon } from "./icon";
import { CloseButton, Modal } from "./modal";

/** Choose a folder on the machine where the server runs, and index it. */
export function FolderChooser() {
  const [path, setPath] = useState<string | null>(null);
  const [listing, setListing] = useState<FolderListing | null>(null);
  const [typed, setTyped] = useState<string | null>(null); // a listing that arrives late must not replace it
  const [error, setError] = useState<string | null>(null);
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    const abort = new AbortController();
    api.folders(path, abort.signal).then(
      (found) => {
        setListing(found);
        setError(null);
        list.current?.scrollTo(0, 0);
      },
      (failure: unknown) => setError(noteFailure(failure)),
    );
    return () => abort.abort();
  }, [path]);

  const go = (to: string | null) => {
    setTyped(null);
    setPath(to);
  };
  const close = () => dialog.set(null);
  const index = async (folder: string) => {
    const refused = await startIndexing([folder]);
    if (refused) {
      setError(refused);
      return;
    }
    close();
    say("Indexing has started; you can search what is there already.");
    navigate({ view: "activity" });
  };

  return (
    <Modal label="Add pictures" kind="sheet" onClose={close}>
      <header class="sheet-head">
        <h2>Add pictures</h2>
        <CloseButton onClose={close} />
      </header>
      <p class="hint">Choose a folder on the machine that Dinoscope runs on. Pictures stay where they are.</p>
      <form
        class="path-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed !== null) go(typed);
        }}
      >
        <button
          type="button"
          class="button bare"
          aria-label="One folder up"
          title="One folder up"
          disabled={!listing?.parent}
          onClick={() => go(listing?.parent ?? null)}
        >
          <Icon name="up" />
        </button>
        <input
          class="field code"
          name="path"
          aria-label="Folder"
          value={typed ?? listing?.path ?? ""}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit" class="button">Go</button>
      </form>
      {error && <p class="form-error" role="alert">{error}</p>}
      <ul class="folders" role="list" aria-label="Folders" ref={list} tabIndex={-1}>
        {listing?.folders.map((folder) => (
          <li key={folder.path}>
            <button type="button" class="option" onClick={() => go(folder.path)}>
              <Icon name="folder" />
              <span>{folder.name}</span>
              <Icon name="next" size={14} />
            </button>
          </li>
        ))}
        {listing?.folders.length === 0 && <li class="hint">No folders in here.</li>}
      </ul>
      <footer class="sheet-foot">
        <button type="button" class="button" onClick={close}>Cancel</button>
        <button type="button" class="button primary" disabled={!listing} onClick={() => listing && void index(listing.path)}>
          Index this folder
        </button>
      </footer>
    </Modal>
  );
}
