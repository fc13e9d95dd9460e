"""A whole training as one frozen value: what is trained, on what views, against what targets, for how long.

Numbers are the published ones unless a comment says otherwise: DINO is Caron et al. 2021
(https://arxiv.org/abs/2104.14294, code facebookresearch/dino), DINOv2 is Oquab et al. 2023
(https://arxiv.org/abs/2304.07193). Lengths are optimiser steps, never epochs, so that a run means the
same on 500 and on 5 million pictures, and on one GPU and on eight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dinoscope.models.config import VitConfig

Span = tuple[float, float]  # (from, to)
Centring = Literal["mean", "sinkhorn"]  # DINO's moving average, or Sinkhorn-Knopp as in DINOv2
Clip = Literal["parameter", "module", "all"]  # whose gradient norm is clipped: DINO, DINOv2, usual
Precision = Literal["auto", "bf16", "fp32"]  # auto: bf16 where the processor has it
Positives = Literal["same", "temporal"]  # the second global view: of the same frame, or of one nearby


@dataclass(frozen=True, slots=True)
class Crops:
    """Multi-crop: two global views for teacher and student, ``locals`` small ones for the student."""

    global_size: int = 224  # pixels, a multiple of the patch
    global_scale: Span = (0.4, 1.0)  # share of the picture's area
    local_size: int = 96
    local_scale: Span = (0.05, 0.4)
    locals: int = 8
    jitter: Span = (0.4, 0.1)  # strength of brightness and contrast, of hue; saturation is half the first
    jitter_chance: float = 0.8
    grey_chance: float = 0.2
    blur_chances: tuple[float, float, float] = (1.0, 0.1, 0.5)  # first global, second global, local views
    solarise_chance: float = 0.2  # of the second global view only
    flip_chance: float = 0.5


@dataclass(frozen=True, slots=True)
class Head:
    """From CLS to prototype scores: an MLP, a bottleneck of unit length, a weight-normed layer."""

    prototypes: int = 65536
    hidden: int = 2048
    bottleneck: int = 256
    layers: int = 3
    frozen_norm: bool = True  # prototypes keep length 1 ("norm_last_layer"); False learns their lengths


@dataclass(frozen=True, slots=True)
class Teacher:
    """How the teacher follows the student, and how its targets are sharpened and centred."""

    momentum: Span = (0.996, 1.0)  # cosine over the run
    temperature: Span = (0.04, 0.04)  # linear over the warm-up, then constant
    temperature_warmup: int = 0  # steps
    student_temperature: float = 0.1
    centring: Centring = "mean"
    centre_momentum: float = 0.9
    sinkhorn_rounds: int = 3


@dataclass(frozen=True, slots=True)
class Optimiser:
    """AdamW with every knob on a cosine; biases and norms are never decayed."""

    rate: float = 5e-4  # for a batch of 256; scaled linearly with the batch
    final_rate: float = 1e-6
    warmup: int = 0  # steps of linear warm-up from 0
    weight_decay: Span = (0.04, 0.4)
    clip: float = 3.0  # 0: none
    clip_by: Clip = "parameter"
    freeze_last: int = 0  # steps during which the prototypes do not move
    layer_decay: float = 1.0  # rate of a block relative to the next one; 0.9 when continuing
    patch_rate: float = 1.0  # rate of the patch embedding relative to the rest; DINOv2: 0.2


@dataclass(frozen=True, slots=True)
class Extras:
    """What DINOv2 added, each off at weight 0. On less than 100,000 pictures plain DINO does better."""

    patch_weight: float = 0.0  # iBOT: predict the teacher's masked patches (Zhou et al. 2021)
    mask_share: float = 0.5  # of global views that are masked
    mask_ratio: Span = (0.1, 0.5)  # of a masked view's patches
    untied_heads: bool = False  # a head of its own for patches
    koleo_weight: float = 0.0  # spread the descriptors (Sablayrolles et al. 2018); DINOv2: 0.1
    keep_weight: float = 0.0  # stay near the starting weights' features: bounds forgetting when continuing


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides the outcome beside the data. Kept in the run folder; a resumed run must match."""

    name: str  # of the preset it came from
    model: VitConfig
    steps: int
    batch: int  # pictures per optimiser step over all processes and accumulation windows
    crops: Crops = field(default_factory=Crops)
    head: Head = field(default_factory=Head)
    teacher: Teacher = field(default_factory=Teacher)
    optimiser: Optimiser = field(default_factory=Optimiser)
    extras: Extras = field(default_factory=Extras)
    drop_path: float = 0.1  # of the last block, rising linearly from 0; student only
    start: str = ""  # weights to continue from: a model's name or a path; empty starts at random
    accumulate: int = 1  # windows a batch is cut into; teacher, centre and schedules move once per batch
    precision: Precision = "auto"
    positives: Positives = "same"
    finish_steps: int = 0  # of ``steps``, how many at the end run at ``finish_scale`` times the crop sizes
    finish_scale: float = 1.0
    seed: int = 0
