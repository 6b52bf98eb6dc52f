"""What sinks get of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from reid.footage.frames import SourceError
from tests.tracker.sequences import SequenceMaker
from tracker import load_config
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import SequenceRun, track_sequence
from tracker.sinks import Sink, Step, partial

SORT = load_config("sort")


class Notebook(Sink):
    """Notes what it gets."""

    def __init__(self, images: Literal["unused", "welcome", "needed"] = "unused") -> None:
        self.images = images  # type: ignore[misc]
        self.events: list[str] = []
        self.steps: list[Step] = []

    def begin(self, run: SequenceRun) -> None:
        self.events.append(f"begin {run.name}")

    def add(self, step: Step) -> None:
        self.steps.append(step)

    def end(self, *, complete: bool) -> None:
        self.events.append("complete" if complete else "stopped")


def test_every_step_comes_in_order_with_all_that_is_known(
    make_sequence: SequenceMaker, tmp_path: Path
) -> None:
    folder = make_sequence("shop", length=12, empty=(5,))
    make_sequence.add_images(folder)
    sinks = [Notebook("needed"), Notebook("unused")]
    track_sequence(SequenceInfo.read(folder), SORT, tmp_path / "a.txt", sinks=sinks)
    for sink in sinks:
        assert sink.events == ["begin shop", "complete"]
        assert [step.number for step in sink.steps] == list(range(1, 13))
        assert [len(step.detections) for step in sink.steps] == [3] * 4 + [0] + [3] * 7
        for step in sink.steps:
            rows = step.tracks.detections[step.tracks.detections >= 0]
            np.testing.assert_allclose(
                step.detections.boxes[rows], step.tracks.boxes[step.tracks.detections >= 0], atol=6
            )
    # The image is decoded once, for all.
    for one, other in zip(sinks[0].steps, sinks[1].steps, strict=True):
        assert one.image is other.image
        assert one.image is not None
        assert one.image.shape == (480, 640, 3)


@pytest.mark.parametrize(
    "wish, there, come",
    [("unused", True, False), ("welcome", True, True), ("welcome", False, False), ("needed", True, True)],
)
def test_images_come_as_wished(
    wish: Literal["unused", "welcome", "needed"],
    there: bool,
    come: bool,
    make_sequence: SequenceMaker,
    tmp_path: Path,
) -> None:
    folder = make_sequence("shop", length=5)
    if there:
        make_sequence.add_images(folder)
    sink = Notebook(wish)
    track_sequence(SequenceInfo.read(folder), SORT, tmp_path / "a.txt", sinks=[sink])
    assert {step.image is not None for step in sink.steps} == {come}


def test_images_that_are_needed_must_be_there(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    sequence = SequenceInfo.read(make_sequence("shop"))
    sink = Notebook("needed")
    with pytest.raises(SourceError, match=r"no \.jpg images"):
        track_sequence(sequence, SORT, tmp_path / "a.txt", sinks=[sink])
    assert sink.events == []
    assert not (tmp_path / "a.txt").exists()


def test_results_do_not_depend_on_sinks(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", empty=(5, 6))
    make_sequence.add_vectors(folder)
    make_sequence.add_images(folder)
    sequence, config = SequenceInfo.read(folder), load_config("deepsort")
    track_sequence(sequence, config, tmp_path / "a.txt")
    sink = Notebook("needed")
    track_sequence(sequence, config, tmp_path / "b.txt", sinks=[sink])
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "b.txt").read_text()
    features = sink.steps[0].detections.features
    assert features is not None
    assert features.shape == (3, 8)


def test_all_are_told_when_one_fails_and_the_result_so_far_is_kept(
    make_sequence: SequenceMaker, tmp_path: Path
) -> None:
    class Broken(Notebook):
        def add(self, step: Step) -> None:
            super().add(step)
            if step.number == 4:
                raise OSError("no space left")

    sequence = SequenceInfo.read(make_sequence("shop"))
    sinks = [Notebook(), Broken(), Notebook()]
    with pytest.raises(OSError, match="no space left"):
        track_sequence(sequence, SORT, tmp_path / "a.txt", sinks=sinks)
    assert [sink.events for sink in sinks] == [["begin shop", "stopped"]] * 3
    assert (tmp_path / "a.txt.partial").is_file()


def test_partial_files_keep_their_suffix() -> None:
    assert partial(Path("out/a.b.mp4")) == Path("out/a.b.partial.mp4")
