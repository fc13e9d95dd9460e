"""A training as a whole: pictures, recipe, run folder, loop, and the model in the end."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from dinoscope.errors import BadRequest, DiskFull, NoSuchRun
from dinoscope.models.card import ModelCard
from dinoscope.models.cards import card_of
from dinoscope.models.config import Tensors
from dinoscope.models.names import canonical
from dinoscope.models.owned import Provenance, check_name
from dinoscope.models.tensors import read_tensors
from dinoscope.models.vit import Vit
from dinoscope.models.weights import fetch
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings
from dinoscope.training import checkpoints
from dinoscope.training.distributed import Place, agreed, joined
from dinoscope.training.export import export
from dinoscope.training.gathering import gather, gathering
from dinoscope.training.items import Items
from dinoscope.training.journal import TrainingProgress
from dinoscope.training.loader import Loader, default_workers
from dinoscope.training.loop import Plan, train
from dinoscope.training.options import Options
from dinoscope.training.overrides import first_difference, from_json, overridden, to_json
from dinoscope.training.presets import recipe_for, start_of
from dinoscope.training.recipe import Recipe
from dinoscope.training.runs import Run, list_runs, open_run
from dinoscope.training.step import Stepper

_TRIALS, _WARM = 8, 3  # steps measured to fit a training into minutes, and of them not counted
_OVERHEAD = 0.92  # share of the minutes that steps get; probes, samples and checkpoints take the rest
_EVERY = 0.5  # seconds between two notes while pictures are looked for


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """What the leading process made ready."""

    run: Run
    recipe: Recipe
    items: Items
    probe: Path | None


def course(options: Options) -> Iterator[TrainingProgress]:
    """All of a training; see ``training.start.begin``, which is how to call it."""
    if options.settings.threads:
        torch.set_num_threads(options.settings.threads)
    with joined(options.device) as place, ExitStack() as held:
        if place.leads:
            prepared = yield from _prepare(options, place, held)
            agreed(prepared.run.name, place)
        else:
            prepared = _follow(options, agreed("", place))
        plan = _plan(options, prepared, place)
        start = _start_of(prepared.recipe, options.settings)
        last = None
        for last in train(prepared.run, prepared.recipe, prepared.items, plan, place, start=start):
            yield replace(last, finished=False)
        if last is not None and last.finished and place.leads and options.export:
            yield replace(last, finished=False, note="making a model of it")
            card = export_run(prepared.run, prepared.items.digest, options.settings)
            note = f"the model is there: dinoscope index --model {card.name}"
            last = replace(last, model=card.name, note=note)
        agreed("done", place)  # whoever leaves early would cut off what the others still send
        if last is not None and last.finished:
            yield last


def export_run(run: Run, digest: str, settings: Settings) -> ModelCard:
    """A model out of a run's newest checkpoint, under the run's name.

    Raises:
        NoSuchRun: there is no checkpoint.
        WeightsRefused, DiskFull: as ``training.export.export``.
    """
    about, info = run.read(), run.info()
    recipe = from_json(about["recipe"])
    state = checkpoints.latest(run, recipe, digest)
    if state is None:
        raise NoSuchRun(f"{run.name!r} has no checkpoint yet: train for some minutes first")
    vit = Vit(recipe.model)
    prefix = "teacher.backbone."
    vit.load_state_dict(
        {name[len(prefix) :]: each for name, each in state["pair"].items() if name.startswith(prefix)}
    )
    provenance = Provenance(
        sources=tuple(info.sources),
        pictures=info.pictures,
        steps=state["step"],
        seconds=state["seconds"],
        recipe=to_json(recipe),
        scores=_scores(run),
        start=recipe.start,
    )
    card = export(vit, recipe, run.name, settings, provenance)
    run.update(model=card.name)
    return card


def _prepare(options: Options, place: Place, held: ExitStack) -> Generator[TrainingProgress, None, _Prepared]:
    """The run is claimed and described; nothing is trained yet."""
    run = _run_of(options)
    held.enter_context(run.claimed())
    if options.resume:
        return (yield from _prepare_again(options, run))
    _require_fresh(run)
    items = yield from _gathered(options.sources, options.settings, run)
    recipe = _recipe(options, items)
    items.require(recipe.batch, Limits.of(options.settings))
    if options.minutes is not None and "steps" not in options.overrides:
        yield _note(run, "measuring how many steps fit")
        steps = _fitting(options, recipe, items, place)
        recipe = _recipe(replace(options, overrides={**options.overrides, "steps": str(steps)}), items)
    run.update(
        state="new",
        recipe=to_json(recipe),
        overrides=dict(options.overrides),
        sources=[str(source.resolve()) for source in options.sources],
        probe=str(options.probe.resolve()) if options.probe else "",
        pictures=len(items),
        data=items.digest,
        started=time.time(),
        reason="",
        model="",
        step=0,
    )
    return _Prepared(run, recipe, items, options.probe)


def _prepare_again(options: Options, run: Run) -> Generator[TrainingProgress, None, _Prepared]:
    """As before, from what the run remembers."""
    about = run.read()
    recipe = from_json(about.get("recipe", {}))
    difference = first_difference(recipe, overridden(recipe, options.overrides))
    if difference:
        raise BadRequest(
            f"{run.name!r} keeps the recipe it began with ({difference}): resume without changing it, "
            "or train under another --name"
        )
    sources = options.sources or tuple(Path(source) for source in about.get("sources", []))
    items = yield from _gathered(sources, options.settings, run)
    probe = options.probe or (Path(about["probe"]) if about.get("probe") else None)
    run.update(sources=[str(source.resolve()) for source in sources])
    return _Prepared(run, recipe, items, probe)


def _follow(options: Options, name: str) -> _Prepared:
    """What another process made ready."""
    run = open_run(name, options.settings)
    about = run.read()
    sources = [Path(source) for source in about["sources"]]
    items = gather(sources, Limits.of(options.settings), options.settings.cache)
    return _Prepared(run, from_json(about["recipe"]), items, None)


def _run_of(options: Options) -> Run:
    settings = options.settings
    if options.name:
        check_name(options.name)
        run = open_run(options.name, settings)
        if options.resume:
            run.read()  # there is one
        return run
    if options.resume:
        ended = [info for info in list_runs(settings) if info.state in {"stopped", "failed"}]
        if not ended:
            raise NoSuchRun(f"no run in {settings.runs} was stopped: there is nothing to resume")
        return open_run(ended[0].name, settings)
    names = ["mine", *(f"mine-{number}" for number in range(2, 10_000))]
    taken = (settings.runs, settings.models)
    free = next(name for name in names if not any((folder / name).exists() for folder in taken))
    return open_run(free, settings)


def _require_fresh(run: Run) -> None:
    """A run that never got to a checkpoint is begun anew; any other is somebody's work.

    Raises:
        BadRequest: there is a checkpoint in it.
    """
    steps = checkpoints.steps_of(run)
    if steps:
        raise BadRequest(
            f"there is a run {run.name!r} already, at step {steps[0]}: go on with --resume, "
            "or choose another --name"
        )
    try:
        for path in (run.metrics, *run.samples.glob("*"), *(run.folder / "board").glob("*")):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise DiskFull(f"cannot clear {run.folder} ({error.strerror}): choose another --name") from None


def _gathered(
    sources: tuple[Path, ...], settings: Settings, run: Run
) -> Generator[TrainingProgress, None, Items]:
    items, told = None, 0.0
    for found in gathering(sources, Limits.of(settings), settings.cache):
        items = found.items
        if time.monotonic() - told > _EVERY:
            told = time.monotonic()
            yield _note(run, f"{found.found:,} pictures so far, looking into {found.where}")
    assert items is not None
    without = f", {items.skipped:,} files skipped" if items.skipped else ""
    yield _note(run, f"{len(items):,} pictures{without}")
    return items


def _recipe(options: Options, items: Items) -> Recipe:
    """The preset for the data; the shape of the network from the weights it starts with."""
    name = start_of(options.preset, options.overrides)
    shape = card_of(name, options.settings.models).config if name else None
    return recipe_for(options.preset, len(items), overrides=options.overrides, model=shape)


def _start_of(recipe: Recipe, settings: Settings) -> Tensors | None:
    if not recipe.start:
        return None
    card = card_of(recipe.start, settings.models)
    return canonical(read_tensors(fetch(card, settings)), card.config)


def _plan(options: Options, prepared: _Prepared, place: Place) -> Plan:
    return Plan(
        limits=Limits.of(options.settings),
        workers=_workers(options, place),
        compiled=options.compiled,
        probe=prepared.probe,
        checkpoint_seconds=options.checkpoint_minutes * 60,
        cancelled=options.cancelled,
    )


def _workers(options: Options, place: Place) -> int:
    return (
        default_workers(place.device.type == "cuda", place.here)
        if options.workers is None
        else options.workers
    )


def _fitting(options: Options, recipe: Recipe, items: Items, place: Place) -> int:
    """How many steps fit into the minutes asked for, by doing some on a copy."""
    assert options.minutes is not None
    if not 0 < options.minutes < math.inf:
        raise BadRequest(f"{options.minutes} minutes are no time to train: give a number above 0")
    alone = replace(place, world=1, rank=0)
    share = replace(recipe, batch=max(2, recipe.batch // place.world), steps=max(recipe.steps, _TRIALS))
    stepper, limits = Stepper(share, alone, _start_of(recipe, options.settings)), Limits.of(options.settings)
    times = []
    with Loader(items, share, limits, workers=_workers(options, place)) as loader:
        began = time.monotonic()
        for batch in loader.batches(0, _TRIALS):
            stepper.step(batch)
            times.append(time.monotonic() - began)
            began = time.monotonic()
    each = sorted(times[_WARM:])[len(times[_WARM:]) // 2]
    return max(1, int(options.minutes * 60 * _OVERHEAD / each))


def _scores(run: Run) -> dict[str, float]:
    """Of the last row that was probed."""
    scores: Mapping[str, float] = {}
    for row in run.measures():
        scores = row.probe or scores
    return dict(scores)


def _note(run: Run, note: str) -> TrainingProgress:
    return TrainingProgress(0, 0, 0.0, 0.0, note=note, run=run.name)
