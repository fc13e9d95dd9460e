"""Indexing: pictures a second of the whole pipeline, beside the encoder alone and a plain loop.

    python benchmarks/index.py                              # the sample library, three rounds
    python benchmarks/index.py ~/Pictures --limit 500 --rounds 5
    python benchmarks/index.py --megapixels 12              # the same pictures as JPEGs of that size
    python benchmarks/index.py --peers --settings precision=int8 --settings runtime=openvino

*Encoder alone* encodes the same pictures, decoded beforehand, in batches of one shape as large as the
pipeline's. *Plain loop* reads, hashes, decodes, thumbnails and encodes one picture after the other.
*Pipeline* is ``index_folders`` into a new library: walk, read, hash, decode, thumbnail, encode, pool region
tokens, commit. Each ``--settings`` adds a pipeline with other settings.

``--peers`` adds what one would write without Dinoscope, with the starter's weights (checked: the same
descriptors), 224 x 224 pixels and nothing but descriptors made, kept in memory: transformers' Dinov2Model
behind a torch DataLoader that decodes itself or in a process, in fp32 and bf16, and OpenVINO in bf16 with
threads that decode. They decode JPEGs at a reduced scale, too, and get no broken file.

All run in turn within each round, because a shared machine's speed drifts; the ratios are medians
over the rounds. Besides the wall clock, CPU seconds are counted (children included): on a busy machine
they are the steadier measure.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from dinoscope.features import FloatArray, Pixels, normalise
from dinoscope.library.library import Library
from dinoscope.models.backbone import Backbone
from dinoscope.models.cards import card_of
from dinoscope.models.config import Tensors, VitConfig, dense
from dinoscope.models.graph import whole_graph
from dinoscope.models.loading import load_backbone
from dinoscope.models.names import canonical
from dinoscope.models.preprocess import IMAGENET_MEAN, IMAGENET_STD
from dinoscope.models.tensors import read_tensors
from dinoscope.models.vit_backbone import Tables
from dinoscope.models.weights import fetch
from dinoscope.operations.batching import Batches, shape_of
from dinoscope.operations.indexing import BATCH, PATIENCE, THUMBNAIL, at_least, index_folders
from dinoscope.pictures.decoding import Decoded, decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash, read_bytes
from dinoscope.pictures.thumbnails import thumbnail
from dinoscope.pictures.walking import walk
from dinoscope.sample import PICTURES
from dinoscope.settings import Settings, load_settings

SIDE = 224  # pixels, of what peers encode
Encoder = Callable[[Any], FloatArray]
THEIRS = {  # transformers' names, piece by piece, and ours
    "embeddings.cls_token": "cls",
    "embeddings.position_embeddings": "positions",
    "embeddings.patch_embeddings.projection": "patch",
    "encoder.layer": "blocks",
    "attention.o_proj": "proj",
    "layer_scale1.lambda1": "scale1",
    "layer_scale2.lambda1": "scale2",
    "mlp.": "",
    "layernorm": "norm",
}


@dataclass(frozen=True, slots=True)
class Spent:
    """What one run over all pictures took."""

    wall: float  # seconds
    cpu: float  # seconds, all threads and children


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=PICTURES)
    parser.add_argument("--limit", type=int, default=200, help="pictures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megapixels", type=float, help="index JPEGs of this size made of the pictures")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--settings", action="append", default=[], metavar="KEY=VALUE,KEY=VALUE")
    arguments = parser.parse_args()
    settings = load_settings()
    backbone = load_backbone(settings)
    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(arguments.folder, Path(scratch) / "pictures", arguments.limit)
        if arguments.megapixels:
            enlarge(folder, arguments.megapixels)
        paths = sorted(folder.iterdir())
        decoded = [decode_one(path, settings, backbone) for path in paths]
        encoder_alone(decoded[: 2 * BATCH], backbone)  # warm
        ways: dict[str, Callable[[], None]] = {
            "encoder alone": lambda: encoder_alone(decoded, backbone),
            "plain loop": lambda: plain_loop(paths, settings, backbone),
            "pipeline": lambda: pipeline(folder, settings, backbone),
        }
        for given in arguments.settings:
            other = settings.with_overrides(**dict(pair.split("=") for pair in given.split(",")))
            ways[f"pipeline, {given}"] = partial(pipeline, folder, other, load_backbone(other))
        if arguments.peers:
            ways |= peers(paths, settings, backbone)
        rounds = [{name: timed(way) for name, way in ways.items()} for _ in range(arguments.rounds)]
    report(rounds, len(paths), backbone)


def copied(source: Path, target: Path, limit: int) -> Path:
    """The first ``limit`` files, so that every run reads from the same warm disk cache."""
    target.mkdir()
    files = (path for path in walk(source) if isinstance(path, Path))
    for number, path in enumerate(islice(files, limit)):
        shutil.copyfile(path, target / f"{number:05}{path.suffix}")
    return target


def enlarge(folder: Path, megapixels: float) -> None:
    """Each picture as a JPEG of about that size, quality 90."""
    for path in list(folder.iterdir()):
        with Image.open(path) as image:
            scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
            size = round(image.width * scale), round(image.height * scale)
            large = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        path.unlink()
        large.save(path.with_suffix(".jpg"), quality=90)


def decode_one(path: Path, settings: Settings, backbone: Backbone) -> Decoded:
    """As the pipeline decodes it."""
    limits = Limits.of(settings)
    return decode(read_bytes(path, limits), limits, where=str(path), at_least=at_least(backbone))


def encoder_alone(pictures: list[Decoded], backbone: Backbone) -> None:
    """Batches of one shape, nothing else."""
    for batch in batched(pictures):
        backbone.describe(batch)


def batched(pictures: list[Decoded]) -> Iterator[list[Pixels]]:
    """In the order and the sizes the pipeline would form them."""
    batches: Batches[Decoded] = Batches(BATCH, PATIENCE * BATCH, lambda one: shape_of(one.size))
    for picture in pictures:
        batches.add(picture)
        while batch := batches.full():
            yield [one.pixels for one in batch]
    while batch := batches.any():
        yield [one.pixels for one in batch]


def plain_loop(paths: list[Path], settings: Settings, backbone: Backbone) -> None:
    """What a script of ten lines would do."""
    limits = Limits.of(settings)
    for path in paths:
        data = read_bytes(path, limits)
        content_hash(data)
        picture = decode(data, limits, where=str(path), at_least=at_least(backbone))
        thumbnail(picture.pixels, THUMBNAIL)
        backbone.describe([picture.pixels])


def pipeline(folder: Path, settings: Settings, backbone: Backbone) -> None:
    """The real thing, into a library that is thrown away."""
    with tempfile.TemporaryDirectory() as home, Library.open(Path(home) / "library", write=True) as library:
        for _ in index_folders([folder], library, backbone, settings):
            pass


def peers(paths: list[Path], settings: Settings, backbone: Backbone) -> dict[str, Callable[[], None]]:
    """Those whose packages are installed."""
    card = card_of("starter", settings.models)
    tensors = canonical(read_tensors(fetch(card, settings)), card.config)
    ways: dict[str, Callable[[], None]] = {}
    if find_spec("torch") and find_spec("transformers"):
        for precision in ("fp32", "bf16"):
            encoder = transformers_encoder(card.config, tensors, precision)
            check(encoder, tensors, paths[0], backbone, settings)
            for workers in (0, 1):
                way = partial(dataloader, paths, encoder, workers)
                ways[f"transformers {precision}, DataLoader of {workers}"] = way
    if find_spec("openvino"):
        ways["OpenVINO bf16, threads that decode"] = openvino_way(card.config, tensors, paths)
    return ways


def pixels_of(path: Path) -> FloatArray:
    """(3, 224, 224), as a script would make it."""
    with Image.open(path) as image:
        image.draft("RGB", (512, 512))
        small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return normed(np.asarray(small))


def normed(square: Pixels) -> FloatArray:
    """(rows, columns, 3) -> (3, rows, columns)."""
    mean, std = np.asarray(IMAGENET_MEAN, np.float32), np.asarray(IMAGENET_STD, np.float32)
    return np.ascontiguousarray(((square / np.float32(255) - mean) / std).transpose(2, 0, 1), np.float32)


def transformers_encoder(config: VitConfig, tensors: Tensors, precision: str) -> Encoder:
    """Dinov2Model with these weights: (n, 3, 224, 224) -> (n, D)."""
    import torch
    import transformers

    model: Any = transformers.Dinov2Model(
        transformers.Dinov2Config(
            hidden_size=config.dimension,
            num_hidden_layers=config.blocks,
            num_attention_heads=config.heads,
            patch_size=config.patch,
            image_size=config.patch * config.position_grid[0],
        )
    )
    state = {name: value for name, value in model.state_dict().items() if "mask_token" in name}
    for name, value in model.state_dict().items():
        if name not in state:
            state[name] = torch.from_numpy(under_their_name(name, tensors).reshape(value.shape).copy())
    model.load_state_dict(state)
    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    model = model.eval().to(kind)

    def encode(pixels: Any) -> FloatArray:
        with torch.inference_mode():
            found = model(torch.as_tensor(pixels).to(kind)).last_hidden_state[:, 0]
        return np.asarray(found.float().numpy())

    return encode


def under_their_name(name: str, tensors: Tensors) -> FloatArray:
    """The tensor of ours that transformers' Dinov2Model calls so."""
    for part, number in (("q_proj", 0), ("k_proj", 1), ("v_proj", 2)):
        if part in name:
            block, kind = name.split(".")[2], name.rsplit(".", maxsplit=1)[-1]
            return np.split(dense(tensors, f"blocks.{block}.qkv.{kind}"), 3)[number]
    for theirs, ours in THEIRS.items():
        name = name.replace(theirs, ours)
    return dense(tensors, name)


def check(encoder: Encoder, tensors: Tensors, path: Path, backbone: Backbone, settings: Settings) -> None:
    """Stop where a peer's descriptor of a picture is not ours: it would do other work."""
    pixels = decode_one(path, settings, backbone).pixels
    square = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    cls = encoder(normed(square)[None])
    tables = Tables.of(tensors)
    centred = cls if tables.mean is None else np.asarray(cls - tables.mean, np.float32)
    turned = centred if tables.projection is None else np.asarray(centred @ tables.projection.T, np.float32)
    theirs = normalise(turned)
    likeness = float((theirs @ backbone.describe([square])[0])[0])
    if likeness < 0.99:
        raise SystemExit(f"a peer's descriptor is another one: cosine {likeness:.3f}")


def dataloader(paths: list[Path], encode: Encoder, workers: int) -> None:
    """Batches of eight from a torch DataLoader."""
    from torch.utils.data import DataLoader

    class Pictures:
        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, index: int) -> FloatArray:
            return pixels_of(paths[index])

    loader: Any = DataLoader(Pictures(), batch_size=BATCH, num_workers=workers)
    assert sum(len(encode(batch)) for batch in loader) == len(paths)


def openvino_way(config: VitConfig, tensors: Tensors, paths: list[Path]) -> Callable[[], None]:
    """Threads decode ahead; OpenVINO runs two batches at once, as its throughput hint chooses to."""
    import openvino

    core: Any = openvino.Core()
    model = core.read_model(whole_graph(config, tensors, (SIDE // config.patch, SIDE // config.patch)))
    short = openvino.Model([model.output("cls").node], model.get_parameters())
    compiled = core.compile_model(
        short, "CPU", {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "THROUGHPUT"}
    )

    def way() -> None:
        found: list[int] = []
        jobs: Any = openvino.AsyncInferQueue(compiled)
        jobs.set_callback(lambda request, _: found.append(len(request.get_output_tensor(0).data)))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            ready = iter(pool.map(pixels_of, paths))
            while batch := list(islice(ready, BATCH)):
                jobs.start_async({0: np.stack(batch)})
            jobs.wait_all()
        assert sum(found) == len(paths)

    return way


def timed(way: Callable[[], None]) -> Spent:
    """Run it once."""
    wall, cpu = perf_counter(), cpu_seconds()
    way()
    return Spent(perf_counter() - wall, cpu_seconds() - cpu)


def cpu_seconds() -> float:
    """Of this process and the children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def report(rounds: list[dict[str, Spent]], pictures: int, backbone: Backbone) -> None:
    """Medians, and each way's ratio to the encoder alone in the same round."""
    print(f"{pictures} pictures, {backbone.identity.key}, {len(rounds)} rounds, batches of {BATCH}")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, {platform.platform()}, load {load:.1f}, {datetime.now(UTC):%Y-%m-%d}")
    print("\n| way | pictures/s | CPU ms a picture | speed, encoder alone = 1 | by CPU |")
    print("|---|---|---|---|---|")
    for name in rounds[0]:
        wall = median(one[name].wall for one in rounds)
        cpu = median(one[name].cpu for one in rounds)
        speed = median(one["encoder alone"].wall / one[name].wall for one in rounds)
        by_cpu = median(one["encoder alone"].cpu / one[name].cpu for one in rounds)
        print(f"| {name} | {pictures / wall:.1f} | {cpu / pictures * 1e3:.1f} | {speed:.2f} | {by_cpu:.2f} |")


if __name__ == "__main__":
    main()
