"""The command ``track``, from arguments to files and exit status."""

from __future__ import annotations

import csv
import json
import os
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.tracker.interrupting import interrupted
from tests.tracker.sequences import SequenceMaker
from tracker.cli import app
from tracker.tables import read_results


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run in a folder of their own, without the data of whoever runs them."""
    monkeypatch.delenv("VHP_DATA", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def root(make_sequence: SequenceMaker) -> Path:
    for name in ("Night Shop-01", "Night Shop-02", "hall"):
        make_sequence(name)
    return make_sequence.root


def track(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    # Errors are told in words, in one line each.
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def fails(*arguments: str | Path) -> str:
    """The complaint of a run that must fail."""
    result = track(*arguments)
    assert result.exit_code == 1
    return result.stderr


def test_one_sequence(root: Path) -> None:
    result = track("--seq", "Night Shop-01", "--data-root", root)
    assert result.exit_code == 0
    output = Path("results/deepsort/Night Shop-01.txt")
    assert f"-> {output}" in result.stdout
    assert "3 identities in 30 frames" in result.stdout
    assert "detections det.txt, no appearance" in result.stdout
    written = read_results(output)
    assert set(written.ids.tolist()) == {1, 2, 3}
    assert set(written.frames.tolist()) == set(range(3, 31))
    assert not list(output.parent.glob("*.partial"))


def test_a_pattern(root: Path) -> None:
    result = track("--seq", "Night*", "--data-root", root, "--tracker", "sort", "--output", "out put")
    assert result.exit_code == 0
    assert sorted(path.name for path in Path("out put").iterdir()) == [
        "Night Shop-01.txt",
        "Night Shop-02.txt",
    ]
    assert len(result.stdout.splitlines()) == 2


def test_several_sequences_each_once(root: Path) -> None:
    result = track("--seq", "hall", "--seq", "Night Shop-02", "--seq", "*02", "--data-root", root)
    assert result.exit_code == 0
    assert sorted(line.split(":")[0] for line in result.stdout.splitlines()) == ["Night Shop-02", "hall"]


def test_a_folder_anywhere(root: Path) -> None:
    assert track("--seq", root / "hall", "--output", "x/hall.txt").exit_code == 0
    assert read_results(Path("x/hall.txt")).last_frame == 30


def test_the_data_root_may_come_from_the_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VHP_DATA", str(root))
    assert track("--seq", "hall").exit_code == 0


def test_csv_and_json_lines_carry_the_detection(root: Path) -> None:
    assert track("--seq", "hall", "--data-root", root, "--output", "hall.csv").exit_code == 0
    assert track("--seq", "hall", "--data-root", root, "--format", "jsonl", "--output", "out").exit_code == 0
    with Path("hall.csv").open() as file:
        table = list(csv.DictReader(file))
    lines = [json.loads(line) for line in Path("out/hall.jsonl").read_text().splitlines()]
    assert len(table) == len(lines) == 28 * 3
    for row, line in zip(table, lines, strict=True):
        assert {key: float(value) for key, value in row.items()} == line
        assert line["detection"] in (0, 1, 2)


def test_vectors_from_a_file(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_vectors(root / "hall")
    for arguments, words in (
        ((), "detections walkers.npy, appearance from walkers.npy"),
        (("--descriptor", "file"), "appearance from walkers.npy"),
        (("--descriptor", "none"), "detections walkers.npy, no appearance"),
        (("--detections", "det"), "detections det.txt, no appearance"),
        (("--detections", root / "hall" / "det" / "walkers.npy"), "appearance from walkers.npy"),
    ):
        result = track("--seq", "hall", "--data-root", root, *arguments)
        assert result.exit_code == 0
        assert words in result.stdout


def test_images_tell_what_people_look_like_if_nothing_else_does(
    root: Path, make_sequence: SequenceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one that ships takes a while to load; which one it is makes no difference here.
    monkeypatch.setattr("tracker.looks.default_descriptor", lambda: "histogram")
    make_sequence.add_images(root / "hall")
    arguments = ("--seq", "hall", "--seq", "Night Shop-01", "--data-root", root)
    result = track(*arguments, "--no-cache")
    assert result.exit_code == 0
    without, with_images = sorted(result.stdout.splitlines())
    assert "detections det.txt, appearance from histogram" in with_images
    assert "detections det.txt, no appearance" in without
    assert "appearance from histogram" not in track(*arguments, "--tracker", "sort").stdout
    # Nothing is kept where there is nothing to keep.
    cache = Path(os.environ["VHP_CACHE"])
    assert not list(cache.glob("*"))
    first = Path("results/deepsort/hall.txt").read_text()
    for _ in range(2):
        assert track(*arguments).exit_code == 0
        assert Path("results/deepsort/hall.txt").read_text() == first
    assert [path.name for path in cache.iterdir()] == ["vectors.sqlite"]


def test_a_damaged_cache_is_told(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_images(root / "hall")
    Path(os.environ["VHP_CACHE"], "vectors.sqlite").write_text("nonsense " * 100)
    result = track("--seq", "hall", "--data-root", root, "--descriptor", "histogram")
    assert result.exit_code == 0
    assert "the cache of vectors is damaged and was removed" in result.stderr
    assert "appearance from histogram" in result.stdout


def test_a_pickle_is_no_descriptor(root: Path) -> None:
    Path("weights.safetensors").write_bytes(pickle.dumps({"a": 1}))
    complaint = fails("--seq", "hall", "--data-root", root, "--descriptor", "weights.safetensors")
    assert "weights.safetensors: a pickle, which could run anything" in complaint
    assert len(complaint.splitlines()) == 1


def test_vectors_asked_for_and_not_there(root: Path) -> None:
    complaint = fails("--seq", "hall", "--data-root", root, "--descriptor", "file")
    assert "det.txt: no appearance vectors" in complaint
    assert not Path("results/deepsort/hall.txt").exists()


def test_settings_from_the_command_line(root: Path) -> None:
    def rows(*arguments: str) -> int:
        assert track("--seq", "hall", "--data-root", root, *arguments, "--output", "out.txt").exit_code == 0
        return len(read_results(Path("out.txt")))

    assert rows("--set", "lifecycle.confirm_hits=1") == 90
    assert rows("--set", "lifecycle.confirm_hits=5", "--set", "lifecycle.confirm_hits=10") == 63
    assert rows("--min-confidence", "0.89") == 84
    assert rows("--min-confidence", "0.91") == 0
    assert rows("--nms", "0.5") == 84


def test_a_tracker_of_ones_own(root: Path) -> None:
    Path("mine.yaml").write_text(
        "motion:\n  state: centre-area-ratio\n"
        + "".join(
            f"  {key}: [1, 1, 1, 1]\n"
            for key in (
                "initial_position",
                "initial_velocity",
                "process_position",
                "process_velocity",
                "measurement",
            )
        )
        + "stages: [{name: overlap, cost: overlap, threshold: 0.7}]\nlifecycle: {max_age: 2}\n"
    )
    assert track("--seq", "hall", "--data-root", root, "--tracker", "mine.yaml").exit_code == 0
    assert len(read_results(Path("results/mine/hall.txt"))) == 90


@pytest.mark.parametrize("number", ["0.00001", "1e-7"])
def test_small_numbers_are_numbers(number: str, root: Path) -> None:
    assert track("--seq", "hall", "--data-root", root, "--min-confidence", number).exit_code == 0


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--set", "stages.0.treshold=0.3"], "stages.0.treshold: unknown key; did you mean 'threshold'?"),
        (["--set", "stages.0.threshold"], "expected key=value"),
        (["--set", "lifecycle.max_age=long"], "lifecycle.max_age: found 'long', expected a valid integer"),
        (["--tracker", "deepsrt"], "unknown tracker 'deepsrt'; known: "),
        (["--tracker", "none.yaml"], "none.yaml: no such tracker file"),
        (["--descriptor", "fmvea"], "unknown descriptor 'fmvea'"),
        (["--nms", "0"], "detections.nms: found 0.0, expected greater than 0"),
        (["--min-confidence", "nan"], "detections.min_confidence"),
        (["--detections", "poi"], "no detections 'poi' for hall"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], expected: str, root: Path) -> None:
    complaint = fails("--seq", "hall", "--data-root", root, *arguments)
    assert complaint.startswith("track: ")
    assert expected in complaint
    assert not Path("results").exists()


@pytest.mark.parametrize("arguments", [["--nms", "much"], ["--format", "xml"], ["--sq"]])
def test_usage_errors(arguments: list[str], root: Path) -> None:
    result = track("--seq", "hall", "--data-root", root, *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr


def test_an_unknown_sequence_names_those_that_are_there(root: Path) -> None:
    complaint = fails("--seq", "Night Shop-03", "--data-root", root)
    assert "no sequence 'Night Shop-03'" in complaint
    assert "Night Shop-01" in complaint


def test_a_data_root_that_is_not_there(root: Path) -> None:
    assert f"{root / 'nowhere'}: no such folder" in fails("--seq", "hall", "--data-root", root / "nowhere")


def test_sequences_of_one_name_do_not_overwrite_each_other(root: Path, make_sequence: SequenceMaker) -> None:
    other = make_sequence("elsewhere/hall", length=10)
    complaint = fails("--seq", root / "hall", "--seq", other, "--output", "out")
    assert str(root / "hall") in complaint
    assert str(other) in complaint
    assert not list(Path.cwd().rglob("*.txt"))


def test_missing_detections_fail_only_their_sequence(root: Path) -> None:
    (root / "Night Shop-01" / "det" / "det.txt").unlink()
    result = track("--seq", "Night*", "--data-root", root, "--output", "out")
    assert result.exit_code == 1
    assert "Night Shop-01/det: no detections" in result.stderr.replace(os.sep, "/")
    assert "Night Shop-02: 3 identities" in result.stdout
    assert [path.name for path in Path("out").iterdir()] == ["Night Shop-02.txt"]


def test_damaged_detections_name_the_line(root: Path) -> None:
    path = root / "hall" / "det" / "det.txt"
    lines = path.read_text().splitlines()
    lines[40] = "14,-1,12,abc,40,110,0.9,-1,-1,-1"
    path.write_text("\n".join(lines))
    complaint = fails("--seq", "hall", "--data-root", root)
    assert f"{path}: line 41: 'abc' in column 4; expected a number" in complaint


def test_one_file_for_several_sequences_is_refused(root: Path) -> None:
    complaint = fails("--seq", "*", "--data-root", root, "--output", "all.txt")
    assert "all.txt: 3 sequences cannot go into one file; expected a folder" in complaint


def test_an_output_that_cannot_be_written(root: Path) -> None:
    Path("file").write_text("not a folder")
    complaint = fails("--seq", "hall", "--data-root", root, "--output", "file/hall.txt")
    assert "hall.txt: cannot be written" in complaint
    assert Path("file").read_text() == "not a folder"


def test_an_old_result_survives_a_failure(root: Path) -> None:
    assert track("--seq", "hall", "--data-root", root, "--output", "hall.txt").exit_code == 0
    before = Path("hall.txt").read_text()
    (root / "hall" / "det" / "det.txt").write_text("nonsense\n")
    fails("--seq", "hall", "--data-root", root, "--output", "hall.txt")
    assert Path("hall.txt").read_text() == before


def test_frames_without_detections(make_sequence: SequenceMaker) -> None:
    gap = range(50, 150)
    make_sequence("shop", length=200, empty=(1, 2, 3, *gap, 199, 200))
    assert track("--seq", "shop", "--data-root", make_sequence.root).exit_code == 0
    frames = set(read_results(Path("results/deepsort/shop.txt")).frames.tolist())
    # Confirmed at the third hit; one predicted frame after the last.
    assert frames == {*range(6, 51), *range(152, 200)}


def test_nothing_detected_at_all(make_sequence: SequenceMaker) -> None:
    make_sequence("shop", people=())
    result = track("--seq", "shop", "--data-root", make_sequence.root)
    assert result.exit_code == 0
    assert "0 identities in 30 frames" in result.stdout
    assert Path("results/deepsort/shop.txt").read_text() == ""


def test_notes_are_told_unless_quiet(root: Path) -> None:
    with (root / "hall" / "det" / "det.txt").open("a") as file:
        file.write("99,-1,10,10,20,40,0.9,-1,-1,-1\n")
    noted = track("--seq", "hall", "--data-root", root)
    assert "note: det.txt: 1 detections beyond the last frame" in noted.stderr
    quiet = track("--seq", "hall", "--data-root", root, "--quiet")
    assert (quiet.exit_code, quiet.stderr) == (0, "")


def test_vectors_of_all_sorts_are_noted(root: Path, make_sequence: SequenceMaker) -> None:
    path = make_sequence.add_vectors(root / "hall")
    table = np.load(path)
    table[4, 10:] = 0
    table[7, 12] = np.nan
    np.save(path, table)
    result = track("--seq", "hall", "--data-root", root)
    assert result.exit_code == 0
    assert "2 of 90 rows without a usable appearance vector" in result.stderr
    assert "3 identities" in result.stdout


def test_a_video_and_a_page_beside_the_result(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_images(root / "hall")
    arguments = ("--seq", "hall", "--data-root", root, "--descriptor", "none")
    result = track(*arguments, "--video", "v/a.mp4", "--report", "a.html")
    assert result.exit_code == 0
    assert f"-> {Path('results/deepsort/hall.txt')}, {Path('v/a.mp4')}, a.html" in result.stdout
    assert Path("v/a.mp4").stat().st_size > 10_000
    assert "hall: tracks" in Path("a.html").read_text(encoding="utf-8")


def test_videos_and_pages_of_several_sequences_go_into_a_folder(
    root: Path, make_sequence: SequenceMaker
) -> None:
    make_sequence.add_images(root / "Night Shop-01")
    make_sequence.add_images(root / "Night Shop-02")
    arguments = ("--seq", "Night*", "--data-root", root, "--output", "out", "--descriptor", "none")
    assert track(*arguments, "--video", "out", "--report", "out").exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(
        f"Night Shop-0{number}.{suffix}" for number in (1, 2) for suffix in ("txt", "mp4", "html")
    )
    assert "all.mp4: 2 sequences cannot go into one file" in fails(*arguments, "--video", "all.mp4")


def test_a_video_needs_images(root: Path) -> None:
    complaint = fails("--seq", "hall", "--data-root", root, "--video", "a.mp4")
    assert "no .jpg images; expected hall's" in complaint
    assert not Path("a.mp4").exists()


def test_a_video_of_an_unknown_kind(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_images(root / "hall")
    complaint = fails("--seq", "hall", "--data-root", root, "--video", "a.gif")
    assert "a.gif: no known kind of video; expected a name with .mp4" in complaint


def test_a_window_without_a_screen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert "no window can be opened" in fails("--seq", "hall", "--data-root", root, "--show")


def test_help_is_for_everybody() -> None:
    result = track("--help")
    assert result.exit_code == 0
    for option in (
        "--seq",
        "--data-root",
        "--tracker",
        "--detections",
        "--set",
        "--output",
        "--format",
        "--video",
        "--report",
        "--show",
    ):
        assert option in result.stdout
    assert "sort" in result.stdout
    assert "Example: track --seq" in re.sub(r"\s+", " ", result.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
def test_ctrl_c_keeps_what_was_done(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    # So long that it cannot end by itself before it is stopped.
    make_sequence("long", length=5_000_000, detected_until=5_000)
    partial = tmp_path / "out.txt.partial"
    command = [sys.executable, "-m", "tracker.cli", "--seq", "long", "--tracker", "sort"]
    command += ["--data-root", str(make_sequence.root), "--output", str(tmp_path / "out.txt")]
    ended = interrupted(command, lambda: partial.is_file() and partial.stat().st_size > 100_000)
    stdout, stderr = ended.stdout, ended.stderr
    assert ended.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    told = re.search(r"stopped after (\d+) of 5000000 frames of long; what was tracked is in (.*)", stderr)
    assert told is not None
    assert Path(told[2].strip()) == partial
    assert not (tmp_path / "out.txt").exists()
    # Every frame that was reported as done is there, all rows whole.
    kept = read_results(partial)
    done = min(int(told[1]), 5_000)
    assert done > 500
    assert set(kept.frames[kept.frames <= done].tolist()) == set(range(1, done + 1))


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
def test_ctrl_c_keeps_the_page_and_the_video_too(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("long", length=20_000, detected_until=100)
    make_sequence.add_images(folder, missing=range(100, 20_001))
    partial = tmp_path / "a.txt.partial"
    command = [sys.executable, "-m", "tracker.cli", "--seq", "long", "--data-root", str(make_sequence.root)]
    command += ["--descriptor", "none"]
    for option, name in (("--output", "a.txt"), ("--video", "a.mp4"), ("--report", "a.html")):
        command += [option, str(tmp_path / name)]
    video = tmp_path / "a.partial.mp4"
    # What is written comes in large pieces: then many frames are done.
    ended = interrupted(
        command, lambda: partial.is_file() and video.is_file() and video.stat().st_size > 30_000
    )
    stderr = ended.stderr
    assert ended.returncode == 130
    assert "Traceback" not in stderr
    for name in ("a.txt.partial", "a.partial.mp4", "a.partial.html"):
        assert str(tmp_path / name) in stderr
        assert (tmp_path / name).stat().st_size > 0
    assert "stopped after frame" in (tmp_path / "a.partial.html").read_text(encoding="utf-8")
