// A picture that was brought along: is it, or what it was made from, in the library already?
import { useEffect, useState } from "preact/hooks";
import { call, isUpload, queryString, thumbnailUrl, withSignal } from "../api";
import { percent } from "../format";
import { formatRoute, routes } from "../route";
import type { Picture } from "../wire";

interface Hit {
  picture: Picture;
  found: { copy: number; edits: readonly { name: string; title: string }[] };
}

const SURE = 0.9; // what is said unasked had better be right

export function Had({ query }: { query: string }) {
  const [hits, setHits] = useState<readonly Hit[]>([]);
  useEffect(() => {
    setHits([]);
    if (!isUpload(query)) return;
    const abort = new AbortController();
    const asked = queryString({ picture: query, at_least: SURE, quick: true });
    // Nobody asked for it, so nobody is told when it cannot be had.
    call<{ copies: readonly Hit[] }>(`/copies/of${asked}`, withSignal(abort.signal)).then((found) => setHits(found.copies), () => {});
    return () => abort.abort();
  }, [query]);

  const [first, ...others] = hits;
  if (!first) return null;
  const { picture, found } = first;
  const same = found.edits.some((edit) => edit.name === "identical");
  return (
    <div class="verdict had" role="status">
      <img src={thumbnailUrl(picture, 160)} alt="" />
      <div>
        <b>{same ? "This very file is in the library already" : "This picture is in the library already"}</b>
        <p>
          <a class="text-link" href={formatRoute({ ...routes.get(), picture: picture.id })}>{picture.name}</a>
          {!same && `: ${found.edits.map((edit) => edit.title).join(", ")}, ${percent(100 * found.copy)} sure`}
          {others.length > 0 && `, and ${others.length} more like that`}
        </p>
      </div>
    </div>
  );
}
