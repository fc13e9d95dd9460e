"""One process or many: the few sums a self-distillation has to agree on, and where this process stands.

Started alone, everything here is the identity. Started by ``torchrun``, the processes join one group
(nccl between GPUs, gloo otherwise) and each works on its slice of every batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from dinoscope.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Place:
    """Where this process stands among all that train together."""

    rank: int
    world: int
    device: torch.device
    here: int = 1  # how many of them share this machine

    @property
    def leads(self) -> bool:
        """Only the leading process writes files and reports."""
        return self.rank == 0


def rank() -> int:
    """This process' number, 0 when alone."""
    return distributed.get_rank() if _grouped() else 0


def world() -> int:
    """How many processes train together, 1 when alone."""
    return distributed.get_world_size() if _grouped() else 1


def summed(tensor: Tensor) -> Tensor:
    """The sum of every process' tensor (any shape), itself when alone; no gradient flows through."""
    if world() == 1:
        return tensor
    total = tensor.detach().clone()
    distributed.all_reduce(total)
    return total


def largest(tensor: Tensor) -> Tensor:
    """Element by element the largest of every process' tensor (any shape), itself when alone."""
    if world() == 1:
        return tensor
    most = tensor.detach().clone()
    distributed.all_reduce(most, op=distributed.ReduceOp.MAX)
    return most


def device_of(name: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` as a device; under torchrun each process takes its own GPU.

    Raises:
        BadRequest: no such device here.
    """
    local = int(os.environ.get("LOCAL_RANK", "0"))
    there = torch.cuda.is_available()
    if name == "auto":
        name = "cuda" if there else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadRequest(f"there is no device {name!r}: use auto, cpu or cuda") from None
    if device.type not in {"cpu", "cuda"}:
        raise BadRequest(f"training does not run on {name!r}: use auto, cpu or cuda")
    if device.type == "cuda" and not there:
        raise BadRequest("torch finds no CUDA device here: use --device cpu, or install torch for CUDA")
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", local)
    return device


@contextmanager
def joined(device: str = "auto") -> Iterator[Place]:
    """The place of this process; under torchrun the group is there until the end of the block."""
    where = device_of(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or _grouped():
        yield Place(rank(), world(), where)
        return
    if where.type == "cuda":
        torch.cuda.set_device(where)
    distributed.init_process_group("nccl" if where.type == "cuda" else "gloo")
    try:
        yield Place(rank(), world(), where, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    finally:
        distributed.destroy_process_group()


def same_everywhere(flag: bool, place: Place) -> bool:
    """True when any process says so: a stop asked of one process stops all of them at the same step."""
    if place.world == 1:
        return flag
    return bool(summed(torch.tensor(float(flag), device=place.device)) > 0)


def agreed(text: str, place: Place) -> str:
    """The leading process' text, in every process; those that come first wait for it."""
    if place.world == 1:
        return text
    shared = [text]
    distributed.broadcast_object_list(shared, src=0, device=place.device)
    return shared[0]


def shared(module: nn.Module, place: Place) -> nn.Module:
    """The module with its gradients averaged over the processes as they come, itself when alone.

    Names and parameters stay the module's own: only the forward pass goes through what is returned.
    """
    if place.world == 1:
        return module
    return DistributedDataParallel(module, device_ids=[place.device] if place.device.type == "cuda" else None)


def unsent(module: nn.Module) -> AbstractContextManager[None]:
    """A block whose gradients are kept here, to be sent with those of the next window."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


def _grouped() -> bool:
    return bool(distributed.is_available() and distributed.is_initialized())
