"""From a name or a file to a detector."""

from __future__ import annotations

from pathlib import Path

from reid.detectors.detector import Detector, DetectorError


def open_detector(
    choice: str | Path,
    *,
    weights: Path | None = None,
    classes: str | None = None,
    min_score: float = 0.3,
    device: str = "auto",
) -> Detector:
    """Get a detector ready.

    Args:
        choice: a YOLO-style ``.onnx`` file, see `reid.detectors.yolo`, or the name of one of torchvision's
            detectors, see `reid.detectors.torchvision`.
        weights: a file with the weights for one of torchvision's; None takes its own, which torchvision
            downloads once.
        classes: what to look for: names or numbers separated by commas, or "all". None looks for people, or
            for whatever a detector finds that knows one class only.
        min_score: nothing less sure is reported.
        device: "auto", "cpu", "cuda"; for torchvision's also "cuda:1" … and "mps".

    Raises:
        DetectorError: if there is no such detector, it cannot be loaded, or does not know the classes.
    """
    suffix = Path(choice).suffix.lower()
    if suffix == ".onnx":
        from reid.detectors.yolo import YoloDetector

        if weights is not None:
            raise DetectorError(f"{choice}: has its weights in it; expected no others ({weights})")
        return YoloDetector(Path(choice), classes, min_score, device)
    if suffix in (".pt", ".pth", ".torchscript", ".engine"):
        raise DetectorError(
            f"{choice}: expected an .onnx file; most programs that make {suffix} files can export one, as in "
            f"'yolo export model={choice} format=onnx'"
        )
    from reid.detectors.torchvision import TorchvisionDetector

    return TorchvisionDetector(str(choice), weights, classes, min_score, device)
