// The photos a thing is taught from, each close to what is understood as the thing.
import { Icon } from "../../components/icon";
import { useAsked } from "../../state/asked";
import { OWN_PICTURE } from "../../components/query-bar";
import type { Outlined } from "../../objects";
import { navigate, turn } from "../../route";
import { keepPhotos, MOST_PHOTOS, showPhoto, withoutPhoto, type Photo } from "../../state/things";
import { queryThumbnailUrl } from "../../api";
import { Crop } from "../objects/sighting";

interface Props {
  photos: readonly Photo[];
  shown: string;
  outlines: readonly Outlined[];
}

export function Strip({ photos, shown, outlines }: Props) {
  const room = photos.length < MOST_PHOTOS;
  return (
    <ul class="remember-strip" role="list" aria-label={`Photos: ${photos.length} of at most ${MOST_PHOTOS}`}>
      {photos.map(({ query }, index) => (
        <li key={query} aria-current={query === shown ? "true" : undefined}>
          <button type="button" class="remember-photo" aria-label={`Photo ${index + 1}`} aria-pressed={query === shown} onClick={() => query !== shown && showPhoto(query)}>
            <Close query={query} seen={outlines[index]} />
          </button>
          {photos.length > 1 && (
            <button type="button" class="thing-drop" aria-label={`Leave out photo ${index + 1}`} title="Leave it out" onClick={() => withoutPhoto(query)}>
              <Icon name="close" size={14} />
            </button>
          )}
        </li>
      ))}
      {room && shown && (
        <li class="remember-more">
          <button type="button" class="thing-more" onClick={() => (keepPhotos(), navigate({ of: "", marks: [] }))}>
            <Icon name="grid" size={20} /><small>From the library</small>
          </button>
          <label class="thing-more" for={OWN_PICTURE}><Icon name="image" size={20} /><small>Your own</small></label>
          <button type="button" class="thing-more" onClick={() => (keepPhotos(), turn({ show: "camera" }, "push"))}>
            <Icon name="camera" size={20} /><small>Camera</small>
          </button>
        </li>
      )}
    </ul>
  );
}

function Close({ query, seen }: { query: string; seen: Outlined | undefined }) {
  const { asked } = useAsked(query);
  if (!asked || !seen) return <img src={queryThumbnailUrl(query, 160)} alt="" draggable={false} />;
  return <Crop query={query} extent={asked} box={seen.box} side={960} />;
}
