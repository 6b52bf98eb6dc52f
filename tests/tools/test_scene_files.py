from __future__ import annotations

import configparser
from pathlib import Path

import cv2
import numpy as np
import pytest
from make_demo_sequence import app
from scene import DetectorConfig, SceneConfig, make_sequence, play
from typer.testing import CliRunner

SMALL = SceneConfig(seed=3, frames=5, width=320, height=180, people=6)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    first = contents(make_sequence(tmp_path / "a" / "scene", SMALL))
    second = contents(make_sequence(tmp_path / "b" / "scene", SMALL))
    assert len(first) == 3 + SMALL.frames
    assert first == second


def test_another_seed_writes_another_scene(tmp_path: Path) -> None:
    first = contents(make_sequence(tmp_path / "a", SMALL, images=False))
    other = contents(make_sequence(tmp_path / "b", SceneConfig(seed=4, frames=5, people=6), images=False))
    assert first["gt/gt.txt"] != other["gt/gt.txt"]
    assert first["det/det.txt"] != other["det/det.txt"]


def test_leaving_out_the_images_changes_nothing_else(tmp_path: Path) -> None:
    config = SceneConfig(seed=5, frames=4, width=320, height=180, people=8, camera="moving")
    painted = contents(make_sequence(tmp_path / "a" / "scene", config))
    plain = contents(make_sequence(tmp_path / "b" / "scene", config, images=False))
    assert plain == {name: data for name, data in painted.items() if not name.startswith("img1")}


def test_files_are_a_motchallenge_sequence_even_below_a_folder_with_spaces(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "my own scenes" / "a street", SMALL)
    info = configparser.ConfigParser()
    info.read(folder / "seqinfo.ini")
    assert dict(info["Sequence"]) == {
        "name": "a street",
        "imdir": "img1",
        "framerate": "25",
        "seqlength": "5",
        "imwidth": "320",
        "imheight": "180",
        "imext": ".jpg",
    }
    images = sorted((folder / "img1").iterdir())
    assert [path.name for path in images] == [f"{number:06d}.jpg" for number in range(1, 6)]
    assert all(cv2.imread(str(path)).shape == (180, 320, 3) for path in images)
    truth = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    assert truth.shape[1] == 9
    assert set(truth[:, 0]) <= {1, 2, 3, 4, 5}
    assert ((truth[:, 8] >= 0) & (truth[:, 8] <= 1)).all()
    found = np.loadtxt(folder / "det" / "det.txt", delimiter=",")
    assert found.shape[1] == 10
    assert (found[:, 1] == -1).all()
    assert ((found[:, 6] > 0) & (found[:, 6] < 1)).all()
    # Detections stay in the picture; MOTChallenge counts pixels from 1.
    assert (found[:, 2:4] >= 1).all()
    assert (found[:, 2] + found[:, 4] <= 321.01).all()


def test_motchallenge_boxes_are_those_of_the_scene_counted_from_one(tmp_path: Path) -> None:
    truth = np.loadtxt(make_sequence(tmp_path / "a", SMALL, images=False) / "gt" / "gt.txt", delimiter=",")
    moment = next(play(SMALL, images=False))
    rows = truth[truth[:, 0] == 1]
    assert rows[:, 1].tolist() == moment.ids.tolist()
    left_top, size = moment.boxes[:, :2] + 1, moment.boxes[:, 2:] - moment.boxes[:, :2]
    np.testing.assert_allclose(rows[:, 2:6], np.hstack([left_top, size]), atol=0.006)


def test_an_existing_folder_is_replaced_only_by_force(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "scene", SMALL, images=False)
    before = contents(folder)
    other = SceneConfig(seed=9, frames=2, people=3)
    with pytest.raises(FileExistsError, match="exists already"):
        make_sequence(folder, other, images=False)
    assert contents(folder) == before
    make_sequence(folder, other, images=False, force=True)
    assert contents(folder) != before
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]


def test_force_does_not_replace_what_is_not_a_sequence(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"no seqinfo\.ini"):
        make_sequence(tmp_path, SMALL, images=False, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_an_interruption_leaves_the_old_sequence_and_nothing_else(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "scene", SMALL, images=False)
    before = contents(folder)

    def interrupt(frame: int) -> None:
        if frame == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_sequence(folder, SceneConfig(seed=9), images=False, force=True, progress=interrupt)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]


@pytest.mark.parametrize(
    "values,word",
    [
        ({"frames": 0}, "frames"),
        ({"people": -1}, "people"),
        ({"width": 20}, "width"),
        ({"width": 100_000}, "width must be between 160 and 4096, not 100000"),
        ({"height": 4097}, "height must be between 120 and 4096, not 4097"),
        ({"lookalikes": 1.5}, "lookalikes"),
        ({"camera": "drone"}, "camera"),
        ({"frame_rate": 0.0}, "frame_rate"),
        ({"image_quality": 0}, "image_quality"),
    ],
)
def test_impossible_scenes_are_named(values: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        SceneConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [{"miss_rate": 1.0}, {"false_alarms": -1.0}, {"jitter": 0.9}])
def test_impossible_detectors_are_named(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        DetectorConfig(**values)


def test_command_writes_a_sequence_and_says_where(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "demo"), "--frames", "3", "--people", "4", "--no-images", "--seed", "8"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "demo") in result.output.replace("\n", "")
    expected = make_sequence(tmp_path / "api" / "demo", SceneConfig(frames=3, people=4, seed=8), images=False)
    assert contents(tmp_path / "demo") == contents(expected)


def test_command_names_its_errors_and_fails(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path), "--frames", "3", "--no-images"])
    assert result.exit_code == 2
    assert "exists already" in result.output
    result = CliRunner().invoke(app, [str(tmp_path / "x"), "--miss-rate", "2"])
    assert result.exit_code == 2
    assert "miss_rate" in result.output
    result = CliRunner().invoke(app, [str(tmp_path / "x"), "--width", "100000"])
    assert result.exit_code == 2
    assert result.output == "error: width must be between 160 and 4096, not 100000\n"
    assert not (tmp_path / "x").exists()
