"""Variations of a batch of images, all at once on its device."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from reid.training.settings import AugmentSettings


class Varied(NamedTuple):
    """Variations of images (B, 3, H, W), float32 from 0 to 1.

    Attributes:
        seen: what the encoder gets.
        moved: the same in the images' own colours: moved and covered alike.
    """

    seen: Tensor
    moved: Tensor


def augment(images: Tensor, settings: AugmentSettings, generator: Generator) -> Varied:
    """Vary images (B, 3, H, W), uint8 or from 0 to 1."""
    moved = images.float() / 255 if images.dtype == torch.uint8 else images.float()
    if settings.flip or settings.shift or settings.zoom:
        moved = _move(moved, settings, generator)
    seen = moved
    if settings.brightness or settings.contrast or settings.tint:
        seen = _recolour(moved, settings, generator)
    if settings.erase:
        covered, colour = _cover(moved, settings.erase, generator)
        moved, seen = (torch.where(covered, colour, images) for images in (moved, seen))
    if settings.noise:
        seen = seen + settings.noise * torch.randn(seen.shape, generator=generator, device=seen.device)
    return Varied(seen, moved)


def _uniform(count: int, columns: int, reach: float, like: Tensor, generator: Generator) -> Tensor:
    return (torch.rand(count, columns, generator=generator, device=like.device) * 2 - 1) * reach


def _move(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    count = len(images)
    mirrored = torch.rand(count, generator=generator, device=images.device) < settings.flip
    scale = 1 + _uniform(count, 1, settings.zoom, images, generator)[:, 0]
    shift = _uniform(count, 2, 2 * settings.shift, images, generator)  # the side is 2 in these coordinates
    transform = torch.zeros(count, 2, 3, device=images.device)
    transform[:, 0, 0] = torch.where(mirrored, -scale, scale)
    transform[:, 1, 1] = scale
    transform[:, :, 2] = shift
    grid = functional.affine_grid(transform, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _recolour(images: Tensor, settings: AugmentSettings, generator: Generator) -> Tensor:
    count = len(images)
    gain = 1 + _uniform(count, 1, settings.brightness, images, generator)
    gain = gain * (1 + _uniform(count, 3, settings.tint, images, generator))
    spread = 1 + _uniform(count, 1, settings.contrast, images, generator)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    out = (images - mean) * spread[:, :, None, None] + mean
    return (out * gain[:, :, None, None]).clamp(0, 1)


def _cover(images: Tensor, probability: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """A rectangle of a fifth to half of each side of some images: which pixels it covers, in what colour."""
    count, _, height, width = images.shape
    device = images.device
    covered = torch.rand(count, 1, 1, generator=generator, device=device) < probability
    size = 0.2 + 0.3 * torch.rand(count, 2, generator=generator, device=device)
    start = torch.rand(count, 2, generator=generator, device=device) * (1 - size)
    rows = torch.arange(height, device=device) / height
    columns = torch.arange(width, device=device) / width
    inside_rows = (rows >= start[:, :1]) & (rows < (start + size)[:, :1])
    inside_columns = (columns >= start[:, 1:]) & (columns < (start + size)[:, 1:])
    mask = (inside_rows[:, :, None] & inside_columns[:, None, :] & covered)[:, None]
    colour = torch.rand(count, 3, 1, 1, generator=generator, device=device)
    return mask, colour
