"""Reads weights from .safetensors and from PyTorch's .pth or .bin, without torch and running nothing."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import Unreadable, WeightsRefused
from dinoscope.models.pickles import LazyTensor, Storage, read_pickle

Array = NDArray[Any]

SNAPSHOT_FILES = ("model.safetensors", "pytorch_model.bin")  # in a transformers folder, best first
_INSIDE = ("teacher", "model", "state_dict")  # where training checkpoints keep what we want
_SAFETENSORS_DTYPES: Final = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "bf16",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
_MAX_HEADER = 100_000_000  # bytes, the limit of the safetensors format itself
_MAX_PICKLE = 64 * 2**20  # a ViT-L with its optimiser state needs 1 MB
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of a file by torch < 1.6


def weights_file(path: Path) -> Path:
    """The file that holds the weights: the path itself, or the one inside a transformers folder.

    Raises:
        Unreadable: nothing is there.
        WeightsRefused: a folder without weights we can read.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise Unreadable(f"{path} does not exist: give the path of a weights file or of its folder")
    for name in SNAPSHOT_FILES:
        if (path / name).is_file():
            return path / name
    if list(path.glob("*.index.json")):
        raise WeightsRefused(f"{path} holds weights in several files: join them into one model.safetensors")
    raise WeightsRefused(f"{path} holds no {' or '.join(SNAPSHOT_FILES)}: give the path of the weights file")


def read_tensors(path: Path) -> dict[str, Array]:
    """Name -> tensor, C-contiguous and writable, in the file's dtypes except that bfloat16 becomes float32.

    Of a training checkpoint only the ``teacher`` (or ``model``, or ``state_dict``) is read.

    Raises:
        Unreadable: the file is missing or cannot be read.
        WeightsRefused: not weights, damaged, or a pickle that asks for more than tensors.
    """
    path = weights_file(path)
    with _opened(path) as file:
        head = file.read(16)
        file.seek(0)
        if head[:4] == b"PK\x03\x04":
            return _read_zip(file, path)
        if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04"):
            return _read_legacy(file, path)
        if head[8:9] == b"{":
            return _read_safetensors(file, path)
    raise WeightsRefused(f"{path} is neither a .safetensors nor a .pth file: give the path of model weights")


def read_metadata(path: Path) -> dict[str, str]:
    """The free text a .safetensors file carries in its header; empty for other files."""
    path = weights_file(path)
    with _opened(path) as file:
        if file.read(16)[8:9] != b"{":
            return {}
        file.seek(0)
        header, _ = _safetensors_header(file, path)
        texts = header.get("__metadata__", {})
        return {str(key): str(text) for key, text in texts.items()} if isinstance(texts, dict) else {}


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror}): check that you may read it") from None


def _damaged(path: Path, why: str) -> WeightsRefused:
    return WeightsRefused(f"{path} is damaged ({why}): delete it and fetch it again")


# --- safetensors: 8 bytes of header length, JSON header, then the numbers --------------------------------


def _safetensors_header(file: IO[bytes], path: Path) -> tuple[dict[str, Any], int]:
    """(name -> entry, offset of the first number in the file)."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(_MAX_HEADER, path.stat().st_size - 8):
        raise _damaged(path, "its header is longer than the file")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError):
        raise _damaged(path, "its header is not JSON") from None
    if not isinstance(header, dict):
        raise _damaged(path, "its header is no table")
    return header, 8 + length


def _read_safetensors(file: IO[bytes], path: Path) -> dict[str, Array]:
    header, start = _safetensors_header(file, path)
    room = path.stat().st_size - start
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape = _SAFETENSORS_DTYPES[entry["dtype"]], tuple(map(_whole, entry["shape"]))
            first, last = map(_whole, entry["data_offsets"])
        except (KeyError, TypeError, ValueError):
            raise _damaged(path, f"tensor {name!r} has no readable type, shape or place") from None
        if not first <= last <= room or last - first != math.prod(shape) * _itemsize(dtype):
            raise _damaged(path, f"tensor {name!r} lies outside the file")
        file.seek(start + first)
        tensors[name] = _numbers(file.read(last - first), dtype).reshape(shape)
    return tensors


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(value)
    return value


def _itemsize(dtype: str) -> int:
    return 2 if dtype == "bf16" else np.dtype(dtype).itemsize


def _numbers(data: bytes, dtype: str) -> Array:
    """The bytes as a writable flat array; bfloat16 is the upper half of a float32."""
    if dtype == "bf16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    return np.frombuffer(bytearray(data), dtype)


# --- PyTorch: a pickle that points to storages -------------------------------------------------------------

Fetch = Callable[[Storage], Array]  # the numbers of a storage, flat


def _read_zip(file: IO[bytes], path: Path) -> dict[str, Array]:
    """The format of torch >= 1.6: <name>/data.pkl and <name>/data/<key>, all stored uncompressed."""
    try:
        with zipfile.ZipFile(file) as archive:
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise WeightsRefused(f"{path} is a zip file without model weights: give a .pth file")
            root = pickles[0].removesuffix("data.pkl")
            if (
                f"{root}byteorder" in archive.namelist()
                and _member(archive, f"{root}byteorder", 16, path) != b"little"
            ):
                raise WeightsRefused(
                    f"{path} was written on a big-endian machine: convert it to .safetensors"
                )
            tree = read_pickle(io.BytesIO(_member(archive, pickles[0], _MAX_PICKLE, path)), str(path))
            return _materialise(tree, lambda storage: _zip_storage(archive, root, storage, path), path)
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, OSError, RuntimeError) as error:
        raise _damaged(path, str(error).strip("'\"")[:120] or type(error).__name__) from None


def _member(archive: zipfile.ZipFile, name: str, limit: int, path: Path) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:
        raise WeightsRefused(
            f"{path} holds compressed parts, which PyTorch never writes: fetch the original file"
        )
    if info.file_size > limit:
        raise _damaged(path, f"{name} claims {info.file_size} bytes where at most {limit} belong")
    return archive.read(info)


def _zip_storage(archive: zipfile.ZipFile, root: str, storage: Storage, path: Path) -> Array:
    size = storage.count * _itemsize(storage.dtype)
    data = _member(archive, f"{root}data/{storage.key}", size, path)
    if len(data) != size:
        raise _damaged(path, f"storage {storage.key} has {len(data)} bytes instead of {size}")
    return _numbers(data, storage.dtype)


def _read_legacy(file: IO[bytes], path: Path) -> dict[str, Array]:
    """The format before torch 1.6: magic, version, system, tree and keys as pickles, then the storages."""
    where = str(path)
    if read_pickle(file, where) != _LEGACY_MAGIC:
        raise WeightsRefused(
            f"{path} is a pickle but no PyTorch checkpoint: give a .pth or .safetensors file"
        )
    read_pickle(file, where)  # protocol version
    read_pickle(file, where)  # sizes of the writer's integers
    tree, keys = read_pickle(file, where), read_pickle(file, where)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise _damaged(path, "it lists no storages")
    places, end = {}, path.stat().st_size
    sizes = {tensor.storage.key: tensor.storage for tensor in _all_tensors(tree)}
    for key in keys:
        count, at = int.from_bytes(file.read(8), "little"), file.tell()
        if key not in sizes or sizes[key].count != count:
            raise _damaged(path, f"storage {key} has another size than its tensors")
        if at + count * _itemsize(sizes[key].dtype) > end:
            raise _damaged(path, "it ends in the middle")
        places[key] = at
        file.seek(at + count * _itemsize(sizes[key].dtype))

    def fetch(storage: Storage) -> Array:
        if storage.key not in places or sizes[storage.key] != storage:
            raise _damaged(path, f"storage {storage.key} is missing")
        file.seek(places[storage.key])
        return _numbers(file.read(storage.count * _itemsize(storage.dtype)), storage.dtype)

    return _materialise(tree, fetch, path)


def _all_tensors(tree: object) -> list[LazyTensor]:
    """Every tensor in the tree, each container visited once, so that a tree that holds itself ends."""
    found, waiting, seen = [], [tree], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, LazyTensor):
            found.append(value)
        elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return found


def _materialise(tree: object, fetch: Fetch, path: Path) -> dict[str, Array]:
    tensors = {name: value for name, value in _weights_in(tree).items() if isinstance(value, LazyTensor)}
    if not tensors:
        raise WeightsRefused(f"{path} holds no named tensors: give the file of a model's weights")
    read: dict[Storage, Array] = {}
    arrays = {}
    for name, tensor in tensors.items():
        if tensor.storage not in read:
            read = {tensor.storage: fetch(tensor.storage)}  # the latest one only: views lie side by side
        arrays[str(name)] = _view(read[tensor.storage], tensor, f"{path}: tensor {name!r}")
    return arrays


def _weights_in(tree: object) -> Mapping[Any, object]:
    """The state dict inside a training checkpoint, or the tree itself."""
    if not isinstance(tree, dict):
        return {}
    for key in _INSIDE:
        inner = tree.get(key)
        if isinstance(inner, dict):
            return inner
    return tree


def _view(flat: Array, tensor: LazyTensor, what: str) -> Array:
    """A copy of the tensor, its offset and strides checked against the storage first."""
    shape, strides = tensor.shape, tensor.strides
    count: int = math.prod(shape)
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=False))
    if len(shape) != len(strides) or count > flat.size or (count and last >= flat.size):
        raise WeightsRefused(f"{what} reaches outside its numbers: delete the file and fetch it again")
    if not count:
        return np.empty(shape, flat.dtype)
    steps = [stride * flat.itemsize for stride in strides]
    return np.array(np.lib.stride_tricks.as_strided(flat[tensor.offset :], shape, steps), order="C")
