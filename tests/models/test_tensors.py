"""Weights are read as torch would read them, and a file that wants more than that is refused."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dinoscope.errors import Unreadable, WeightsRefused
from dinoscope.models.tensors import read_metadata, read_tensors

BIN_INT = struct.Struct("<cI")


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    return BIN_INT.pack(b"J", value)


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def tensor(
    key: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *,
    offset: int = 0,
    count: int,
    kind: str = "Float",
) -> bytes:
    """The pickle of one tensor as ``torch.save`` writes it."""
    storage = (
        b"("
        + text("storage")
        + name("torch", f"{kind}Storage")
        + text(key)
        + text("cpu")
        + number(count)
        + b"tQ"
    )
    hooks = name("collections", "OrderedDict") + b")R"
    arguments = storage + number(offset) + numbers(*shape) + numbers(*strides) + b"\x89" + hooks
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + arguments + b"tR"


def pickled(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


def table(**values: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in values.items()) + b"u"


def saved(path: Path, body: bytes, storages: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled(body))
        archive.writestr("archive/byteorder", "little")
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
    return path


SIX = np.arange(6, dtype="<f4")


@pytest.fixture
def pth(tmp_path: Path) -> Callable[..., Path]:
    """``pth(body, storages)``: a checkpoint in the format of torch 1.6 and later."""
    return lambda body, storages=None, **more: saved(
        tmp_path / "weights.pth", body, {"0": SIX.tobytes()} if storages is None else storages, **more
    )


def safetensors(path: Path, header: object, data: bytes = b"") -> Path:
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)
    return path


# --- what is read -------------------------------------------------------------------------------------------


def test_a_checkpoint_is_read_with_its_shapes(pth: Callable[..., Path]) -> None:
    read = read_tensors(pth(table(w=tensor("0", (2, 3), (3, 1), count=6))))
    assert read.keys() == {"w"}
    np.testing.assert_array_equal(read["w"], SIX.reshape(2, 3))


def test_strides_and_offsets_are_followed(pth: Callable[..., Path]) -> None:
    read = read_tensors(
        pth(table(t=tensor("0", (3, 2), (1, 3), count=6), s=tensor("0", (2,), (1,), offset=4, count=6)))
    )
    np.testing.assert_array_equal(read["t"], SIX.reshape(2, 3).T)
    np.testing.assert_array_equal(read["s"], [4, 5])
    assert read["t"].flags.c_contiguous
    assert read["t"].flags.writeable


def test_a_transposed_scalar_and_an_empty_tensor_are_read(pth: Callable[..., Path]) -> None:
    read = read_tensors(
        pth(table(one=tensor("0", (), (), offset=2, count=6), none=tensor("0", (0, 3), (3, 1), count=6)))
    )
    assert read["one"] == 2
    assert read["none"].shape == (0, 3)


def test_bfloat16_becomes_float32(pth: Callable[..., Path], tmp_path: Path) -> None:
    exact = np.array([1.0, -2.5, 3e38, 0.0], "<f4")
    halves = (exact.view("<u4") >> 16).astype("<u2").tobytes()
    upper = (exact.view("<u4") & 0xFFFF0000).view("<f4")
    read = read_tensors(pth(table(w=tensor("0", (4,), (1,), count=4, kind="BFloat16")), {"0": halves}))
    np.testing.assert_array_equal(read["w"], upper)
    header = {"w": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}
    np.testing.assert_array_equal(
        read_tensors(safetensors(tmp_path / "w.safetensors", header, halves))["w"], upper
    )


def test_of_a_training_checkpoint_only_the_teacher_is_read(pth: Callable[..., Path]) -> None:
    weights = table(w=tensor("0", (6,), (1,), count=6))
    other = table(w=tensor("not there", (6,), (1,), count=6))
    namespace = name("argparse", "Namespace") + b")\x81" + table(lr=number(1)) + b"b"
    read = read_tensors(pth(table(student=other, epoch=number(3), args=namespace, teacher=weights)))
    np.testing.assert_array_equal(read["w"], SIX)


def test_a_snapshot_folder_is_read_by_its_safetensors(pth: Callable[..., Path], tmp_path: Path) -> None:
    pth(table(w=tensor("0", (6,), (1,), count=6))).rename(tmp_path / "pytorch_model.bin")
    assert read_tensors(tmp_path)["w"].shape == (6,)
    safetensors(
        tmp_path / "model.safetensors", {"v": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"\x07"
    )
    assert read_tensors(tmp_path)["v"] == 7


def test_safetensors_agree_with_the_library_that_writes_them(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    from safetensors.numpy import save_file

    written: dict[str, NDArray[Any]] = {
        "a": rng.normal(size=(3, 4)).astype(np.float32),
        "b": rng.normal(size=5).astype(np.float16),
        "c": np.arange(-3, 3, dtype=np.int8).reshape(2, 3),
        "d": np.array(2.0),
    }
    save_file(written, tmp_path / "w.safetensors", metadata={"licence": "mine"})
    read = read_tensors(tmp_path / "w.safetensors")
    assert read.keys() == written.keys()
    for key, value in written.items():
        assert read[key].dtype == value.dtype
        np.testing.assert_array_equal(read[key], value)
    assert read_metadata(tmp_path / "w.safetensors") == {"licence": "mine"}


@pytest.mark.torch
@pytest.mark.parametrize("new_format", [True, False])
def test_what_torch_saves_is_read_alike(tmp_path: Path, new_format: bool) -> None:
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(4, 6, generator=generator)
    state = {
        "plain": base,
        "view": base[1:, ::2],
        "transposed": base.T,
        "half": base.half(),
        "brain": base.bfloat16(),
        "long": torch.arange(3),
        "parameter": torch.nn.Parameter(base * 2),
        "buffer": torch.tensor(True),
    }
    path = tmp_path / "w.pth"
    torch.save({"teacher": state, "epoch": 3}, path, _use_new_zipfile_serialization=new_format)
    read = read_tensors(path)
    assert read.keys() == state.keys()
    for key, value in state.items():
        expected = value.detach().float() if value.dtype == torch.bfloat16 else value.detach()
        np.testing.assert_array_equal(read[key], expected.numpy())


@pytest.mark.torch
@pytest.mark.parametrize("new_format", [True, False])
def test_a_truncated_checkpoint_of_torch_is_refused_at_any_length(tmp_path: Path, new_format: bool) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "w.pth"
    torch.save({"a": torch.ones(8), "b": torch.zeros(8)}, path, _use_new_zipfile_serialization=new_format)
    whole = path.read_bytes()
    for length in range(16, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsRefused):
            read_tensors(path)


# --- what is refused ----------------------------------------------------------------------------------------


class Payload:
    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_payload_is_named_and_never_run(tmp_path: Path, protocol: int) -> None:
    import os

    proof = tmp_path / "it-ran"
    for payload in (
        Payload(os.system, f"touch {proof}"),
        Payload(eval, f"open({str(proof)!r}, 'w')"),
        Payload(open, str(proof), "w"),
    ):
        path = tmp_path / "weights.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"w": payload}, protocol))
        with pytest.raises(WeightsRefused, match=r"system|eval|open"):
            read_tensors(path)
        path.write_bytes(pickle.dumps({"w": payload}, protocol))
        with pytest.raises(WeightsRefused):
            read_tensors(path)
    assert not proof.exists()


@pytest.mark.parametrize(
    "body",
    [
        name("builtins", "getattr") + b"(" + text("x") + text("y") + b"tR",
        name("torch", "FloatStorage") + b"(" + number(1) + b"tR",  # allowed as a name, not to be called
        name("torch._utils", "_rebuild_tensor_v2") + b"(tR",  # too few arguments
        name("torch.hub", "load") + b")R",
        b"i" + b"os\nsystem\n",  # INST
        b"\x82\x01",  # EXT1: a name by number
        text("x") + b"b",  # BUILD on nothing
        b"h\x05",  # GET of what was never PUT
        b"0",  # POP of an empty stack
        b"(",  # a mark left over
        b"})R",  # a call of a dict
        b"}(" + b"))" + b"\x85" * 50_000 + b"u",  # a key nested 50,000 deep
        b"",
    ],
    ids=lambda body: repr(body[:16]),
)
def test_hostile_pickles_end_in_a_sentence(pth: Callable[..., Path], body: bytes) -> None:
    with pytest.raises(WeightsRefused, match=r"weights\.pth"):
        read_tensors(pth(body))


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "count"),
    [
        ((7,), (1,), 0, 6),  # longer than its numbers
        ((6,), (1,), 1, 6),  # begins too late
        ((2, 3), (4, 1), 0, 6),  # a row beyond the end
        ((2,), (2**40,), 0, 6),
        ((2**31, 2**31), (1, 1), 0, 6),
        ((2**31, 2**31), (0, 0), 0, 6),  # "expanded": 16 EiB from one number
        ((1000,), (0,), 0, 6),
        ((2, 3), (1,), 0, 6),
        ((6,), (1,), 0, 2**40),  # claims more than is stored
        ((6,), (1,), 0, 5),
    ],
)
def test_no_tensor_reaches_outside_its_numbers(
    pth: Callable[..., Path], shape: tuple[int, ...], strides: tuple[int, ...], offset: int, count: int
) -> None:
    def long(value: int) -> bytes:
        return b"\x8a\x08" + struct.pack("<q", value)

    def tuple_of(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(long, values)) + b"t"

    storage = (
        b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + long(count) + b"tQ"
    )
    body = storage + long(offset) + tuple_of(shape) + tuple_of(strides)
    with pytest.raises(WeightsRefused):
        read_tensors(pth(table(w=name("torch._utils", "_rebuild_tensor") + b"(" + body + b"tR")))


def test_negative_sizes_are_refused(pth: Callable[..., Path]) -> None:
    minus = b"J" + struct.pack("<i", -1)
    good = tensor("0", (6,), (1,), count=6)
    assert good.count(number(6)) == 2
    for bad in (
        good.replace(number(6), minus, 1),
        good.replace(b"(" + number(1) + b"t", b"(" + minus + b"t"),
    ):
        with pytest.raises(WeightsRefused):
            read_tensors(pth(table(w=bad)))


def test_compressed_parts_are_refused_before_they_are_unpacked(pth: Callable[..., Path]) -> None:
    body = table(w=tensor("0", (6,), (1,), count=6))
    with pytest.raises(WeightsRefused, match="compressed"):
        read_tensors(pth(body, {"0": bytes(10**6)}, compression=zipfile.ZIP_DEFLATED))


def test_a_changed_byte_is_noticed(pth: Callable[..., Path]) -> None:
    path = pth(table(w=tensor("0", (6,), (1,), count=6)))
    damaged = path.read_bytes().replace(SIX.tobytes(), SIX[::-1].tobytes())
    path.write_bytes(damaged)
    with pytest.raises(WeightsRefused, match="damaged"):
        read_tensors(path)


def test_a_container_that_holds_itself_ends(pth: Callable[..., Path]) -> None:
    with pytest.raises(WeightsRefused, match="no named tensors"):
        read_tensors(pth(b"}q\x00" + text("model") + b"h\x00s"))


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"w": {}},
        {"w": 3},
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}},
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}},
        {"w": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"w": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 8]}},
        {"w": {"dtype": "F32", "shape": [True, 2], "data_offsets": [0, 8]}},
        {"w": {"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}},
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8, 9]}},
    ],
)
def test_hostile_headers_are_refused(tmp_path: Path, header: object) -> None:
    with pytest.raises(WeightsRefused):
        read_tensors(safetensors(tmp_path / "w.safetensors", header, bytes(8)))


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 64, b"GIF89a", b"\xff" * 8 + b"{}", struct.pack("<Q", 2) + b"{!"]
)
def test_what_is_no_weights_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsRefused, match=r"w\.safetensors"):
        read_tensors(path)


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<xml/>")
    (tmp_path / "w.pth").write_bytes(buffer.getvalue())
    with pytest.raises(WeightsRefused, match="without model weights"):
        read_tensors(tmp_path / "w.pth")


def test_a_missing_file_and_a_folder_without_weights_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="does not exist"):
        read_tensors(tmp_path / "nothing.pth")
    with pytest.raises(WeightsRefused, match=r"model\.safetensors"):
        read_tensors(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(WeightsRefused, match="several files"):
        read_tensors(tmp_path)
