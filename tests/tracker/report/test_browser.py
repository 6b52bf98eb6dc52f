"""The page in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tracker.sequences import SequenceMaker
from tracker import load_config
from tracker.drawing import colour_of
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import track_sequence
from tracker.report import ReportSink

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    "--enable-logging=stderr",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)"),
]

# Uses the page as a visitor would, and leaves what came of it where --dump-dom shows it.
VISIT = """
<script>
window.addEventListener("load", () => {
  const shown = (what) => [...document.querySelectorAll(what)].filter((item) => item.offsetHeight)
    .map((item) => Number(item.dataset.id));
  const outcome = {images: [...document.images].every((image) => image.naturalWidth > 0)};
  const form = document.querySelector(".filter");
  const choose = (flag, ids) => {
    form.elements.flag.value = flag;
    form.elements.ids.value = ids;
    form.dispatchEvent(new Event("input"));
    return {rows: shown(".row"), cards: shown(".card"), told: form.querySelector("output").textContent};
  };
  outcome.all = choose("", "");
  outcome.some = choose("", "2, 4-5");
  outcome.switched = choose("switched", "");
  choose("", "");
  const tip = document.querySelector(".tip");
  outcome.before = tip.hidden;
  const bar = document.querySelector('.row[data-id="2"] .seen');
  const place = bar.getBoundingClientRect();
  const point = {clientX: place.left + 2, clientY: place.top + 2, bubbles: true};
  bar.dispatchEvent(new PointerEvent("pointermove", point));
  outcome.tip = tip.hidden ? "" : tip.textContent;
  document.querySelector(".timeline").dispatchEvent(new PointerEvent("pointerleave"));
  outcome.after = tip.hidden;
  outcome.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  document.body.dataset.outcome = JSON.stringify(outcome);
});
</script>
"""


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page in a browser of its own."""
    profile = page.with_name(page.stem + " profile")
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture
def page(make_sequence: SequenceMaker, tmp_path: Path) -> Path:
    """Three people who come back as others, with vectors, images and ground truth."""
    folder = make_sequence("shop", length=40, empty=range(15, 25))
    make_sequence.add_images(folder)
    make_sequence.add_truth(folder)
    make_sequence.add_vectors(folder)
    config = load_config("deepsort", ["lifecycle.max_age=3", "output.max_gap=2"])
    sink = ReportSink(tmp_path / "page.html", "deepsort")
    track_sequence(SequenceInfo.read(folder), config, tmp_path / "shop.txt", sinks=[sink])
    return tmp_path / "page.html"


def test_the_page_works(page: Path) -> None:
    visited = page.with_name("visited.html")
    visited.write_text(
        page.read_text(encoding="utf-8").replace("</body>", VISIT + "</body>"), encoding="utf-8"
    )
    visit = browse(visited, "--dump-dom", "--window-size=1280,900")
    assert "CONSOLE" not in visit.stderr
    found = re.search(r'data-outcome="([^"]*)"', visit.stdout)
    assert found is not None
    outcome = json.loads(found[1].replace("&quot;", '"'))
    assert outcome["images"]
    assert outcome["all"] == {"rows": [1, 2, 3, 4, 5, 6], "cards": [1, 2, 3, 4, 5, 6], "told": "6 shown"}
    assert outcome["some"] == {"rows": [2, 4, 5], "cards": [2, 4, 5], "told": "3 shown"}
    assert outcome["switched"]["told"] == "6 shown"
    assert (outcome["before"], outcome["after"]) == (True, True)
    assert outcome["tip"] == "frame 3 · identity 2 · detected 3–14"
    assert not outcome["wide"]


def test_errors_on_a_page_would_be_noticed(page: Path) -> None:
    broken = page.with_name("broken.html")
    text = page.read_text(encoding="utf-8")
    broken.write_text(text.replace("</body>", "<script>nonsense()</script></body>"), encoding="utf-8")
    assert "CONSOLE" in browse(broken, "--dump-dom").stderr


@pytest.mark.parametrize("scheme, ground", [("light", 251), ("dark", 24)])
def test_it_is_seen_in_light_and_dark(scheme: str, ground: int, page: Path) -> None:
    picture = page.with_name("page.png")
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    browse(page, f"--screenshot={picture}", "--window-size=1280,2400", *dark)
    image = cv2.imread(str(picture))
    assert image.shape == (2400, 1280, 3)
    assert image[5, 5].mean() == pytest.approx(ground, abs=4)
    for identity in range(1, 7):
        assert (image[..., ::-1] == colour_of(identity)).all(axis=-1).sum() > 500


def test_it_fits_on_a_telephone(page: Path) -> None:
    visited = page.with_name("visited.html")
    visited.write_text(
        page.read_text(encoding="utf-8").replace("</body>", VISIT + "</body>"), encoding="utf-8"
    )
    assert "&quot;wide&quot;:false" in browse(visited, "--dump-dom", "--window-size=500,900").stdout


def test_it_can_be_printed(page: Path) -> None:
    paper = page.with_name("page.pdf")
    browse(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    data = paper.read_bytes()
    assert data.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", data)) <= 6
    assert np.frombuffer(data, np.uint8).size > 20_000
