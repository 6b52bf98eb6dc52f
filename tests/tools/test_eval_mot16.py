from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from eval_mot16 import main
from typer.testing import Result

from tests.tools import commands as tools
from tests.tracker import commands
from tests.tracker.evaluation.scenes import crowded_scene
from tests.tracker.sequences import SequenceMaker

TOOL = Path(__file__).parents[2] / "tools" / "eval_mot16.py"


def run(*arguments: object) -> Result:
    return tools.run(main, *arguments, "--jobs", 1)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two sequences of MOT16 with two sets of results."""
    for number, name in enumerate(("MOT16-02", "MOT16-04")):
        for tracker in ("sort", "deepsort"):
            sequence = tmp_path / "data" / "MOT16" / "train" / name
            target = sequence if tracker == "sort" else tmp_path / "unused" / name
            crowded_scene(target, tmp_path / tracker / f"{name}.txt", number)
    return tmp_path


def test_one_folder_sequence_by_sequence(folders: Path) -> None:
    done = run(folders / "sort", "--data-root", folders / "data", "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert list(json.loads(done.stdout)) == ["MOT16-02", "MOT16-04", "OVERALL"]


def test_several_folders_compared_into_a_file(folders: Path) -> None:
    table = folders / "table.json"
    done = run(
        *(folders / "sort", folders / "deepsort", "--data-root", folders / "data", "--seq", "MOT16-0*"),
        *("--official", "--format", "json", "--output", table),
    )
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert str(table) in done.stderr
    assert list(json.loads(table.read_text())) == ["sort", "deepsort"]


def test_trackers_are_run_and_compared_with_a_folder(folders: Path) -> None:
    for name in ("MOT16-02", "MOT16-04"):
        detections = folders / "data" / "MOT16" / "train" / name / "det" / "det.txt"
        detections.parent.mkdir()
        truth = [line.split(",") for line in (folders / "sort" / f"{name}.txt").read_text().splitlines()]
        detections.write_text("".join(f"{row[0]},-1,{','.join(row[2:6])},0.9\n" for row in truth))
    results = folders / "made"
    (results / "sort").mkdir(parents=True)
    (results / "sort" / "of-an-earlier-run.txt").write_text("")
    done = run(
        *(folders / "sort", "--run", "sort", "--results", results, "--data-root", folders / "data"),
        *("--format", "json"),
    )
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert list(rows) == [f"{folders.name}/sort", "made/sort"]
    assert rows["made/sort"] != rows[f"{folders.name}/sort"]
    assert "sort: MOT16-02, 60 frames" in done.stderr
    assert "no appearance" in done.stderr
    assert (results / "sort" / "MOT16-04.txt").is_file()


def test_a_run_sees_what_the_command_track_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make = SequenceMaker(tmp_path / "data")
    folder = make("street", length=12)
    make.add_images(folder)
    rows = np.loadtxt(folder / "det" / "det.txt", delimiter=",")
    rows[:, 1] = 1 + np.arange(len(rows)) % 3
    (folder / "gt").mkdir()
    np.savetxt(folder / "gt" / "gt.txt", rows, delimiter=",", fmt="%g")
    arguments = ["--data-root", "data", "--descriptor", "histogram", "--set", "lifecycle.max_age=10"]
    done = run("--run", "deepsort", "--results", "scored", *arguments, "--protocol", "none")
    assert done.exit_code == 0, done.stderr
    assert "appearance from histogram" in done.stderr
    assert commands.track("--seq", "street", "--output", "track.txt", *arguments).exit_code == 0
    assert Path("scored/deepsort/street.txt").read_text() == Path("track.txt").read_text()


@pytest.mark.parametrize("choice", ["own/sort", "own/sort/street", "own/sort/street.txt"])
def test_a_run_does_not_write_over_what_it_reads(
    choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make = SequenceMaker(tmp_path / "data")
    make.add_truth(folder := make("street", length=12))
    boxes = Path("own/sort/street.txt")
    boxes.parent.mkdir(parents=True)
    boxes.write_text((folder / "det" / "det.txt").read_text())
    before = boxes.read_text()
    arguments = ("--run", "sort", "--data-root", "data", "--detections", choice, "--protocol", "none")
    done = run(*arguments, "--results", "own")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {boxes}: is read, and would be written over")
    assert boxes.read_text() == before
    assert run(*arguments, "--results", "made").exit_code == 0


@pytest.mark.parametrize("option", [["--detections", "det"], ["--descriptor", "none"], ["--set", "a=1"]])
def test_options_for_a_run_need_one(option: list[str], folders: Path) -> None:
    done = run(folders / "sort", "--data-root", folders / "data", *option)
    assert done.exit_code == 2
    assert option[0] in done.stderr


def test_nothing_to_score_is_a_usage_error(folders: Path) -> None:
    assert run("--data-root", folders / "data").exit_code == 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["sort", "--data-root", "data", "--seq", "MOT99"], "no sequence 'MOT99'"),
        (["sort", "--data-root", "data", "--protocol", "mot99"], "no protocol 'mot99'"),
        (["nowhere", "--data-root", "data"], "nowhere: no such folder"),
        (["sort", "--data-root", "nowhere"], "nowhere: no such folder"),
        (["--run", "nosuch", "--data-root", "data"], "unknown tracker 'nosuch'"),
        (["--run", "sort", "--data-root", "data"], "no detections"),
        (["partly", "--data-root", "data"], "no result file for MOT16-04"),
        (["partly", "sort", "--data-root", "data", "--partial"], "cannot be compared"),
        (["broken", "--data-root", "data"], "MOT16-02.txt: line 1"),
        (["sort", "--data-root", "data", "--output", "sort/MOT16-02.txt/x"], "sort/MOT16-02.txt"),
    ],
)
def test_errors_are_one_line_and_a_status(
    arguments: list[str], message: str, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folders)
    for name in ("partly", "broken"):
        (folders / name).mkdir()
    (folders / "partly" / "MOT16-02.txt").write_text("")
    (folders / "broken" / "MOT16-02.txt").write_text("one,2,3,4,5,6,7\n")
    (folders / "broken" / "MOT16-04.txt").write_text("")
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_table_does_not_go_among_the_results(folders: Path) -> None:
    result = folders / "sort" / "MOT16-02.txt"
    before = result.read_text()
    for name in ("MOT16-02.txt", "table.txt"):  # the one is scored, the other would be next time
        done = run(folders / "sort", "--data-root", folders / "data", "--output", folders / "sort" / name)
        assert done.exit_code == 1
        assert done.stderr.startswith(f"error: {folders / 'sort' / name}: ")
    assert result.read_text() == before
    table = folders / "sort" / "table.csv"
    done = run(folders / "sort", "--data-root", folders / "data", "--format", "csv", "--output", table)
    assert done.exit_code == 0, done.stderr
    assert table.read_text().startswith("Sequence,")


def test_a_table_that_cannot_be_written_is_refused_before_trackers_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make = SequenceMaker(tmp_path / "data")
    make.add_truth(make("street", length=12))
    (tmp_path / "file").touch()
    done = run("--run", "sort", "--data-root", "data", "--output", "file/table.txt")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: file/table.txt: cannot be written")
    assert not Path("results").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--run", "nosuch"], "unknown tracker 'nosuch'"),
        (["nowhere"], "nowhere: no such folder"),
        (["--protocol", "mot99"], "no protocol 'mot99'"),
        (["--descriptor", "nosuch"], "unknown descriptor 'nosuch'"),
    ],
)
def test_names_are_looked_up_before_trackers_run(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make = SequenceMaker(tmp_path / "data")
    make.add_truth(make("street", length=12))
    done = run("--run", "sort", "--data-root", "data", *arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("results").exists()


def test_the_exit_status_reaches_the_shell(folders: Path) -> None:
    command = [sys.executable, str(TOOL), "sort", "--data-root", "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folders)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")


def test_a_table_fits_the_encoding_that_it_is_written_in(folders: Path) -> None:
    command = [sys.executable, str(TOOL), "sort", "--data-root", "data", "--seq", "MOT16-02"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, capture_output=True, check=False, cwd=folders, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "-" * 40 in done.stdout.decode("cp1252")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_table_that_cannot_be_printed_is_one_line_and_a_status(folders: Path) -> None:
    command = [sys.executable, str(TOOL), "sort", "--data-root", "data", "--seq", "MOT16-02"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=folders
        )
    assert done.returncode == 1
    assert done.stderr == (
        "error: standard output: cannot be written (No space left on device); "
        "expected a place that takes what is printed\n"
    )
