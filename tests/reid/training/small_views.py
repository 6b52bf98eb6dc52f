"""A few random crops as a training sees them, and their statistics."""

from __future__ import annotations

import numpy as np
import torch

from reid.datasets.store import CropIndex, TrainingView
from reid.models.stripes import stripe_statistics

CPU = torch.device("cpu")


def statistics_of(images: np.ndarray) -> torch.Tensor:
    return stripe_statistics(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255, "hue")


def view(
    tracklets: list[int], images: np.ndarray | None = None, cameras: np.ndarray | None = None
) -> TrainingView:
    count = len(tracklets)
    if images is None:
        images = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
    zeros = np.zeros(count, dtype=np.int32)
    index = CropIndex(
        source=zeros,
        frame=np.arange(count),
        box=np.zeros((count, 4)),
        score=np.ones(count, dtype=np.float32),
        camera=zeros if cameras is None else cameras,
        tracklet=np.array(tracklets, dtype=np.int64),
    )
    return TrainingView(images, index)
