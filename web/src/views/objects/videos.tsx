// The videos of the library that a thing can be looked for in.
import { useEffect, useState } from "preact/hooks";
import { isAbort } from "../../api";
import { Icon } from "../../components/icon";
import { Popover } from "../../components/popover";
import type { Thing } from "../../objects";
import { formatRoute } from "../../route";
import { noteFailure } from "../../state/session";
import { about } from ".";
import { time, videos, type Video } from "./moments";

export function Videos({ thing }: { thing: Thing }) {
  const [found, setFound] = useState<readonly Video[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    videos(abort.signal).then(setFound, (error: unknown) => !isAbort(error) && noteFailure(error));
    return () => abort.abort();
  }, []);
  if (found.length === 0) return null;
  return (
    <span class="where-videos">
      <Popover label="In a video" icon="play">
        {(close) => (
          <div class="facet">
            {found.map((video) => (
              <a key={video.id} class="option" href={formatRoute(about(thing.name, { video: String(video.id) }))} title={video.path} onClick={close}>
                <Icon name="play" size={16} />
                <span>{video.name}</span>
                <small>{time(video.seconds)}</small>
              </a>
            ))}
          </div>
        )}
      </Popover>
    </span>
  );
}
