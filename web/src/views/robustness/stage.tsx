// The picture as the server edits it and the model is shown it; the original, for as long as it is held down.
import { useEffect, useState } from "preact/hooks";
import { queryImageUrl, queryThumbnailUrl } from "../../api";
import { Icon } from "../../components/icon";
import type { Asked } from "../../state/asked";

interface Props {
  asked: Asked;
  url: string | null; // of the edited picture; null: not there yet
  edited: boolean;
  current: boolean; // is it what is asked for?
}

export function Stage({ asked, url, edited, current }: Props) {
  const [held, setHeld] = useState(false);
  const original = held || !url;
  useEffect(() => {
    if (!edited) setHeld(false);
  }, [edited]);
  const hold = (down: boolean) => () => setHeld(down && edited);
  const onKey = (down: boolean) => (event: KeyboardEvent) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    setHeld(down && edited);
  };
  return (
    <div
      class={`lab-stage${edited ? " can-hold" : ""}`}
      style={{ aspectRatio: `${asked.width} / ${asked.height}`, "--ratio": String(asked.width / asked.height) }}
      tabIndex={edited ? 0 : -1}
      role="button"
      aria-label={edited ? "Hold to see the original" : asked.name}
      aria-pressed={held}
      aria-busy={!current}
      data-lab-stage
      onPointerDown={(event) => {
        if (event.button === 0) hold(true)();
      }}
      onPointerUp={hold(false)}
      onPointerLeave={hold(false)}
      onPointerCancel={hold(false)}
      onContextMenu={(event) => held && event.preventDefault()}
      onKeyDown={onKey(true)}
      onKeyUp={onKey(false)}
      onBlur={hold(false)}
    >
      <img class="lab-original" src={queryThumbnailUrl(asked.query, 320)} alt="" draggable={false} hidden={!original} />
      <img class="lab-original" src={queryImageUrl(asked.query, 1600)} alt={held ? asked.name : ""} draggable={false} hidden={!original} />
      {url && <img class="lab-edited" src={url} alt={`${asked.name}, edited`} draggable={false} hidden={held} />}
      {edited && (
        <span class="lab-hold" aria-hidden="true">
          <Icon name="look" size={14} /> {held ? "The original" : "Hold to see the original"}
        </span>
      )}
    </div>
  );
}
