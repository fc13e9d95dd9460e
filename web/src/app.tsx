import { useEffect, useLayoutEffect } from "preact/hooks";
import { DropZone } from "./components/drop-zone";
import { FolderChooser } from "./components/folder-chooser";
import { Notice, OfflineBar, Toast } from "./components/notice";
import { ShortcutSheet } from "./components/shortcuts";
import { TopBar } from "./components/top-bar";
import { onGlobalKey } from "./global-keys";
import { formatRoute, navigate, parseRoute, routes } from "./route";
import { healFeeds } from "./state/feeds";
import { dialog } from "./state/overlays";
import { refreshAbout, session } from "./state/session";
import { useStore } from "./state/store";
import { VIEWS } from "./views";
import { Details } from "./views/details";
import { titleOf } from "./views/library";
import { Login } from "./views/login";

export function App() {
  const route = useStore(routes);
  const { locked, offline, about, failure } = useStore(session);
  const shown = useStore(dialog);
  const view = VIEWS[route.view];

  // Before the first paint: nobody can be faster than the listener.
  useLayoutEffect(() => {
    document.addEventListener("keydown", onGlobalKey);
    document.addEventListener("click", followLink);
    return () => {
      document.removeEventListener("keydown", onGlobalKey);
      document.removeEventListener("click", followLink);
    };
  }, []);
  useEffect(() => {
    document.title = view && route.view !== "" ? `${view.title} · Dinoscope` : titleOf(route, about?.library.pictures);
  }, [formatRoute(route), about]);

  const reachable = !offline && !locked;
  useEffect(() => {
    if (reachable) healFeeds();
  }, [reachable]);

  if (locked) return <Login />;
  return (
    <>
      <a class="skip" href="#main">Skip to the pictures</a>
      <OfflineBar />
      <TopBar />
      <main id="main" tabIndex={-1}>
        {failure && !about ? (
          <Notice
            icon="warning"
            tone="bad"
            title="The library cannot be opened"
            actions={<button type="button" class="button primary" onClick={() => void refreshAbout()}>Try again</button>}
          >
            {failure}
          </Notice>
        ) : view ? (
          <view.Page />
        ) : (
          <Notice icon="search" title="There is no such page" actions={<a class="button primary" href="/">To the library</a>} />
        )}
      </main>
      {route.picture !== null && <Details id={route.picture} />}
      {shown === "folders" && <FolderChooser />}
      {shown === "shortcuts" && <ShortcutSheet />}
      <DropZone />
      <Toast />
    </>
  );
}

/** Links within the page change the route; the page itself is never loaded anew. */
function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  navigate(parseRoute(link.pathname, link.search));
}
