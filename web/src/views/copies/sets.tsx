// The list of sets: a small fan of each, the one that is looked at marked.
import { useEffect, useRef } from "preact/hooks";
import { queryThumbnailUrl } from "../../api";
import { bytes, plural } from "../../format";
import type { Groups } from "./asking";

interface Props {
  groups: Groups;
  chosen: number;
  choose: (index: number) => void;
  more: () => void;
}

const FAN = 3; // pictures of a set that are shown

export function Sets({ groups, chosen, choose, more }: Props) {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  return (
    <nav class="copies-sets" aria-label="Sets of copies">
      <ol ref={list}>
        {groups.groups.map((group, index) => (
          <li key={group.keep}>
            <button type="button" aria-current={index === chosen ? "true" : undefined} onClick={() => choose(index)}>
              <span class="copies-fan">
                {group.members.slice(0, FAN).map(({ picture }) => (
                  <img key={picture.id} src={queryThumbnailUrl(String(picture.id), 160)} alt="" loading="lazy" draggable={false} />
                ))}
              </span>
              <span>
                <b>{plural(group.members.length, "picture")}</b>
                <small>{group.freed > 0 ? `${bytes(group.freed)} spare` : "to look at"}</small>
              </span>
            </button>
          </li>
        ))}
      </ol>
      {groups.next_offset !== null && <button type="button" class="button" onClick={more}>More sets</button>}
    </nav>
  );
}
