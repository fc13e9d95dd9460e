import { navigate, routes, type Order } from "../route";
import { useStore } from "../state/store";
import { Icon } from "./icon";
import { Popover } from "./popover";

const SORTS: readonly [order: Order, descending: boolean, title: string][] = [
  ["added", true, "Added last"],
  ["added", false, "Added first"],
  ["taken", true, "Newest"],
  ["taken", false, "Oldest"],
  ["path", false, "Name, A to Z"],
  ["path", true, "Name, Z to A"],
  ["size", true, "Largest"],
  ["size", false, "Smallest"],
];

export function SortMenu() {
  const { order, descending } = useStore(routes);
  const now = SORTS.find((sort) => sort[0] === order && sort[1] === descending);
  return (
    <Popover label={now?.[2] ?? "Sort"} icon="sort" align="end">
      {(close) =>
        SORTS.map(([by, down, title]) => {
          const on = by === order && down === descending;
          const pick = () => {
            close();
            navigate({ order: by, descending: down });
          };
          return (
            <button key={title} type="button" class="option" aria-pressed={on} onClick={pick}>
              <span>{title}</span>
              {on && <Icon name="check" size={16} />}
            </button>
          );
        })
      }
    </Popover>
  );
}
