// What is shown, as a file: a picture, a figure that can be edited, or all numbers.
import { queryString } from "../../api";
import { Icon } from "../../components/icon";
import { Popover } from "../../components/popover";
import type { At } from "../../grids";
import type { Question } from "./asking";
import type { Show } from "./stage";

interface Props {
  question: Question;
  show: Show;
  mass: number | null;
  cut: boolean;
  at: At | null;
}

const FORMATS: readonly [format: string, title: string, hint: string][] = [
  ["png", "Picture", "PNG"],
  ["svg", "Figure to edit", "SVG"],
  ["npz", "All numbers", "NPZ"],
];

export function Export({ question, show, mass, cut, at }: Props) {
  const address = (format: string) =>
    `/api/v1/look/export${queryString({
      ...question,
      show,
      format,
      mass: show === "attention" ? mass : null,
      cut: show === "colours" && cut ? true : null,
      x: show === "likeness" ? at?.[0] : null,
      y: show === "likeness" ? at?.[1] : null,
    })}`;
  return (
    <Popover label="Export" icon="download" align="end">
      {(close) => FORMATS.map(([format, title, hint]) =>
        show === "likeness" && !at && format !== "npz" ? (
          <p key={format} class="option off"><span>{title}: choose a place first</span></p>
        ) : (
          <a key={format} class="option" href={address(format)} download={`${show}.${format}`} onClick={close}>
            <Icon name="download" size={16} />
            <span>{title}</span>
            <small>{hint}</small>
          </a>
        ),
      )}
    </Popover>
  );
}
