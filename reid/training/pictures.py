"""Pictures of a training: its curves, and what the model makes of some crops."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from reid.files import written_atomically
from reid.models import VAE
from reid.training.loop import read_log

# Curves worth a panel of their own, and whether they span orders of magnitude.
_PANELS = {
    "rmse": ("reconstruction (RMSE)", False),
    "beta": ("β", True),
    "bound": ("F (nats)", False),
    "relative_deviation": ("R̄", True),
    "effective_dimension": ("effective dimension", False),
    "loss": ("loss", False),
    "accuracy": ("accuracy", False),
    "gradient": ("gradient before clipping", True),
}


def plot_curves(folder: Path) -> None:
    """Draw a run's log into ``curves.png``."""
    from matplotlib.figure import Figure

    log = read_log(folder)
    panels = [name for name in _PANELS if any(name in entry for entry in log)]
    if not panels:
        return
    figure = Figure(figsize=(5 * min(3, len(panels)), 3 * -(-len(panels) // 3)), layout="constrained")
    for axes, name in zip(
        figure.subplots(-(-len(panels) // 3), min(3, len(panels)), squeeze=False).flat, panels, strict=False
    ):
        label, logarithmic = _PANELS[name]
        points = [(entry["step"], entry[name]) for entry in log if name in entry]
        axes.plot(*zip(*points, strict=True), linewidth=1)
        axes.set(xlabel="step", title=label)
        if logarithmic and len({value for _, value in points}) > 1:
            axes.set_yscale("log")
        axes.grid(alpha=0.3)
    with written_atomically(folder / "curves.png") as path:
        figure.savefig(path, dpi=120, format="png")


@torch.no_grad()
def reconstruction_sheet(model: VAE, crops: Tensor, path: Path) -> None:
    """Crops above, what the model reconstructs of them below. Nothing where no part is an image."""
    training = model.training
    model.eval()
    decoded = model.reconstruct(crops.to(next(model.parameters()).device))
    model.train(training)
    if "image" not in decoded:
        return
    below = (decoded["image"].clamp(0, 1) * 255).round().to(torch.uint8).cpu()
    rows = [np.concatenate(list(row.permute(0, 2, 3, 1).numpy()), axis=1) for row in (crops.cpu(), below)]
    sheet = np.concatenate(rows, axis=0)
    with written_atomically(path) as unfinished:
        encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
        unfinished.write_bytes(encoded.tobytes())
