"""Studies and limits as Markdown: tables that read well as they are, and anywhere that renders them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dinoscope.operations.edit_kinds import KINDS
from dinoscope.operations.robustness import Limit
from dinoscope.operations.robustness_study import Row, Study

BARS = "▁▂▃▄▅▆▇█"  # of the shares at each strength


def study_report(found: Study) -> str:
    """A folder's study: what came out, then a line an edit, models side by side."""
    names = [model.name for model in found.models]
    lines = [
        f"# Robustness on {found.folder.name}",
        "",
        f"{found.originals} pictures were edited and looked for among {found.among} of the folder, "
        f"with seed {found.seed}.",
        *([f"{found.refused} files could not be read."] if found.refused else []),
        "",
        *(f"- {sentence[:1].upper()}{sentence[1:]}." for sentence in found.sentences),
        "",
        *_table(
            ["", *names],
            [
                ["originals found first", *(_percent(model.held) for model in found.models)],
                ["time a picture", *(f"{model.milliseconds:.0f} ms" for model in found.models)],
            ],
        ),
        "",
        "Each cell: share of originals found first, a bar for each strength, and the first strength at which",
        "not even half are found.",
        "",
        *_table(["edit", "up to", *names], [_row(row, len(names)) for row in found.rows]),
    ]
    return "\n".join(lines) + "\n"


def limits_report(name: str, limits: Sequence[Limit], among: int) -> str:
    """One picture's limits, the weakest edit first."""
    rows = [[title_of(limit), _strength(limit), limit.sentence] for limit in limits]
    head = [f"# Robustness of {name}", "", f"Looked for among {among:,} pictures.", ""]
    return "\n".join([*head, *_table(["edit", "strength", "the original is"], rows)]) + "\n"


def title_of(edit: Row | Limit) -> str:
    """ "Brightness, darker"; "Blur" where there is but one way."""
    kind = KINDS[edit.kind]
    return f"{kind.title}, {kind.way(edit.direction)}" if kind.less else kind.title


def cell(row: Row, model: int) -> str:
    """What one model makes of one edit: "75 % ██▆▃ ×0.18"."""
    shares = "".join(BARS[round(share * (len(BARS) - 1))] for share in row.first[model])
    limit = row.limit(model)
    return f"{_percent(row.held(model))} {shares}" + (f" {limit}" if limit else "")


def _row(row: Row, models: int) -> list[str]:
    return [title_of(row), row.amounts[-1], *(cell(row, model) for model in range(models))]


def _strength(limit: Limit) -> str:
    return "-" if limit.strength is None else f"{limit.strength:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
