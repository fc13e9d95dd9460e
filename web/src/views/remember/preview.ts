// What would be remembered of the photos as they are marked now: asked for when the hand rests.
import { useEffect, useState } from "preact/hooks";
import { isAbort } from "../../api";
import { outline, type Outlined } from "../../objects";
import { draft } from "../../state/part";
import { noteFailure } from "../../state/session";
import { useStore } from "../../state/store";
import { bodyOf, type Photo } from "../../state/things";

const REST_MS = 250;

export interface Preview {
  outlines: readonly Outlined[]; // one a photo; none while nothing is known
  failure: string | null; // a sentence: nothing there, nothing stands out
  looking: boolean;
}

export function usePreview(photos: readonly Photo[]): Preview {
  const [preview, setPreview] = useState<Preview>({ outlines: [], failure: null, looking: true });
  const drawing = useStore(draft) !== null;
  const key = JSON.stringify(photos.map(bodyOf));
  useEffect(() => {
    if (drawing || photos.length === 0) return;
    const abort = new AbortController();
    setPreview((before) => ({ ...before, failure: null, looking: true }));
    const timer = setTimeout(() => {
      outline(photos.map(bodyOf), abort.signal).then(
        (outlines) => setPreview({ outlines, failure: null, looking: false }),
        (error: unknown) => {
          if (!isAbort(error)) setPreview({ outlines: [], failure: noteFailure(error), looking: false });
        },
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key, drawing]);
  return drawing ? { ...preview, outlines: [] } : preview;
}
