from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.detectors import DetectorError, open_detector
from reid.detectors.letterbox import Letterbox
from reid.detectors.yolo import YoloDetector
from reid.detectors.yolo_output import Custom, recognise
from tests.reid.detectors.networks import colour_network, constant_network, onnx

pytest.importorskip("onnxruntime")

NAMES = {"names": "{0: 'person', 1: 'car', 2: 'dog'}"}
ANCHORS = 64 + 16 + 4  # of an input of 64 × 64
IMAGE = np.zeros((64, 64, 3), np.uint8)

# Two boxes around one person, who is also a little like a dog; a car in the same place; a faint person.
TRUTH = [
    # middle x, y, width, height, then a score for each class
    [30.0, 30.0, 20.0, 40.0, 0.9, 0.1, 0.3],
    [31.0, 30.0, 20.0, 40.0, 0.8, 0.0, 0.0],
    [31.0, 31.0, 20.0, 40.0, 0.0, 0.7, 0.0],
    [50.0, 20.0, 10.0, 20.0, 0.2, 0.0, 0.0],
]
PERSON_BOX, CAR_BOX, FAINT_BOX = [20, 10, 40, 50], [21, 11, 41, 51], [45, 10, 55, 30]


def v8(rows: list[list[float]] = TRUTH) -> np.ndarray:
    out = np.zeros((len(rows[0]), ANCHORS))
    out[:, 5 : 5 + len(rows)] = np.transpose(rows)
    return out


def v5() -> np.ndarray:
    """Objectness 0.5 halves all that the classes say."""
    out = np.zeros((3 * ANCHORS, 8))
    rows = np.array(TRUTH)
    out[100 : 100 + len(rows)] = np.hstack((rows[:, :4], np.full((len(rows), 1), 0.5), rows[:, 4:]))
    return out


def final() -> np.ndarray:
    """What is left after suppression inside, filled up with nothing."""
    out = np.zeros((300, 6))
    out[0] = [*PERSON_BOX, 0.9, 0]
    out[1] = [*CAR_BOX, 0.7, 1]
    return out


def open_yolo(path: Path, classes: str | None = None, min_score: float = 0.25) -> YoloDetector:
    detector = open_detector(path, classes=classes, min_score=min_score, device="cpu")
    assert isinstance(detector, YoloDetector)
    return detector


@pytest.mark.parametrize(
    "output, scores", [(v8(), [0.9, 0.7]), (v8().T, [0.9, 0.7]), (v5(), [0.45, 0.35]), (final(), [0.9, 0.7])]
)
def test_every_custom_is_understood(output: np.ndarray, scores: list[float], tmp_path: Path) -> None:
    detector = open_yolo(constant_network(tmp_path / "a.onnx", output, metadata=NAMES), "person,car")
    assert detector.name == "a"
    found = detector(IMAGE)
    np.testing.assert_allclose(found.boxes, [PERSON_BOX, CAR_BOX], atol=1e-4)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5)
    assert found.classes.tolist() == [0, 1]


def test_without_names_the_shape_tells(tmp_path: Path) -> None:
    coco = np.zeros((84, 144 + 36 + 9))
    coco[:, 3] = [30, 30, 20, 40, *([0.1] * 80)]
    coco[4 + 2, 3] = 0.8
    detector = open_yolo(constant_network(tmp_path / "a.onnx", coco, size=(96, 96)), "car,0")
    assert detector.classes.tolist() == [0, 2]
    assert detector(IMAGE).classes.tolist() == [2]
    few = open_yolo(constant_network(tmp_path / "b.onnx", v8()), "1")
    np.testing.assert_allclose(few(IMAGE).boxes, [CAR_BOX])
    old = open_yolo(constant_network(tmp_path / "c.onnx", v5()), "0")
    np.testing.assert_allclose(old(IMAGE).boxes, [PERSON_BOX])


@pytest.mark.parametrize(
    "shape, classes, custom",
    [
        ((25200, 85), 80, Custom.objectness),
        ((25200, 6), 1, Custom.objectness),
        ((25200, 6), None, Custom.objectness),
        ((8400, 6), 2, Custom.classes),
        ((8400, 84), 80, Custom.classes),
        ((300, 84), 80, None),  # RT-DETR's, whose boxes are not in pixels
        ((8400, 85), None, Custom.objectness),  # one box a cell
        ((84, 8400), None, Custom.classes),
        ((5, 8400), 1, Custom.classes),
        ((116, 8400), 80, Custom.classes),  # with masks
        ((56, 8400), 1, Custom.classes),  # with joints
        ((300, 6), 80, Custom.final),
        ((0, 6), 80, Custom.final),
        ((100, 6), None, Custom.final),
        ((1000,), None, None),  # says what is in the picture
        ((512,), 80, None),  # re-identifies
        ((21, 80, 80), None, None),  # colours the picture in
        ((84, 8400), 91, None),
        ((4, 8400), None, None),
        ((300, 57), 1, None),  # joints, with suppression inside
    ],
)
def test_customs_are_told_apart(shape: tuple[int, ...], classes: int | None, custom: Custom | None) -> None:
    output = recognise(shape, (640, 640), classes)
    assert (None if output is None else output.custom) is custom


def test_classes_behind_the_classes_are_masks(tmp_path: Path) -> None:
    with_masks = v8([[*row, *[9.0] * 32] for row in TRUTH])
    detector = open_yolo(constant_network(tmp_path / "a.onnx", with_masks, metadata=NAMES), "all")
    assert detector(IMAGE).scores.tolist() == pytest.approx([0.9, 0.7])


def test_what_is_unsure_or_not_wanted_is_left_out(tmp_path: Path) -> None:
    path = constant_network(tmp_path / "a.onnx", v8(), metadata=NAMES)
    assert open_yolo(path).classes.tolist() == [0]
    np.testing.assert_allclose(open_yolo(path)(IMAGE).boxes, [PERSON_BOX])
    np.testing.assert_allclose(open_yolo(path, min_score=0.1)(IMAGE).boxes, [PERSON_BOX, FAINT_BOX])
    assert len(open_yolo(path, "dog")(IMAGE).boxes) == 0
    assert len(open_yolo(path, min_score=0.95)(IMAGE).boxes) == 0


@pytest.mark.parametrize("width, height", [(640, 360), (48, 128), (64, 64), (1000, 3)])
def test_boxes_find_back_to_the_image(width: int, height: int) -> None:
    box = Letterbox.fitting(width, height, (64, 64))
    image = np.full((height, width, 3), 200, np.uint8)
    laid = box.put(image)
    assert laid.shape == (64, 64, 3)
    rows, columns = np.nonzero((laid == 200).all(axis=2))
    shown = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], dtype=float)
    # As far as whole pixels of the input can say.
    np.testing.assert_allclose(box.back(shown), [[0, 0, width, height]], atol=1.0 / box.scale)
    assert (laid[0, 0] == (200 if box.top == box.left == 0 else 114)).all()


def test_an_image_is_fitted_in_as_rgb_from_0_to_1(tmp_path: Path) -> None:
    detector = open_yolo(colour_network(tmp_path / "a.onnx"))
    red = np.zeros((64, 128, 3), np.uint8)
    red[..., 0] = 255
    # Half as large in the middle of the input: the box is twice as large, 32 pixels higher, and cut off.
    found = detector(red)
    np.testing.assert_allclose(found.boxes, [[16, 0, 80, 64]])
    # Half of the input is the image, half is grey.
    assert found.scores[0] == pytest.approx((1 + 114 / 255) / 2, abs=0.01)


def test_open_sides_follow_the_image(tmp_path: Path) -> None:
    path = constant_network(tmp_path / "a.onnx", v8(), size=("height", "width"), metadata=NAMES)
    detector = open_yolo(path)
    assert detector._input_size(1920, 1080) == (640, 384)
    assert detector._input_size(100, 400) == (160, 640)
    sized = {**NAMES, "imgsz": "[320, 320]", "stride": "64"}
    detector = open_yolo(constant_network(tmp_path / "b.onnx", v8(), size=("h", "w"), metadata=sized))
    assert detector._input_size(1920, 1080) == (320, 192)


def test_several_images_at_once_as_one_after_the_other(tmp_path: Path) -> None:
    detector = open_yolo(colour_network(tmp_path / "a.onnx"), min_score=0.0)
    images = [np.full((64, 64, 3), grey, np.uint8) for grey in range(0, 200, 10)]
    together = detector.detect(images)
    assert [found.scores[0] for found in together] == pytest.approx(
        [grey / 255 for grey in range(0, 200, 10)], abs=1e-3
    )
    for found, image in zip(together, images, strict=True):
        np.testing.assert_allclose(found.scores, detector(image).scores)
    fixed = open_yolo(constant_network(tmp_path / "b.onnx", v8(), batch=3, metadata=NAMES))
    assert [len(found.boxes) for found in fixed.detect(images[:5])] == [1] * 5


def test_half_precision_and_bytes(tmp_path: Path) -> None:
    for kind in (onnx.TensorProto.FLOAT16, onnx.TensorProto.UINT8):
        detector = open_yolo(constant_network(tmp_path / "a.onnx", v8(), kind=kind, metadata=NAMES))
        np.testing.assert_allclose(detector(IMAGE).boxes, [PERSON_BOX])


def test_opencv_stands_in_for_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # One convolution whose bias is the output: what every version of OpenCV understands.
    output = v8()
    bias = output.astype(np.float32).reshape(-1)
    weights = np.zeros((bias.size, 3, 64, 64), np.float32)
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["images", "weights", "bias"], ["flat"], kernel_shape=[64, 64]),
            onnx.helper.make_node("Reshape", ["flat", "shape"], ["output"]),
        ],
        "detector",
        [onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, [1, 3, 64, 64])],
        [onnx.helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, [1, *output.shape])],
        [
            onnx.numpy_helper.from_array(weights, "weights"),
            onnx.numpy_helper.from_array(bias, "bias"),
            onnx.numpy_helper.from_array(np.array([1, *output.shape]), "shape"),
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.helper.set_model_props(model, NAMES)
    onnx.save(model, tmp_path / "a.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = open_yolo(tmp_path / "a.onnx", "person,car")(IMAGE)
    np.testing.assert_allclose(found.boxes, [PERSON_BOX, CAR_BOX], atol=1e-4)


def test_what_is_no_detector_is_named(tmp_path: Path) -> None:
    def complaint(path: Path, classes: str | None = None) -> str:
        with pytest.raises(DetectorError) as raised:
            open_detector(path, classes=classes, device="cpu")
        assert "\n" not in str(raised.value)
        return str(raised.value)

    descriptor = constant_network(tmp_path / "reid.onnx", np.zeros(128))
    assert "reid.onnx: its output is 1 × 128; expected a detector's" in complaint(descriptor)
    grey = constant_network(tmp_path / "b.onnx", v8(), kind=onnx.TensorProto.INT64)
    assert "b.onnx: its input is of another type" in complaint(grey)
    more = {"names": str(dict.fromkeys(range(90), "x"))}
    other = constant_network(tmp_path / "c.onnx", v8(), metadata=more)
    assert "its output is 1 × 7 × 84; expected a detector's of 90 classes" in complaint(other)
    (tmp_path / "d.onnx").write_bytes(b"no network")
    assert "d.onnx: not an ONNX file, or a damaged one" in complaint(tmp_path / "d.onnx")
    assert "e.onnx: cannot be read (No such file" in complaint(tmp_path / "e.onnx")
    good = constant_network(tmp_path / "f.onnx", v8(), metadata=NAMES)
    assert "f: no class 'persn'; did you mean 'person'?" in complaint(good, "persn")
    nameless = constant_network(tmp_path / "g.onnx", v8())
    assert "g: no class 'person'; known: 0, 1, 2" in complaint(nameless)
    with pytest.raises(DetectorError, match="has its weights in it"):
        open_detector(good, weights=tmp_path / "w.pth")
    with pytest.raises(DetectorError, match=r"yolo11n\.pt: expected an \.onnx file; .*format=onnx"):
        open_detector("yolo11n.pt")


def test_the_fingerprint_changes_with_what_is_found(tmp_path: Path) -> None:
    path = constant_network(tmp_path / "a.onnx", v8(), metadata=NAMES)
    prints = {open_yolo(path, classes, score).fingerprint for classes in ("0", "1") for score in (0.2, 0.3)}
    assert len(prints) == 4
    assert open_yolo(path, "0", 0.2).fingerprint == open_yolo(path, "person", 0.2).fingerprint


def test_images_of_any_shape_and_memory_layout(tmp_path: Path) -> None:
    detector = open_yolo(constant_network(tmp_path / "a.onnx", v8(), metadata=NAMES))
    large = cv2.resize(IMAGE, (640, 640))
    np.testing.assert_allclose(detector(large).boxes, [[10 * side for side in PERSON_BOX]], atol=1e-3)
    np.testing.assert_allclose(detector(large[::-1, ::10]).boxes[0, 0], 0, atol=40)
