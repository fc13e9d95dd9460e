"""Reads the pickle inside a PyTorch checkpoint without running it.

A pickle is a program: ``pickle.load`` calls whatever it names. This interpreter knows the thirty
opcodes that ``torch.save`` writes, builds dicts, lists, tuples, numbers and strings itself, and turns
the few names a checkpoint needs into values of its own. It imports and calls nothing a file names;
any other name or opcode ends in WeightsRefused. What a whole training checkpoint carries beside its
tensors (``argparse.Namespace``, devices) becomes an ``Inert`` that holds nothing.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Final

from dinoscope.errors import WeightsRefused

DTYPES: Final = {  # torch storage class -> (numpy dtype as stored, little endian)
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
_MAX_OPCODES = 5_000_000  # a ViT-L with its optimiser state has some 50,000; each costs about 5 us


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of numbers kept beside the pickle."""

    key: str
    dtype: str  # a value of DTYPES
    count: int  # elements


@dataclass(frozen=True, slots=True)
class LazyTensor:
    """A tensor not read yet: where its numbers lie in a storage. Offsets and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Inert:
    """Stands for an object that is of no use to us; its state is thrown away."""

    name: str


@dataclass(frozen=True, slots=True)
class _Name:
    """A global the pickle mentions, allowed but never imported."""

    path: str


_DAMAGE = (ValueError, IndexError, KeyError, TypeError, AttributeError, EOFError, OverflowError)
_MARK: Final = object()
_INERT = ("argparse.Namespace", "torch.device", "torch.Size", "torch.serialization._get_layout")
_ALLOWED = {
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_parameter",
    *(f"torch.{name}" for name in DTYPES),
    *_INERT,
}


def read_pickle(file: IO[bytes], where: str) -> object:
    """One pickle from the file's position up to its STOP; tensors come as LazyTensor.

    Args:
        where: names the file in error sentences.

    Raises:
        WeightsRefused: it is damaged, or asks for anything but plain tensors.
    """
    return _Machine(where).run(file)


class _Machine:
    """The pickle machine: a stack, a memo and the opcodes of the table at the end of this module."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, file: IO[bytes]) -> object:
        try:
            for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
                if opcode.name == "STOP":
                    return self.stack.pop()
                if count > _MAX_OPCODES or opcode.name not in _OPCODES:
                    raise self.refusal(f"the pickle instruction {opcode.name}")
                _OPCODES[opcode.name](self, argument)
        except _DAMAGE as error:
            reason = f"{type(error).__name__}: {error}"[:120]
            raise WeightsRefused(
                f"{self.where} is damaged ({reason}): fetch the file again or use a .safetensors file"
            ) from None
        raise WeightsRefused(f"{self.where} ends in the middle: fetch the file again")

    def refusal(self, what: str) -> WeightsRefused:
        return WeightsRefused(
            f"{self.where} asks for {what}, which plain weights never need, so nothing of it was run: "
            "use a file you trust, as .safetensors or a plain state dict"
        )

    def until_mark(self) -> list[Any]:
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                items = self.stack[at + 1 :]
                del self.stack[at:]
                return items
        raise ValueError("no mark")

    def name(self, path: str) -> None:
        if path not in _ALLOWED:
            raise self.refusal(f"the Python object {path!r}")
        self.stack.append(_Name(path))

    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise self.refusal("a call of something that is no function")
        self.stack.append(self._called(function.path, arguments))

    def _called(self, path: str, arguments: tuple[Any, ...]) -> object:
        if path == "collections.OrderedDict":
            return self.filled({}, [item for pairs in arguments[:1] for pair in pairs for item in pair])
        if path in _INERT:
            return Inert(path)
        if path == "torch._utils._rebuild_parameter":
            return self.checked(arguments[0], LazyTensor)
        if path.startswith("torch._utils._rebuild_tensor"):
            storage, offset, shape, strides = arguments[:4]
            return LazyTensor(
                self.checked(storage, Storage), self.whole(offset), self.wholes(shape), self.wholes(strides)
            )
        raise self.refusal(f"a call of {path!r}")

    def whole(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{value!r} is no size")
        return value

    def wholes(self, values: object) -> tuple[int, ...]:
        if not isinstance(values, tuple) or len(values) > 8:
            raise ValueError("no shape")
        return tuple(self.whole(value) for value in values)

    def checked(self, value: object, kind: type) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"{type(value).__name__} where a {kind.__name__} belongs")
        return value

    def storage(self) -> None:
        """A persistent id: ("storage", class, key, location, element count, view or nothing)."""
        kind, name, key, _, count = self.checked(self.stack.pop(), tuple)[:5]
        dtype = DTYPES.get(self.checked(name, _Name).path.removeprefix("torch."))
        if kind != "storage" or dtype is None:
            raise self.refusal(f"a storage of kind {name.path!r}")
        self.stack.append(Storage(self.checked(key, str), dtype, self.whole(count)))

    def build(self) -> None:
        """Object state: dropped, since a dict needs none and everything else is inert or final."""
        self.stack.pop()
        self.checked(self.stack[-1], object)

    def filled(self, target: dict[Any, Any], pairs: list[Any]) -> dict[Any, Any]:
        """Keys are names or numbers only: hashing a deeply nested tuple would exhaust the C stack."""
        if not all(isinstance(key, (str, int, float)) for key in pairs[::2]):
            raise ValueError("a key that is neither a name nor a number")
        target.update(zip(pairs[::2], pairs[1::2], strict=True))
        return target

    def set_items(self, pairs: list[Any]) -> None:
        self.filled(self.checked(self.stack[-1], dict), pairs)


def _push(machine: _Machine, value: object) -> None:
    machine.stack.append(value)


def _tuple_of(count: int) -> Callable[[_Machine, Any], None]:
    def make(machine: _Machine, _: object) -> None:
        items = tuple(machine.stack[-count:])
        if len(items) < count or _MARK in items:
            raise ValueError("too few items for a tuple")
        machine.stack[-count:] = [items]

    return make


def _stack_global(machine: _Machine, _: object) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.name(f"{machine.checked(module, str)}.{machine.checked(name, str)}")


def _set_item(machine: _Machine, _: object) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items([key, value])


def _append(machine: _Machine, _: object) -> None:
    value = machine.stack.pop()
    machine.checked(machine.stack[-1], list).append(value)


def _appends(machine: _Machine, _: object) -> None:
    items = machine.until_mark()
    machine.checked(machine.stack[-1], list).extend(items)


def _put(machine: _Machine, argument: int) -> None:
    machine.memo[argument] = machine.stack[-1]


_OPCODES: Final[dict[str, Callable[[_Machine, Any], None]]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "MARK": lambda machine, _: _push(machine, _MARK),
    "POP": lambda machine, _: machine.stack.pop() and None,
    "NONE": lambda machine, _: _push(machine, None),
    "NEWTRUE": lambda machine, _: _push(machine, True),
    "NEWFALSE": lambda machine, _: _push(machine, False),
    **dict.fromkeys(
        (
            *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
            *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
            *("BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"),
        ),
        _push,
    ),
    "EMPTY_DICT": lambda machine, _: _push(machine, {}),
    "EMPTY_LIST": lambda machine, _: _push(machine, []),
    "EMPTY_TUPLE": lambda machine, _: _push(machine, ()),
    "TUPLE": lambda machine, _: _push(machine, tuple(machine.until_mark())),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: machine.set_items(machine.until_mark()),
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "PUT": _put,
    "MEMOIZE": lambda machine, _: _put(machine, len(machine.memo)),
    "BINGET": lambda machine, key: _push(machine, machine.memo[key]),
    "LONG_BINGET": lambda machine, key: _push(machine, machine.memo[key]),
    "GET": lambda machine, key: _push(machine, machine.memo[key]),
    "GLOBAL": lambda machine, path: machine.name(path.replace(" ", ".")),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.storage(),
}
