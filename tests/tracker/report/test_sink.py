"""The page of a sequence, as a run leaves it."""

from __future__ import annotations

import base64
import re
import sys
from contextlib import nullcontext
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.files import FileError
from reid.footage.sources import open_source
from tests.reid.footage.numbered import make_video
from tests.tracker.sequences import Person, SequenceMaker
from tracker import load_config
from tracker.evaluation import evaluate
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import track_sequence
from tracker.report import ReportSink

SORT, DEEPSORT = load_config("sort"), load_config("deepsort", ["output.max_gap=2"])


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    def find(self, tag: str, of_class: str = "") -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and (not of_class or of_class in (attributes.get("class") or "").split())
        ]

    @property
    def prose(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def report(folder: Path, output: Path, tracker: str = "sort", **options: int) -> Page:
    config = SORT if tracker == "sort" else DEEPSORT
    sink = ReportSink(output, tracker, **options)
    track_sequence(SequenceInfo.read(folder), config, output.with_suffix(".txt"), sinks=[sink])
    return Page(output)


@pytest.fixture
def shop(make_sequence: SequenceMaker) -> Path:
    """Everybody is lost for ten frames and comes back as somebody else."""
    folder = make_sequence("shop", length=40, empty=range(15, 25))
    make_sequence.add_images(folder)
    make_sequence.add_truth(folder)
    return folder


def test_everything_is_on_the_page(shop: Path, tmp_path: Path) -> None:
    page = report(shop, tmp_path / "shop.html")
    for words in ("shop", "40 of 640×480", "1.6 s at 25 per second", "sort", "det.txt"):
        assert words in page.prose
    assert len(page.find("div", "row")) == 6
    cards = page.find("article", "card")
    assert [card["id"] for card in cards] == [f"id-{number}" for number in range(1, 7)]
    assert not list(tmp_path.glob("*.partial*"))


def test_pictures_are_inside_and_described(shop: Path, tmp_path: Path) -> None:
    page = report(shop, tmp_path / "shop.html")
    images = page.find("img")
    assert len(images) > 12
    for image in images:
        kind, data = (image["src"] or "").split(",")
        assert kind == "data:image/jpeg;base64"
        assert cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR) is not None
        assert re.fullmatch(r"Identity \d+ (and its surroundings )?in frame \d+", image["alt"] or "")


def test_nothing_comes_from_elsewhere(shop: Path, tmp_path: Path) -> None:
    page = report(shop, tmp_path / "shop.html")
    for _, attributes in page.tags:
        for name in ("src", "href", "action", "srcset", "data"):
            assert re.match(r"data:|#", attributes.get(name) or "#")
    styles = re.sub(r"data:[^\"')]*", "", page.text)
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttp", styles)


def test_links_lead_somewhere(shop: Path, tmp_path: Path) -> None:
    page = report(shop, tmp_path / "shop.html")
    targets = {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}
    links = {link["href"] for link in page.find("a")}
    assert links
    assert links <= targets


def test_every_switch_is_shown_before_and_after(shop: Path, tmp_path: Path) -> None:
    page = report(shop, tmp_path / "shop.html")
    assert len(page.find("article", "switch")) == 3
    assert "Frame 28: object 1 goes from 1 to" in page.prose
    assert "before: frame 14, identity 1" in page.prose
    surroundings = [image for image in page.find("img") if "surroundings" in (image["alt"] or "")]
    assert len(surroundings) == 6
    assert len(page.find("u")) == 3 + 1  # on the timeline and in its legend


def test_the_figures_are_those_of_the_evaluation(shop: Path, tmp_path: Path) -> None:
    page = report(shop, tmp_path / "shop.html")
    figures = evaluate({"shop": tmp_path / "shop.txt"}, shop.parent, jobs=1).overall
    shown = dict(re.findall(r"<dt>([A-Za-z0-9]+)</dt><dd>([\d.,]+)</dd><p>", page.text))
    assert shown["IDs"] == f"{figures['IDs']:.0f}" == "3"
    for name in ("IDF1", "MOTA", "HOTA", "Recall"):
        assert shown[name] == f"{figures[name]:.1f}"


def test_lookalikes_come_with_vectors(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", length=30)
    make_sequence.add_vectors(folder)
    page = report(folder, tmp_path / "shop.html", "deepsort")
    assert len(page.find("ul", "looks")) == 3
    # Vectors at right angles: a cosine distance of one, far beyond the threshold.
    assert "together in 28 frames" in page.prose
    assert "1.000" in page.prose
    assert not page.find("li", "alike")
    assert "appearance vectors" not in page.prose


def test_twins_are_marked(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", length=30)
    path = make_sequence.add_vectors(folder)
    rows = np.load(path)
    rows[rows[:, 10:].argmax(axis=1) == 1, 10:] = np.eye(8)[0]
    np.save(path, rows)
    page = report(folder, tmp_path / "shop.html", "deepsort")
    assert len(page.find("li", "alike")) == 2
    assert "too alike" in page.prose


def test_without_images_and_truth_there_is_a_timeline(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    page = report(make_sequence("shop"), tmp_path / "shop.html")
    assert len(page.find("div", "row")) == 3
    assert not page.find("img")
    assert "Identity switches" not in page.prose
    assert "ground truth" not in page.prose


def test_switches_without_images_are_a_table(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", length=40, empty=range(15, 25))
    make_sequence.add_truth(folder)
    page = report(folder, tmp_path / "shop.html")
    rows = re.findall(r"<tr><td>(\d+)<td>(\d+)<td>.*?>(\d+)</a><td>(\d+)<td>.*?>(\d+)</a>", page.text)
    assert rows == [("28", "1", "1", "14", "4"), ("28", "2", "2", "14", "5"), ("28", "3", "3", "14", "6")]
    assert not page.find("article", "switch")


def test_missing_images_leave_gaps(shop: Path, tmp_path: Path) -> None:
    for frame in (14, 3):
        (shop / "img1" / f"{frame:06d}.jpg").unlink()
    page = report(shop, tmp_path / "shop.html")
    assert "2 of 40 images missing or damaged" in page.prose
    assert page.prose.count("no image") == 3


def test_nobody_was_there(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    page = report(make_sequence("shop", people=()), tmp_path / "shop.html")
    assert "Nobody was tracked" in page.prose


def test_too_many_are_cut_and_it_says_so(shop: Path, tmp_path: Path) -> None:
    page = report(shop, tmp_path / "shop.html", most_identities=4, most_switches=2)
    assert len(page.find("article", "card")) == len(page.find("div", "row")) == 4
    assert "The 4 identities that were seen longest are shown, 2 shorter ones are not." in page.prose
    assert "The first 2 of 3 are shown." in page.prose


def test_names_are_only_text(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    page = report(make_sequence("<b>&amp; shop"), tmp_path / "shop.html")
    assert not page.find("b", "")[1:]
    assert "<b>&amp; shop" in page.prose


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
def test_a_name_that_is_no_unicode_is_no_trouble(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", length=3)
    renamed = folder.rename(folder.with_name("caf\udce9"))
    assert "caf?" in report(renamed, tmp_path / "shop.html").prose


def test_ctrl_c_leaves_the_page_so_far(shop: Path, tmp_path: Path) -> None:
    def stop(number: int) -> None:
        if number == 12:
            raise KeyboardInterrupt

    sink = ReportSink(tmp_path / "shop.html", "sort")
    with pytest.raises(KeyboardInterrupt):
        track_sequence(SequenceInfo.read(shop), SORT, tmp_path / "a.txt", sinks=[sink], advance=stop)
    assert sink.kept == tmp_path / "shop.partial.html"
    page = Page(sink.kept)
    assert "stopped after frame 12 of 40" in page.prose
    assert len(page.find("div", "row")) == 3
    # Compared with the ground truth up to there: nobody was lost yet.
    assert re.search(r"<dt>IDs</dt><dd>0</dd>", page.text)
    assert not (tmp_path / "shop.html").exists()


@pytest.mark.parametrize(
    "promised, stop_at, length, words",
    [
        (12, 0, 30, ""),
        (90, 0, 30, "ended after frame 30 of the 90 that it promises"),
        (12, 20, 20, "The run was stopped after frame 20."),
        (90, 20, 90, "The run was stopped after frame 20 of 90."),
    ],
)
def test_the_timeline_ends_where_the_video_ends(
    promised: int, stop_at: int, length: int, words: str, tmp_path: Path
) -> None:
    video = open_source(make_video(tmp_path / "shop.avi"))
    video.length = promised
    boxes = tmp_path / "boxes.txt"
    boxes.write_text("".join(f"{number},-1,10,10,20,30,0.9\n" for number in range(1, 31)))

    def stop(number: int) -> None:
        if number == stop_at:
            raise KeyboardInterrupt

    sink = ReportSink(tmp_path / "shop.html", "sort")
    with pytest.raises(KeyboardInterrupt) if stop_at else nullcontext():
        track_sequence(video, SORT, tmp_path / "a.txt", detections=str(boxes), sinks=[sink], advance=stop)
    page = Page(sink.kept if stop_at and sink.kept else sink.path)
    assert [line["data-length"] for line in page.find("div", "timeline")] == [str(length)]
    assert words in page.prose


def test_a_page_that_cannot_be_written_is_known_before_the_work(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder.html").mkdir()
    for path, words in (
        (tmp_path / "file" / "a.html", "cannot be written"),
        (tmp_path / "folder.html", "is a folder"),
    ):
        with pytest.raises(FileError, match=words):
            track_sequence(
                SequenceInfo.read(shop), SORT, tmp_path / "a.txt", sinks=[ReportSink(path, "sort")]
            )
        assert not (tmp_path / "a.txt").exists()


def test_ground_truth_that_does_not_fit_is_told(shop: Path, tmp_path: Path) -> None:
    with (shop / "gt" / "gt.txt").open("a") as file:
        file.write("77,1,10,10,20,40,1,1,1\n")
    page = report(shop, tmp_path / "shop.html")
    assert "Not compared with the ground truth" in page.prose
    assert "frame 77" in page.prose
    assert len(page.find("article", "card")) == 6


def test_a_crowd_makes_no_giant(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    people = tuple(Person(10 + 2 * n % 600, 20 + 3 * n % 300, 12, 30, 0.1) for n in range(60))
    folder = make_sequence("crowd", length=60, people=people)
    make_sequence.add_images(folder)
    page = report(folder, tmp_path / "crowd.html")
    assert len(page.text) < 60 * 20_000
