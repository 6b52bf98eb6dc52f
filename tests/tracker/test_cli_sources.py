"""``track --source``: videos, images and streams, with boxes from a file or a detector."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from tests.reid.detectors.networks import constant_network
from tests.reid.footage.streams import MotionJpegServer
from tests.tracker import commands
from tests.tracker.interrupting import interrupted
from tests.tracker.sequences import PEOPLE, SequenceMaker
from tracker.tables import read_results

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def street(make_sequence: SequenceMaker, here: Path) -> Path:
    """A street with three people, as images and as a video, and a file with their boxes."""
    folder = make_sequence("street", length=20)
    make_sequence.add_images(folder)
    writer = cv2.VideoWriter("street.avi", cv2.VideoWriter.fourcc(*"MJPG"), 25, (640, 480))
    for image in sorted((folder / "img1").iterdir()):
        writer.write(cv2.imread(str(image)))
    writer.release()
    (here / "boxes.txt").write_text((folder / "det" / "det.txt").read_text())
    return folder


@pytest.fixture
def detector(here: Path) -> Path:
    """Finds everybody where they are in the first frame, and a car, whatever is in the picture."""
    pytest.importorskip("onnxruntime")
    out = np.zeros((7, 252))
    for column, person in enumerate(PEOPLE):
        row = np.array(person.row(1)[2:6])
        out[:6, 10 + column] = [*(row[:2] - 1 + row[2:] / 2), *row[2:], 0.9, 0.1]
    out[:7, 50] = [400, 400, 90, 40, 0.0, 0.8, 0.0]
    names = {"names": "{0: 'person', 1: 'car', 2: 'dog'}"}
    return constant_network(here / "my net.onnx", out, size=(480, 640), metadata=names)


def track(*arguments: str | Path, descriptor: str = "none") -> Result:
    return commands.track(*arguments, "--descriptor", descriptor)


def fails(*arguments: str | Path) -> str:
    """The complaint, in one line, of a run that must fail."""
    complaint = commands.fails(*arguments, "--descriptor", "none")
    assert complaint.startswith("track: ")
    assert complaint.count("\n") == 1
    assert not Path("results").exists()
    return complaint


def test_a_video_with_boxes_from_a_file(street: Path) -> None:
    result = track("--source", "street.avi", "--detections", "boxes.txt")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("street: 3 identities in 20 frames")
    assert "detections boxes.txt, no appearance" in result.stdout
    written = read_results(Path("results/deepsort/street.txt"))
    assert set(written.ids.tolist()) == {1, 2, 3}
    # As from the same frames in MOTChallenge's layout.
    assert track("--seq", street, "--output", "other.txt").exit_code == 0
    np.testing.assert_array_equal(read_results(Path("other.txt")).boxes, written.boxes)


@pytest.mark.parametrize("pattern", ["{}/img1", "{}/img1/0000*.jpg"])
def test_images_with_boxes_from_a_file(pattern: str, street: Path) -> None:
    result = track("--source", pattern.format(street), "--detections", "boxes.txt", "--output", "out")
    assert result.exit_code == 0, result.output
    assert read_results(Path("out/img1.txt")).last_frame == 20


def test_a_sequence_as_source_is_a_sequence(street: Path) -> None:
    result = track("--source", street, "--output", "out")
    assert "street: 3 identities in 20 frames" in result.stdout
    assert "detections det.txt" in result.stdout


def test_a_detector(street: Path, detector: Path) -> None:
    result = track("--source", "street.avi", "--detector", detector.name)
    assert result.exit_code == 0, result.output
    assert "detections my net, no appearance" in result.stdout
    written = read_results(Path("results/deepsort/street.txt"))
    assert set(written.ids.tolist()) == {1, 2, 3}
    expected = [person.row(1)[2] for person in PEOPLE]
    np.testing.assert_allclose(written.frame(10).boxes[:, 0] + 1, expected, atol=0.02)
    both = track(
        "--source", "street.avi", "--detector", detector, "--classes", "car,person", "--output", "b.csv"
    )
    assert "4 identities" in both.stdout
    assert {line.split(",")[7] for line in Path("b.csv").read_text().splitlines()[1:]} == {"0", "1"}
    sequence = track("--seq", street, "--detector", detector, "--classes", "1", "--output", "c.txt")
    assert "street: 1 identities" in sequence.stdout


def test_appearance_a_video_and_a_page_from_a_video(street: Path, detector: Path) -> None:
    result = track(
        *("--source", "street.avi", "--detector", detector, "--video", "out.mp4"),
        *("--report", "out", "--output", "out"),
        descriptor="histogram",
    )
    assert result.exit_code == 0, result.output
    assert "appearance from histogram" in result.stdout
    assert Path("out.mp4").stat().st_size > 10_000
    assert "street: tracks" in Path("out/street.html").read_text(encoding="utf-8")


def test_several_sources(street: Path, detector: Path) -> None:
    sources = ("--source", "street.avi", "--source", street / "img1")
    assert track(*sources, "--detector", detector, "--output", "out").exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["img1.txt", "street.txt"]
    assert "boxes.txt: is for one --source" in fails(*sources, "--detections", "boxes.txt")


def test_detections_beyond_the_end_are_noted(street: Path) -> None:
    with Path("boxes.txt").open("a") as file:
        file.write("99,-1,10,10,20,40,0.9,-1,-1,-1\n")
    result = track("--source", "street.avi", "--detections", "boxes.txt")
    assert result.exit_code == 0
    assert "note: boxes.txt: 1 detections beyond the last frame, 20, are not used" in result.stderr


def test_a_truncated_video_is_noted_once(street: Path) -> None:
    path = Path("street.avi")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = track("--source", path, "--detections", "boxes.txt")
    assert result.exit_code == 0
    notes = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert re.fullmatch(r"note: street\.avi: ended after frame \d+ of the 20 that it promises", notes[0])


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], "nothing to track; expected --source WHAT or --seq NAME"),
        (["--source", "street.avi", "--seq", "street"], "--seq and --source: expected one of them"),
        (["--source", "street.avi"], "nothing says what is in it; expected --detector NAME"),
        (["--source", "street.avi", "--detections", "none.txt"], "none.txt: No such file"),
        (["--source", "street.avi", "--detections", "boxes.txt", "--detector", "x.onnx"], "expected one of"),
        (
            ["--source", "street.avi", "--detections", "boxes.txt", "--classes", "car"],
            "--classes car: is",
        ),
        (["--source", "street.avi", "--detector", "yolo.onnx"], "yolo.onnx: cannot be read (No such file"),
        (["--source", "street.avi", "--detector", "fastercnn"], "did you mean fasterrcnn"),
        (["--source", "street.avi", "--detector", "y.pt"], "y.pt: expected an .onnx file"),
        (
            ["--source", "boxes.txt", "--detections", "boxes.txt"],
            "boxes.txt: cannot be opened; expected a",
        ),
        (["--source", "none.avi", "--detections", "boxes.txt"], "none.avi: no such file or folder; expected"),
        (["--source", "empty", "--detections", "boxes.txt"], "empty: no images; expected files such as"),
        (["--source", "*.jpg", "--detections", "boxes.txt"], "*.jpg: no images; expected files such as"),
        (["--source", "97", "--detections", "boxes.txt"], "camera 97: cannot be opened; expected the number"),
        (
            ["--source", "http://me:secret@127.0.0.1:9/live", "--detections", "boxes.txt"],
            "http://127.0.0.1:9/live: cannot be opened; expected a stream that can be reached",
        ),
    ],
)
def test_wrong_input_is_named(arguments: list[str], expected: str, street: Path) -> None:
    Path("empty").mkdir()
    assert expected in fails("--tracker", "deepsort", *arguments)


def test_a_detector_that_is_none(street: Path) -> None:
    pytest.importorskip("onnxruntime")
    network = constant_network(Path("reid.onnx"), np.zeros(128))
    assert "reid.onnx: its output is 1 × 128; expected a detector's" in fails(
        "--source", "street.avi", "--detector", network
    )


def test_images_of_another_size_than_the_sequence_says(street: Path) -> None:
    info = street / "seqinfo.ini"
    info.write_text(info.read_text().replace("imWidth=640", "imWidth=1920"))
    result = track("--seq", street, descriptor="histogram")
    assert result.exit_code == 1
    assert f"000001.jpg: 640×480 pixels; expected 1920×480, as {info} says" in result.stderr


def test_an_image_of_another_size_ends_the_run_and_keeps_what_was_done(street: Path) -> None:
    cv2.imwrite(str(street / "img1" / "000011.jpg"), np.zeros((240, 320, 3), np.uint8))
    result = track("--source", street / "img1", "--detections", "boxes.txt", "--output", "out.txt")
    assert result.exit_code == 1
    assert "000011.jpg: 320×240 pixels; expected 640×480, as the first image says" in result.stderr
    assert read_results(Path("out.txt.partial")).last_frame > 2


def test_a_stream_that_is_lost_and_comes_back(detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [np.full((480, 640, 3), 90, np.uint8)] * 12
    with MotionJpegServer(pictures, connections=2) as server:
        monkeypatch.setattr("reid.footage.video.PATIENCE", 0.5)
        result = track("--source", server.address, "--detector", detector, "--output", "out.txt")
    assert result.exit_code == 0, result.output
    assert re.search(r"note: .*: lost after frame \d+, back \d\.\d s later", result.stderr)
    assert re.search(r"note: .*: ended after frame \d+\n", result.stderr)
    assert "3 identities" in result.stdout
    assert read_results(Path("out.txt")).last_frame > 12


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
def test_ctrl_c_ends_a_stream_and_says_what_was_dropped(detector: Path) -> None:
    pictures = [np.full((480, 640, 3), 90, np.uint8)]
    with MotionJpegServer(pictures, repeat=100_000, interval=0.001) as server:
        command = [
            sys.executable,
            "-m",
            "tracker.cli",
            "--source",
            server.address,
            "--detector",
            str(detector),
        ]
        command += ["--output", "live.txt", "--video", "live.avi"]
        ended = interrupted(command, Path("live.partial.avi").is_file, pause=1.0)
    stdout, stderr = ended.stdout, ended.stderr
    assert ended.returncode == 0, stderr
    assert "Traceback" not in stderr
    assert re.search(r"note: .*: \d+ frames dropped, to keep up with it", stderr)
    assert "3 identities" in stdout
    assert read_results(Path("live.txt")).last_frame > 10
    assert Path("live.avi").stat().st_size > 10_000
