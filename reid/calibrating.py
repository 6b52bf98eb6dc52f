"""Calibrating a descriptor on footage, and keeping what came of it where the descriptor is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reid.datasets.building import CropSettings, build_store
from reid.datasets.crops import CropSource
from reid.datasets.opening import open_crops
from reid.datasets.store import CropStore
from reid.descriptor import FILE_NAME, HISTOGRAM, WEIGHTS_FOLDER, Descriptor, find_descriptor
from reid.evaluation.calibration import (
    Calibration,
    calibrate_distances,
    calibration_distances,
    calibration_pairs,
    plot_calibration,
)
from reid.evaluation.distances import Metric
from reid.evaluation.table import describe
from reid.files import check_writable


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What came of a calibration.

    Attributes:
        calibration: the threshold and how well it separates.
        stored: the file that has the threshold now; None for the histogram, which is no file.
        plot: the figure; None likewise.
    """

    calibration: Calibration
    stored: Path | None
    plot: Path | None


def calibrate_descriptor(
    choice: str | Path,
    data: Sequence[Path | CropSource],
    *,
    metric: Metric | None = None,
    output: Path | None = None,
    device: str = "auto",
    seed: int = 0,
) -> Calibrated:
    """Find a descriptor's threshold on footage without labels, and store it.

    Args:
        choice: the descriptor, as for `Descriptor.load`.
        data: MOTChallenge sequences, one of their detection files, or any footage.
        metric: compare by this from now on; None leaves the descriptor's own.
        output: the file of a calibrated copy; None changes the descriptor itself.
        device: where to compute.
        seed: for thinning out the pairs.

    Raises:
        ValueError: if there is no such descriptor, it cannot be changed or copied, or too little footage.
    """
    if not data:
        raise ValueError("no footage: name a sequence with detections, or other footage with its boxes")
    if str(choice) == HISTOGRAM and output is not None:
        raise ValueError(f"{HISTOGRAM}: is no file, of which there could be a copy; leave --output away")
    files = None if str(choice) == HISTOGRAM else _files(choice, output)
    descriptor = Descriptor.load(choice, device)
    metric = metric or descriptor.metric
    footage = footage_crops(data, descriptor)
    pairs = calibration_pairs(footage.index, seed)
    positive, negative = calibration_distances(describe(descriptor, footage.images), pairs, metric)
    calibration = calibrate_distances(positive, negative, metric)
    if files is None:
        return Calibrated(calibration, None, None)
    path, target = files
    stored = _store(path, target, descriptor, calibration, footage.sources)
    plot = target.with_name(
        "calibration.png" if target.name == FILE_NAME else f"{target.stem}.calibration.png"
    )
    plot_calibration(positive, negative, calibration, plot)
    return Calibrated(calibration, stored, plot)


def footage_crops(data: Sequence[Path | CropSource], descriptor: Descriptor) -> CropStore:
    """All the crops of some footage, as a tracker would see them: also blurred ones, and many alike."""
    height, width = descriptor.size
    cut = CropSettings(
        height=height, width=width, policy=descriptor.policy, min_sharpness=0.0, min_difference=0.0
    )
    return build_store([open_crops(each) if isinstance(each, Path) else each for each in data], cut)


def _files(choice: str | Path, output: Path | None) -> tuple[Path, Path]:
    """The descriptor's file, and the one that is to have the threshold."""
    path = find_descriptor(choice)
    if output is None:
        if path.parent == WEIGHTS_FOLDER:
            raise ValueError(f"{path.stem}: ships, for everybody; expected --output FILE for a copy")
        return path, path
    if path.suffix == ".onnx":
        raise ValueError(f"{path}: what is found goes beside an ONNX network; leave --output away")
    if output.suffix != ".safetensors":
        raise ValueError(f"{output}: expected the name of a .safetensors file")
    check_writable(output)
    return path, output


def _store(
    path: Path, target: Path, descriptor: Descriptor, calibration: Calibration, sources: Sequence[str]
) -> Path:
    if path.suffix == ".onnx":
        from reid.onnx_descriptor import OnnxAbout, calibration_file, write_onnx_about

        about = OnnxAbout(
            metric=calibration.metric,
            threshold=calibration.threshold,
            auc=calibration.auc,
            policy=descriptor.policy,
        )
        write_onnx_about(path, about)
        return calibration_file(path)
    from reid.weights_file import change_descriptor_file

    changed = change_descriptor_file(
        path, target, metric=calibration.metric, threshold=calibration.threshold, auc=calibration.auc
    )
    if target.name == FILE_NAME:
        from reid.training.model_card import amend_model_card

        amend_model_card(target.parent, changed, sources)
    return target
