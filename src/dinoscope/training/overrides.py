"""A recipe as text: dotted overrides in, JSON out and in, ranges checked, differences named."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from dinoscope.errors import BadRequest
from dinoscope.training.recipe import Recipe

# inclusive ranges of fields, each number of a tuple by itself
_RANGES: dict[str, tuple[float, float]] = {
    "steps": (1, 1e9),
    "batch": (2, 1e6),
    "accumulate": (1, 4096),
    "drop_path": (0, 0.9),
    "seed": (0, 2**63 - 1),
    "finish_steps": (0, 1e9),
    "finish_scale": (1, 8),
    "model.dimension": (8, 16384),
    "model.depth": (1, 256),
    "model.heads": (1, 256),
    "model.patch": (1, 64),
    "crops.global_size": (8, 2048),
    "crops.global_scale": (0.001, 1),
    "crops.local_size": (4, 2048),
    "crops.local_scale": (0.001, 1),
    "crops.locals": (0, 64),
    "crops.jitter": (0, 1),
    "crops.jitter_chance": (0, 1),
    "crops.grey_chance": (0, 1),
    "crops.blur_chances": (0, 1),
    "crops.solarise_chance": (0, 1),
    "crops.flip_chance": (0, 1),
    "head.prototypes": (2, 2**24),
    "head.hidden": (1, 65536),
    "head.bottleneck": (1, 65536),
    "head.layers": (1, 16),
    "teacher.momentum": (0, 1),
    "teacher.temperature": (1e-4, 10),
    "teacher.temperature_warmup": (0, 1e9),
    "teacher.student_temperature": (1e-4, 10),
    "teacher.centre_momentum": (0, 1),
    "teacher.sinkhorn_rounds": (1, 100),
    "optimiser.rate": (0, 10),
    "optimiser.final_rate": (0, 10),
    "optimiser.warmup": (0, 1e9),
    "optimiser.weight_decay": (0, 10),
    "optimiser.clip": (0, 1e6),
    "optimiser.freeze_last": (0, 1e9),
    "optimiser.layer_decay": (0.01, 1),
    "optimiser.patch_rate": (0, 1),
    "extras.patch_weight": (0, 1000),
    "extras.mask_share": (0, 1),
    "extras.mask_ratio": (0, 0.95),
    "extras.koleo_weight": (0, 1000),
    "extras.keep_weight": (0, 1000),
}
_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def overridden(recipe: Recipe, overrides: Mapping[str, str]) -> Recipe:
    """The recipe with dotted fields replaced: ``{"teacher.temperature": "0.02,0.04"}``.

    One number given for a pair stands for both.

    Raises:
        BadRequest: an unknown field (the nearest is named), or a value that is none of its kind or range.
    """
    for key, text in overrides.items():
        recipe = _replaced(recipe, key, text)
    return checked(recipe)


def to_json(recipe: Recipe) -> dict[str, Any]:
    """Plain types only."""
    return _plain(asdict(recipe))  # type: ignore[no-any-return]


def from_json(values: Mapping[str, Any]) -> Recipe:
    """A recipe that ``to_json`` wrote.

    Raises:
        BadRequest: fields are missing, unknown, or of another kind.
    """
    try:
        return checked(_filled(Recipe, values))
    except (TypeError, ValueError, AttributeError) as error:
        raise BadRequest(f"this is no recipe of this version of Dinoscope ({error}): train anew") from None


def first_difference(one: Recipe, other: Recipe) -> str | None:
    """The first dotted field in which two recipes differ, with both values; None when they are equal."""
    theirs = dict(_leaves(to_json(other)))
    for key, value in _leaves(to_json(one)):
        if value != theirs[key]:
            return f"{key} is {_shown(value)} in one and {_shown(theirs[key])} in the other"
    return None


def keys() -> list[str]:
    """Every dotted field that can be overridden."""
    return [".".join(path) for path, _ in _fields_of(Recipe)]


def checked(recipe: Recipe) -> Recipe:
    """The recipe itself, if it can be trained.

    Raises:
        BadRequest: a number out of its range, or two that do not fit each other.
    """
    for key, value in _leaves(to_json(recipe)):
        low, high = _RANGES.get(key, (-math.inf, math.inf))
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, (int, float)) and not low <= number <= high:
                raise BadRequest(f"{key} is {number}, out of range: use {low:g} to {high:g}")
    for wrong, sentence in _misfits(recipe):
        if wrong:
            raise BadRequest(sentence)
    return recipe


def _misfits(recipe: Recipe) -> Iterator[tuple[bool, str]]:
    crops, model = recipe.crops, recipe.model
    for name in ("global_size", "local_size"):
        size = getattr(crops, name)
        near = max(1, round(size / model.patch)) * model.patch
        yield size % model.patch != 0, f"crops.{name} is {size}, no multiple of the patch: use {near}"
    for name in ("global_scale", "local_scale"):
        low, high = getattr(crops, name)
        yield low > high, f"crops.{name} goes from {low} down to {high}: give the smaller first"
    each = recipe.batch / recipe.accumulate
    yield (
        each != int(each) or each < 2,
        f"a batch of {recipe.batch} cannot be cut into {recipe.accumulate} windows of at least two pictures: "
        "choose numbers that divide",
    )
    yield (
        model.dimension % model.heads != 0,
        f"model.dimension {model.dimension} is no multiple of model.heads {model.heads}: choose one that is",
    )
    yield (
        recipe.finish_steps > recipe.steps,
        f"finish_steps is {recipe.finish_steps}, more than the {recipe.steps} steps: make it smaller",
    )
    yield (
        recipe.extras.keep_weight > 0 and not recipe.start,
        "extras.keep_weight needs weights to stay near to: give --start, or set it to 0",
    )


def _replaced(recipe: Recipe, key: str, text: str) -> Recipe:
    known = {".".join(path): kind for path, kind in _fields_of(Recipe)}
    if key not in known:
        near = difflib.get_close_matches(key, known, 3, 0.5) or [
            name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]
        ]
        hint = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(known)}"
        raise BadRequest(f"a recipe has no {key!r}: {hint}")
    try:
        value = _read(known[key], text)
    except ValueError as error:
        raise BadRequest(f"{key} cannot be {text!r}: give {error}") from None
    changed: Recipe = _set(recipe, key.split("."), value)
    return changed


def _set(value: Any, path: list[str], leaf: Any) -> Any:
    inner = leaf if len(path) == 1 else _set(getattr(value, path[0]), path[1:], leaf)
    return replace(value, **{path[0]: inner})


def _read(kind: Any, text: str) -> Any:
    """The text as a value of the kind; ValueError says what is wanted."""
    text = text.strip()
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise ValueError(" or ".join(get_args(kind)))
        return text
    if get_origin(kind) is tuple:
        kinds, words = get_args(kind), text.split(",")
        words = words * len(kinds) if len(words) == 1 else words
        if len(words) != len(kinds):
            raise ValueError(f"{len(kinds)} numbers with commas between, or one for all")
        return tuple(_read(each, word) for each, word in zip(kinds, words, strict=True))
    if kind is str:
        return text
    try:
        value = _WORDS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "yes or no", int: "a whole number", float: "a number"}[kind]
        raise ValueError(wanted) from None
    if kind is float and not math.isfinite(value):
        raise ValueError("a number")
    return value


def _fields_of(kind: type, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    hints = get_type_hints(kind)
    for each in fields(kind):
        inner = hints[each.name]
        if is_dataclass(inner):
            yield from _fields_of(inner, (*above, each.name))  # type: ignore[arg-type]
        else:
            yield (*above, each.name), inner


def _filled(kind: Any, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for name, value in values.items():
        inner = hints[name] if name in hints else _unknown(name)
        if is_dataclass(inner):
            given[name] = _filled(inner, value)
        else:
            given[name] = _typed(inner, value, name)
    return kind(**given)


def _typed(kind: Any, value: Any, name: str) -> Any:
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if get_origin(kind) is tuple and isinstance(value, list) and len(value) == len(get_args(kind)):
        return tuple(_typed(each, one, name) for each, one in zip(get_args(kind), value, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in {str, bool, int, float} and type(value) is kind:
        return value
    raise ValueError(f"{name} is {value!r}")


def _unknown(name: str) -> Any:
    raise ValueError(f"{name} is unknown")


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield above + name, value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else repr(value)
