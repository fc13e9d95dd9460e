// A view whose code comes when it is first shown: the library opens no slower for views not looked at.
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Notice } from "./notice";

type Load = () => Promise<FunctionComponent>;

/** A component that stands for the one `load` brings. */
export function lazily(load: Load): FunctionComponent {
  let Loaded: FunctionComponent | null = null;
  return function Lazily() {
    const [, redraw] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (Loaded) return;
      let shown = true;
      load().then(
        (component) => {
          Loaded = component;
          if (shown) redraw((n) => n + 1);
        },
        () => shown && setFailed(true),
      );
      return () => void (shown = false);
    }, []);
    if (Loaded) return <Loaded />;
    if (!failed) return <div class="coming" aria-busy="true" />;
    return (
      <Notice
        icon="warning"
        tone="bad"
        title="This view did not arrive"
        actions={<button type="button" class="button primary" onClick={() => location.reload()}>Load the page anew</button>}
      >
        The server does not answer, or the page was updated while it was open.
      </Notice>
    );
  };
}
