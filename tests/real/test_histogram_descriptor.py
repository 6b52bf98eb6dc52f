"""The threshold that the histogram descriptor carries is the one that real footage gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from reid.calibrating import calibrate_descriptor
from reid.descriptor import Descriptor


def test_the_histogram_s_threshold_is_calibrated(data_root: Path) -> None:
    footage = data_root / "MOT15" / "train" / "ADL-Rundle-6" / "det" / "yolo11x.txt"
    if not footage.is_file():
        pytest.skip(f"{footage} is missing")
    found, carried = calibrate_descriptor("histogram", [footage]).calibration, Descriptor.load("histogram")
    assert found.threshold == pytest.approx(carried.threshold, abs=0.05)
    assert found.auc == pytest.approx(carried.auc, abs=0.005)
