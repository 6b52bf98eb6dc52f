"""Finding people, and other things, in an image: any YOLO-style ONNX file, or torchvision's detectors."""

from reid.detectors.detector import Detector, DetectorError, Found
from reid.detectors.opening import open_detector

__all__ = ["Detector", "DetectorError", "Found", "open_detector"]
