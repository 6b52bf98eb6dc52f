from __future__ import annotations

import csv
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.descriptor import Descriptor
from tests.reid.commands import fails, reid
from tracker.tables import read_detections

People = Callable[..., np.ndarray]


@pytest.fixture
def market(tmp_path: Path, make_people: People) -> Path:
    """Six people, each twice in two cameras."""
    folder, rng = tmp_path / "market", np.random.default_rng(0)
    folder.mkdir()
    for identity, crop in enumerate(make_people(6, (64, 32), seed=2), start=1):
        for camera in (1, 2):
            for frame in (1, 2):
                noisy = np.clip(crop + rng.normal(0, 10, crop.shape), 0, 255).astype(np.uint8)
                name = f"{identity:04d}_c{camera}s1_{frame + 10 * identity:06d}_01.png"
                cv2.imwrite(str(folder / name), noisy[..., ::-1])
    return folder


def test_outputs_are_refused_before_the_work(run: Path, street: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    boxes = street / "det" / "det.txt"
    arguments = ("embed", street, "--descriptor", run, "--detections")
    assert fails(reid(*arguments, boxes, "--output", tmp_path / "file" / "a.npy"), "cannot be written")
    array = tmp_path / "boxes.npy"
    np.save(array, np.loadtxt(boxes, delimiter=","))
    assert fails(reid(*arguments, array, "--output", array), "is read, and would be written over")
    assert reid(*arguments, array, "--output", tmp_path / "vectors.npy").exit_code == 0


def test_a_table_is_not_written_over_what_it_is_about(run: Path, street: Path) -> None:
    truth, weights = street / "gt" / "gt.txt", run / "descriptor.safetensors"
    before = truth.read_bytes(), weights.read_bytes()
    for output in (truth, weights):
        result = reid("evaluate", run, "--sequence", street, "--output", output)
        assert fails(result, f"{output}: is read, and would be written over")
    assert (truth.read_bytes(), weights.read_bytes()) == before


def test_export_writes_beside_the_descriptor(run: Path) -> None:
    pytest.importorskip("onnxruntime")
    result = reid("export", run, "--format", "onnx")
    assert result.exit_code == 0, result.output
    assert f"{run / 'descriptor.onnx'}: computes the same to" in result.stdout
    assert (run / "descriptor.onnx").is_file()
    assert reid("export", run, "--format", "torch-export", "--output", run / "a.pt2").exit_code == 0
    assert (run / "a.pt2").is_file()


def test_embed_keeps_the_detections_and_adds_vectors(run: Path, street: Path, tmp_path: Path) -> None:
    detections = street / "det" / "det.txt"
    lines = detections.read_text().splitlines()
    # Not in order of the frames, and one box outside the image.
    lines = [*lines[80:], *lines[:80], "3,-1,900.25,900,10,20,0.5"]
    detections.write_text("\n".join(lines))
    output = tmp_path / "a.npy"
    result = reid("embed", street, "--descriptor", run, "--detections", detections, "--output", output)
    assert result.exit_code == 0, result.output
    assert "160 of 161 detections described by tiny" in result.stdout
    rows = np.load(output, allow_pickle=False)
    assert rows.shape == (161, 10 + 6)
    np.testing.assert_array_equal(rows[:, :7], np.loadtxt(detections, delimiter=","))
    assert (rows[:, 7:10] == -1).all()
    assert np.isnan(rows[-1, 10:]).all()
    row = 5
    frame = cv2.imread(str(street / "img1" / f"{int(rows[row, 0]):06d}.png"))[..., ::-1]
    left, top, width, height = rows[row, 2:6]
    box = np.array([[left - 1, top - 1, left - 1 + width, top - 1 + height]])
    expected = Descriptor.load(run, "cpu")(np.ascontiguousarray(frame), box)[0]
    np.testing.assert_allclose(rows[row, 10:], expected, atol=0.02 * np.abs(expected).max())


def embedding(sequence: Path, output: Path) -> list[object]:
    detections = sequence / "det" / "det.txt"
    return ["embed", sequence, "--descriptor", "histogram", "--detections", detections, "--output", output]


def test_embedded_detections_are_what_the_tracker_reads(street: Path, tmp_path: Path) -> None:
    detections, output = street / "det" / "det.txt", tmp_path / "a.npy"
    result = reid(*embedding(street, output))
    assert result.exit_code == 0, result.output
    plain, described = read_detections(detections), read_detections(output)
    np.testing.assert_array_equal(plain.boxes, described.boxes)
    np.testing.assert_array_equal(plain.scores, described.scores)
    assert described.features.shape == (160, 320)


def test_embed_says_which_frames_have_no_image(street: Path, tmp_path: Path) -> None:
    for frame in (39, 40):
        (street / "img1" / f"{frame:06d}.png").unlink()
    result = reid(*embedding(street, tmp_path / "a.npy"))
    assert "152 of 160 detections described" in result.stdout
    assert "note: STREET: 2 of 40 images missing or damaged (frames 39, 40)" in result.stderr
    with (street / "det" / "det.txt").open("a") as file:
        file.write("41,-1,5,5,20,40,0.9\n43,-1,5,5,20,40,0.9\n")
    late = reid(*embedding(street, tmp_path / "a.npy"))
    assert "det.txt: detections beyond the last frame, 40, have no vectors (frames 41, 43)" in late.stderr


def test_evaluate_has_the_references_beside(run: Path, market: Path, street: Path) -> None:
    result = reid(
        "evaluate", run, "histogram", "--market", market, "--sequence", street, "--held-out", 3,
        "--flatness-points", 3,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    for word in ("### market, last 3 identities", "### STREET", "### Flatness", "mAP", "condition"):
        assert word in result.stdout
    for name in ("PCA-128 of pixels", "HSV histogram", "tiny-run", "histogram"):
        # Under both metrics, in both tables.
        assert result.stdout.count(f"| {name} |") >= 4


@pytest.mark.parametrize("fmt", ["csv", "json"])
def test_evaluate_writes_files_for_programs(run: Path, market: Path, tmp_path: Path, fmt: str) -> None:
    output = tmp_path / "tables" / f"scores.{fmt}"
    arguments = ["--market", market, "--held-out", 3, "--flatness-points", 2, "--format", fmt]
    result = reid("evaluate", run, *arguments, "--output", output)
    assert result.exit_code == 0, result.output
    text = output.read_text()
    if fmt == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        found = {(row["descriptor"], row["score"]): row["value"] for row in rows}
        assert 0 <= float(found["tiny-run", "mAP"]) <= 1
        assert float(found["tiny-run", "condition p50"]) >= 1
        assert int(found["tiny-run", "latents"]) == 6
    else:
        report = json.loads(text)
        assert {row["descriptor"] for row in report["rows"]} >= {"tiny-run", "HSV histogram"}
        assert report["flatness"]["tiny-run"]["mixup"]["points"] == 2


def test_train_resume_and_calibrate_as_a_new_user_would(
    run: Path, street: Path, tmp_path: Path, make_people: People
) -> None:
    config, output, crops = run / "config.yaml", tmp_path / "mine", tmp_path / "crops"
    crops.mkdir()
    for number, crop in enumerate(make_people(20, (64, 32))):
        cv2.imwrite(str(crops / f"{number}.png"), crop)
    arguments = ["--data", crops, "--device", "cpu", "--set", "optimiser.steps=3"]
    result = reid("train", "--config", config, "--output", output, *arguments)
    assert result.exit_code == 0, result.output
    assert "3 steps on" in result.stdout
    again = reid("train", "--config", config, "--output", output, *arguments)
    assert fails(again, "holds a run already")
    longer = ["--data", crops, "--device", "cpu", "--set", "optimiser.steps=5"]
    result = reid("train", "--output", output, "--resume", *longer)
    assert result.exit_code == 0, result.output
    assert "5 steps on" in result.stdout
    assert reid("calibrate", output, "--data", street).exit_code == 0
    assert Descriptor.load(output, "cpu").width == 6


def test_mistakes_are_told_in_one_line(run: Path, street: Path, tmp_path: Path) -> None:
    assert fails(reid("train", "--config", "fmvea", "--data", street), "unknown training 'fmvea'")
    assert fails(reid("train", "--config", run / "config.yaml", "--output", tmp_path / "x"), "no data")
    assert fails(reid("calibrate", "nobody", "--data", street), "unknown descriptor 'nobody'")
    assert fails(reid("calibrate", run, "--data", tmp_path / "none"), "no such folder")
    assert fails(reid("calibrate", run, "--data", run), "no images")
    assert fails(reid("evaluate", run), "nothing to evaluate on")
    assert fails(reid("evaluate", tmp_path, "--sequence", street), "a folder without descriptor.safetensors")
    assert fails(reid("export", tmp_path / "no.safetensors"), "no such file")
    embed = ["embed", street, "--descriptor", "histogram", "--detections"]
    missing = reid(*embed, tmp_path / "none.txt", "--output", tmp_path / "a.npy")
    assert fails(missing, "none.txt: No such file")
    wrong = reid(*embed, street / "det" / "det.txt", "--output", tmp_path / "a.txt")
    assert fails(wrong, "expected the name of a .npy file")
    assert not (tmp_path / "a.npy").exists()


def test_a_stopped_training_says_how_to_go_on(
    run: Path, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reid.training.run import Outcome

    monkeypatch.setattr("reid.training.run.train", lambda *_, **__: Outcome(tmp_path, False, 2, 1.0, 160))
    result = reid("train", "--config", run / "config.yaml", "--data", street, "--output", tmp_path / "mine")
    assert result.exit_code == 130
    assert "stopped after 2 of 5 steps; go on with: reid train --resume" in result.stderr


@pytest.fixture
def video(street: Path, tmp_path: Path) -> Path:
    """The street in flickering light as a video; its boxes are in ``det/det.txt``, as before."""
    rng = np.random.default_rng(0)
    path = tmp_path / "my street.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 10, (160, 200))
    for image in sorted((street / "img1").iterdir()):
        light = np.kron(rng.integers(-40, 40, (25, 20)), np.ones((8, 8)))[..., None]
        writer.write(np.clip(cv2.imread(str(image)) + light, 0, 255).astype(np.uint8))
    writer.release()
    return path


def test_footage_of_one_person_leaves_a_provisional_threshold_and_says_so(
    run: Path, street: Path, video: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    boxes = tmp_path / "one person.txt"
    boxes.write_text("\n".join((street / "det" / "det.txt").read_text().splitlines()[::4]))
    alone = ("--source", video, "--detections", boxes, "--output", tmp_path / "alone")
    with caplog.at_level(logging.WARNING):
        result = reid("train", *alone, "--config", run / "config.yaml")
    assert result.exit_code == 0, result.output
    assert "the threshold is provisional: 0 pairs of two people in one frame" in caplog.text
    assert "provisional" in (tmp_path / "alone" / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_training_on_ones_own_video(run: Path, street: Path, video: Path, tmp_path: Path) -> None:
    boxes, output = street / "det" / "det.txt", tmp_path / "mine"
    train = ("train", "--source", video, "--detections", boxes, "--output", output)
    result = reid(*train, "--config", run / "config.yaml")
    assert result.exit_code == 0, result.output
    assert f"-> {output}" in result.stdout
    assert "crops of 16×32 from 160 boxes; dropped" in result.stderr
    descriptor = Descriptor.load(output, "cpu")
    # Calibrated on the same footage.
    assert descriptor.auc is not None
    card = (output / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "my street" in card
    assert f"cosine, {descriptor.threshold:.4g} (calibrated on the training footage, AUC" in card
    # Going on takes the crops that are stored.
    more = reid(*train, "--resume", "--set", "optimiser.steps=8")
    assert more.exit_code == 0, more.output
    assert "8 steps" in more.stdout
    again = reid("calibrate", output, "--source", video, "--detections", boxes, "--metric", "euclidean")
    assert again.exit_code == 0, again.output
    calibrated = Descriptor.load(output, "cpu")
    assert calibrated.metric == "euclidean"
    card = (output / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"euclidean, {calibrated.threshold:.4g} (calibrated on my street, AUC" in card


def test_mistakes_with_footage_are_told_in_one_line(run: Path, street: Path, video: Path) -> None:
    train = ("train", "--config", run / "config.yaml", "--output", run / "out")
    assert fails(reid(*train, "--source", video), "expected a file with boxes for each source")
    assert fails(reid(*train, "--source", video, "--detections", "none.txt"), "none.txt: No such file")
    assert fails(reid(*train, "--source", video, "--detector", "yolo.onnx"), "yolo.onnx: cannot be read")
    assert fails(reid(*train, "--source", "none.mp4", "--detections", "a.txt"), "none.mp4: no such file")
    boxes = street / "det" / "det.txt"
    assert fails(reid(*train, "--source", boxes, "--detections", boxes), "det.txt: cannot be opened")
    assert fails(reid("calibrate", run, "--detections", boxes), "0 × --source and 1 × --detections")
    assert fails(reid("calibrate", run), "no footage")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_result_that_cannot_be_printed_is_told_in_one_line(street: Path, tmp_path: Path) -> None:
    embed = ["embed", str(street), "--descriptor", "histogram", "--quiet"]
    embed += ["--detections", str(street / "det" / "det.txt"), "--output", str(tmp_path / "vectors.npy")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reid.cli", *embed], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    (told,) = done.stderr.splitlines()
    assert told.startswith("reid: standard output: cannot be written (No space left on device); expected")
    assert (tmp_path / "vectors.npy").is_file()
