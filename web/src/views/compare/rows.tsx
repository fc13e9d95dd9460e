// A picture, and what lies nearest to it by either model, in two rows.
import { thumbnailUrl } from "../../api";
import { formatRoute, routes } from "../../route";
import { useStore } from "../../state/store";
import type { Example, Neighbour, Picture } from "../../wire";

interface Props {
  example: Example;
  labels: readonly [string, string]; // over the rows
  turned?: boolean; // the second model's row comes first
  plain?: boolean; // neither scores nor marks nor links: nothing may tell which model it is
}

export function Rows({ example, labels, turned = false, plain = false }: Props) {
  const rows = [
    { label: labels[0], near: example.first },
    { label: labels[1], near: example.second },
  ];
  if (turned) rows.reverse();
  return (
    <article class="beside" aria-label={example.query.name}>
      <Thumb picture={example.query} side={320} plain={plain} caption={example.query.name} />
      <div>
        {rows.map(({ label, near }, at) => (
          <div key={at} class="near" role="group" aria-label={label}>
            <h3>{label}</h3>
            <ol role="list">
              {near.map((one) => <li key={one.picture.id}><Near one={one} plain={plain} /></li>)}
            </ol>
          </div>
        ))}
      </div>
    </article>
  );
}

function Near({ one, plain }: { one: Neighbour; plain: boolean }) {
  return (
    <Thumb picture={one.picture} side={160} plain={plain} caption={plain ? "" : one.score.toFixed(2)} shared={one.shared && !plain} />
  );
}

interface ThumbProps {
  picture: Picture;
  side: 160 | 320;
  caption: string;
  plain: boolean;
  shared?: boolean;
}

function Thumb({ picture, side, caption, plain, shared = false }: ThumbProps) {
  const route = useStore(routes);
  const image = <img src={thumbnailUrl(picture, side)} alt={picture.name} loading="lazy" decoding="async" draggable={false} />;
  return (
    <figure>
      {plain ? image : (
        <a href={formatRoute({ ...route, around: picture.id })} title={picture.name} aria-label={`Around ${picture.name}`}>{image}</a>
      )}
      {caption && (
        <figcaption>
          {shared && <i class="shared-dot" role="img" aria-label="both models" />}
          <span>{caption}</span>
        </figcaption>
      )}
    </figure>
  );
}
