"""``reid calibrate``: thresholds, and where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reid.descriptor import Descriptor, DescriptorError
from reid.models import VAE
from reid.network_descriptor import save_descriptor
from tests.reid.commands import fails, reid

People = Callable[..., np.ndarray]


def test_calibration_is_stored_with_the_descriptor(run: Path, street: Path) -> None:
    before = Descriptor.load(run, "cpu")
    result = reid("calibrate", run, "--data", street, "--metric", "euclidean")
    assert result.exit_code == 0, result.output
    assert "euclidean threshold" in result.stdout
    after = Descriptor.load(run, "cpu")
    assert before.auc is None
    # Four people in clothes of different colours.
    assert after.auc is not None
    assert after.auc > 0.9
    assert after.metric == "euclidean"
    assert after.threshold != before.threshold
    assert (run / "calibration.png").stat().st_size > 1000
    crops = np.zeros((1, 32, 16, 3), np.uint8)
    np.testing.assert_array_equal(before(crops), after(crops))


def test_the_model_card_tells_the_threshold_in_force(run: Path, street: Path, tmp_path: Path) -> None:
    card = run / "MODEL_CARD.md"
    row = "| metric, threshold | cosine, 0.5 (provisional) |"
    card.write_text(f"# tiny β\n\n| seed | 0 |\n{row}\n| loss | 1 |\n", encoding="utf-8")
    before = card.read_text(encoding="utf-8")
    # Of a copy that lies elsewhere the card says nothing.
    assert reid("calibrate", run, "--data", street, "--output", tmp_path / "a.safetensors").exit_code == 0
    assert card.read_text(encoding="utf-8") == before
    assert reid("calibrate", run, "--data", street, "--metric", "euclidean").exit_code == 0
    now = Descriptor.load(run, "cpu")
    told = f"euclidean, {now.threshold:.4g} (calibrated on STREET, AUC {now.auc:.3f})"
    assert card.read_text(encoding="utf-8") == before.replace("cosine, 0.5 (provisional)", told)


def test_calibration_warns_where_appearance_would_hurt(
    run: Path, street: Path, tiny_model: VAE, make_people: People, caplog: pytest.LogCaptureFixture
) -> None:
    # What all crops have in common tells nobody apart.
    with torch.no_grad():
        for parameter in (blind := VAE(tiny_model.settings)).encoder.parameters():
            parameter.mul_(1e-3)
    for frame in (street / "img1").iterdir():
        cv2.imwrite(str(frame), np.random.default_rng(int(frame.stem)).integers(0, 256, (200, 160, 3)))
    save_descriptor(
        run / "descriptor.safetensors", blind, make_people(9, (32, 16)), metric="cosine", policy="squash"
    )
    result = reid("calibrate", run, "--data", street)
    assert result.exit_code == 0, result.output
    assert Descriptor.load(run, "cpu").auc < 0.7
    assert "appearance would hurt" in caplog.text


def test_calibrating_the_histogram_changes_no_file(street: Path) -> None:
    result = reid("calibrate", "histogram", "--data", street / "det" / "det.txt")
    assert result.exit_code == 0, result.output
    assert "->" not in result.stdout


def test_of_the_histogram_there_is_no_copy(street: Path, tmp_path: Path) -> None:
    result = reid("calibrate", "histogram", "--data", street, "--output", tmp_path / "a.safetensors")
    assert fails(result, "histogram: is no file")
    assert not list(tmp_path.glob("a.*"))


def test_a_copy_that_cannot_be_written_is_refused_before_the_work(
    run: Path, street: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    copy = tmp_path / "file" / "a.safetensors"
    # Boxes that are not there would be missed first otherwise.
    (street / "det" / "det.txt").unlink()
    assert fails(reid("calibrate", run, "--data", street, "--output", copy), f"{copy}: cannot be written")


def test_an_onnx_network_is_calibrated_beside_it(run: Path, street: Path) -> None:
    pytest.importorskip("onnxruntime")
    assert reid("export", run).exit_code == 0
    network = run / "descriptor.onnx"
    assert reid("calibrate", network, "--data", street).exit_code == 0
    assert Descriptor.load(network).auc > 0.9


def test_a_threshold_is_not_taken_for_another_networks(run: Path, street: Path) -> None:
    pytest.importorskip("onnxruntime")
    network = run / "descriptor.onnx"
    assert reid("export", run).exit_code == 0
    assert reid("calibrate", network, "--data", street).exit_code == 0
    other = Path(network).with_name("other.onnx")
    assert reid("export", run, "--output", other).exit_code == 0
    # The same network under another metric is another file.
    assert reid("calibrate", run, "--data", street, "--metric", "euclidean").exit_code == 0
    assert reid("export", run, "--output", other).exit_code == 0
    other.replace(network)
    with pytest.raises(DescriptorError, match=r"calibration\.json: is of another network than descriptor"):
        Descriptor.load(network)
    # A new export brings its own.
    assert reid("export", run).exit_code == 0
    assert Descriptor.load(network).metric == "euclidean"


def test_what_ships_is_not_changed(
    run: Path, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    shipped = weights / "fmvae-small.safetensors"
    shipped.write_bytes((run / "descriptor.safetensors").read_bytes())
    for module in ("reid.descriptor", "reid.calibrating"):
        monkeypatch.setattr(f"{module}.WEIGHTS_FOLDER", weights)
    monkeypatch.chdir(tmp_path)
    before = shipped.read_bytes()
    assert fails(reid("calibrate", "fmvae-small", "--data", street), "expected --output FILE")
    result = reid("calibrate", "fmvae-small", "--data", street, "--output", "street.safetensors")
    assert result.exit_code == 0, result.output
    assert Descriptor.load("street.safetensors", "cpu").auc > 0.9
    assert Path("street.calibration.png").is_file()
    assert reid("export", "fmvae-small", "--format", "torchscript").exit_code == 0
    assert Path("fmvae-small.pt").is_file()
    assert [path.name for path in weights.iterdir()] == ["fmvae-small.safetensors"]
    assert shipped.read_bytes() == before
