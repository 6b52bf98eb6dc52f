from __future__ import annotations

import re
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from reid.detectors import DetectorError, open_detector

NAME = "ssdlite320_mobilenet_v3_large"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network that has learnt nothing, and finds people of score 0.9 everywhere."""
    torch.manual_seed(0)
    network = get_model(NAME, weights=None, weights_backbone=None, num_classes=91)
    state = network.state_dict()
    for name, values in state.items():
        if re.fullmatch(r"head\.classification_head\.module_list\.\d\.1\.bias", name):
            values[:] = 0
            values.view(-1, 91)[:, 1] = 7
    path = tmp_path_factory.mktemp("weights") / "ssd.pth"
    torch.save(state, path)
    return path


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network, and nothing downloaded before."""

    def fails(*_: object, **__: object) -> None:
        raise URLError("no network here")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fails)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch home"))
    return tmp_path / "torch home"


def test_a_detector_with_weights_from_a_file(weights: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 200, 3), dtype=np.uint8)
    detector = open_detector(NAME, weights=weights, min_score=0.5, device="cpu")
    assert detector.name == NAME
    assert detector.classes.tolist() == [1]
    found = detector(image)
    assert len(found.boxes) > 3
    assert set(found.classes.tolist()) == {1}
    assert (np.diff(found.scores) <= 0).all()
    assert found.boxes.min() >= 0
    assert (found.boxes[:, 2:].max(axis=0) <= (200, 120)).all()
    assert len(open_detector(NAME, weights=weights, classes="car", device="cpu")(image).boxes) == 0
    # The same weights in the other formats.
    state = torch.load(weights, weights_only=True)
    save_file(state, tmp_path / "ssd.safetensors")
    torch.save({"model": state, "epoch": 3}, tmp_path / "checkpoint.pth")
    for other in (tmp_path / "ssd.safetensors", tmp_path / "checkpoint.pth"):
        again = open_detector(NAME, weights=other, min_score=0.5, device="cpu")
        np.testing.assert_array_equal(again(image).boxes, found.boxes)
        assert again.fingerprint != detector.fingerprint


@pytest.mark.parametrize(
    "name, nothing, its_limit",
    [("fasterrcnn_mobilenet_v3_large_320_fpn", 6.0, 0.05), ("ssdlite320_mobilenet_v3_large", 11.0, 0.001)],
)
def test_a_score_below_the_networks_own_limit_counts_if_asked_for(
    name: str, nothing: float, its_limit: float, tmp_path: Path
) -> None:
    """The network sees ``nothing`` nearly everywhere, and else people."""
    torch.manual_seed(0)
    state = get_model(name, weights=None, weights_backbone=None, num_classes=91).state_dict()
    last_layers = r"roi_heads\..*cls_score\.bias|head\.classification_head\.module_list\.\d\.1\.bias"
    for key, values in state.items():
        if re.fullmatch(last_layers, key):
            values[:] = 0
            values.view(-1, 91)[:, :2] = torch.tensor([nothing, 3.0])
    torch.save(state, tmp_path / "doubtful.pth")
    image = np.random.default_rng(0).integers(0, 256, (120, 200, 3), dtype=np.uint8)
    least = its_limit / 10
    found = open_detector(name, weights=tmp_path / "doubtful.pth", min_score=least, device="cpu")(image)
    assert len(found.scores) > 3
    assert least <= found.scores.min()
    assert found.scores.max() < its_limit


def test_weights_that_cannot_be_had_are_named_with_their_place(offline: Path) -> None:
    with pytest.raises(DetectorError) as raised:
        open_detector(NAME, device="cpu")
    complaint = str(raised.value)
    assert "\n" not in complaint
    assert f"{NAME}: no weights" in complaint
    assert "no network here" in complaint
    file = "ssdlite320_mobilenet_v3_large_coco-a79551df.pth"
    assert str(offline / "hub" / "checkpoints" / file) in complaint
    assert f"https://download.pytorch.org/models/{file}" in complaint
    assert "--detector-weights" in complaint


def test_damaged_weights_in_their_place(offline: Path) -> None:
    place = offline / "hub" / "checkpoints" / "ssdlite320_mobilenet_v3_large_coco-a79551df.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"half a file")
    with pytest.raises(DetectorError, match="damaged weights"):
        open_detector(NAME, device="cpu")


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("run by whoever loads it",))


def test_published_weights_are_used_as_torchvision_uses_them(tmp_path: Path) -> None:
    name = "fasterrcnn_resnet50_fpn"
    state = get_model(name, weights=None, weights_backbone=None, num_classes=91).state_dict()
    epsilons = []
    for file in ("fasterrcnn_resnet50_fpn_coco-258fb6c6.pth", "mine.pth"):
        torch.save(state, tmp_path / file)
        network = open_detector(name, weights=tmp_path / file, device="cpu")._network  # type: ignore[attr-defined]
        epsilons.append({layer.eps for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)})
    assert epsilons == [{0.0}, {1e-5}]


def test_foreign_weights_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "w.pth"
    torch.save({"evil": Evil()}, path)
    with pytest.raises(DetectorError, match=r"w\.pth: no weights, or damaged ones"):
        open_detector(NAME, weights=path, device="cpu")
    assert "run by" not in capsys.readouterr().out
    torch.save([1, 2], path)
    with pytest.raises(DetectorError, match=r"w\.pth: holds a list; expected weights by name"):
        open_detector(NAME, weights=path, device="cpu")
    torch.save({"conv.weight": torch.zeros(3)}, path)
    with pytest.raises(DetectorError, match=rf"w\.pth: not the weights of {NAME}"):
        open_detector(NAME, weights=path, device="cpu")
    path.write_bytes(b"")
    with pytest.raises(DetectorError, match=r"w\.pth"):
        open_detector(NAME, weights=path, device="cpu")
    with pytest.raises(DetectorError, match=r"none\.pth: cannot be read \(No such file"):
        open_detector(NAME, weights=tmp_path / "none.pth", device="cpu")


def test_an_unknown_name_has_near_ones() -> None:
    with pytest.raises(DetectorError, match="unknown detector 'fasterrcn_resnet50'; did you mean fasterrcnn"):
        open_detector("fasterrcn_resnet50")
    with pytest.raises(DetectorError, match="known: fasterrcnn_mobilenet"):
        open_detector("xyz")
    with pytest.raises(DetectorError, match="no class 'persn'; did you mean 'person'"):
        open_detector(NAME, classes="persn")
