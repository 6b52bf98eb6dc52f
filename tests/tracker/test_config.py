"""Settings: what is read, what is changed on the way, and what every mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reid.settings import SettingsError
from tracker.config import CONFIG_FOLDERS, Noise, TrackerConfig, load_config

MINIMAL: dict[str, Any] = {
    "motion": {
        "state": "centre-ratio-height",
        "initial_position": ["0.1h", "0.1h", 0.01, "0.1h"],
        "initial_velocity": ["0.06h", "0.06h", 1e-5, "0.06h"],
        "process_position": ["0.05h", "0.05h", 0.01, "0.05h"],
        "process_velocity": ["0.006h", "0.006h", 1e-5, "0.006h"],
        "measurement": ["0.05h", "0.05h", 0.1, "0.05h"],
    },
    "stages": [{"name": "overlap", "cost": "overlap", "threshold": 0.7}],
    "lifecycle": {"max_age": 30},
}


def write(path: Path, tree: Any) -> Path:
    path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree))
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write(tmp_path / "own.yaml", MINIMAL)


def complaint(choice: str | Path, *overrides: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_config(choice, overrides)
    return str(caught.value)


@pytest.mark.parametrize("name", ["sort", "deepsort"])
def test_shipped_configurations_load(name: str) -> None:
    config = load_config(name)
    assert config.description
    assert config == load_config(name)


def test_every_shipped_file_is_a_tracker() -> None:
    files = [file for folder in CONFIG_FOLDERS for file in folder.glob("*.yaml")]
    assert {"sort", "deepsort"} <= {file.stem for file in files}
    for file in files:
        assert load_config(file) == load_config(file.stem)


def test_the_settings_of_sort() -> None:
    config = load_config("sort")
    (stage,) = config.stages
    assert (stage.cost, stage.threshold, stage.reject) == ("overlap", 0.7, "after")
    assert (config.lifecycle.max_age, config.output.min_streak, config.output.warmup) == (1, 3, 3)
    assert config.motion.initial_position[0].value ** 2 == pytest.approx(10)
    assert not config.uses_appearance


def test_the_settings_of_deepsort() -> None:
    config = load_config("deepsort")
    appearance, overlap = config.stages
    assert (appearance.threshold, appearance.gate, appearance.cascade) == (0.2, 9.4877, True)
    assert (overlap.threshold, overlap.max_gap) == (0.7, 1)
    assert (config.lifecycle.confirm_hits, config.lifecycle.max_age, config.memory.budget) == (3, 30, 100)
    assert config.uses_appearance


def test_what_a_file_leaves_out_has_a_default(own: Path) -> None:
    config = load_config(own)
    assert config.detections.min_confidence is None
    assert config.detections.nms is None
    assert (config.lifecycle.confirm_hits, config.lifecycle.birth_score) == (1, None)
    assert (config.output.box, config.classes, config.memory.keep) == ("filtered", "separate", "nearest")


def test_a_configuration_does_not_change(own: Path) -> None:
    config = load_config(own)
    with pytest.raises(ValueError, match="frozen"):
        config.lifecycle.max_age = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "override, value",
    [
        ("stages.0.threshold=0.3", 0.3),
        ("stages.appearance.threshold=0.3", 0.3),
        ("stages.appearance.threshold=0", 0),
    ],
)
def test_a_stage_goes_by_number_or_by_name(override: str, value: float) -> None:
    config = load_config("deepsort", [override])
    assert config.stages[0].threshold == value
    assert config.stages[1] == load_config("deepsort").stages[1]


def test_overrides_of_all_sorts(own: Path) -> None:
    config = load_config(
        own,
        [
            "detections.min_confidence=0.25",  # a section that the file does not have
            "detections.nms=null",
            "lifecycle.max_age=60",
            "lifecycle.max_age=90",  # the last one counts
            "output.box=detected",
            "motion.measurement.1=sqrt(2)",
            "stages.overlap.max_gap=2",
            "description=a = b",
        ],
    )
    assert config.detections.min_confidence == 0.25
    assert config.detections.nms is None
    assert config.lifecycle.max_age == 90
    assert config.output.box == "detected"
    assert config.motion.measurement[1] == Noise(2**0.5)
    assert config.stages[0].max_gap == 2
    assert config.description == "a = b"


def test_what_is_written_down_can_be_read_again(tmp_path: Path) -> None:
    for name in ("sort", "deepsort", "bytetrack"):
        config = load_config(name, ["motion.initial_position.0=sqrt(2)"])
        assert TrackerConfig.model_validate(config.model_dump()) == config
        assert TrackerConfig.model_validate_json(config.model_dump_json()) == config
    dumped = load_config("deepsort").model_dump(mode="json")
    assert set(dumped["motion"]["measurement"]) >= {"0.05h"}
    path = write(tmp_path / "again.yaml", yaml.safe_dump(dumped))
    assert load_config(path) == load_config("deepsort")


def test_a_section_must_not_stand_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.yaml", yaml.safe_dump(MINIMAL) + "lifecycle: {max_age: 60}\n")
    with pytest.raises(SettingsError, match=r"mine\.yaml: .*'lifecycle' is there for the second time.* line"):
        load_config(path)
    with pytest.raises(SettingsError, match="not valid YAML"):
        load_config("sort", ["lifecycle={max_age: 1, max_age: 2}"])


@pytest.mark.parametrize("text, value", [("1e-3", 0.001), ("2E+1", 20.0), ("1.5e-7", 1.5e-7), ("-1e0", -1.0)])
def test_exponents_need_no_dot(text: str, value: float, tmp_path: Path, own: Path) -> None:
    assert load_config(own, [f"detections.min_confidence={text}"]).detections.min_confidence == value
    path = write(
        tmp_path / "exponent.yaml", yaml.safe_dump(MINIMAL) + f"detections: {{min_confidence: {text}}}\n"
    )
    assert load_config(path).detections.min_confidence == value


def test_a_section_that_is_empty_in_the_file_can_be_filled(tmp_path: Path) -> None:
    path = write(tmp_path / "own.yaml", yaml.safe_dump(MINIMAL) + "output:\n")
    assert load_config(path, ["output.max_gap=2"]).output.max_gap == 2


def test_a_whole_list_can_be_replaced(own: Path) -> None:
    config = load_config(own, ["stages=[{name: only, cost: appearance, threshold: 0.1}]"])
    assert [stage.name for stage in config.stages] == ["only"]


@pytest.mark.parametrize(
    "override, expected",
    [
        ("stages.0.treshold=0.2", ["stages.0.treshold: unknown key", "did you mean 'threshold'?"]),
        ("lifecycl.max_age=2", ["lifecycl: unknown key", "did you mean 'lifecycle'?"]),
        ("lifecycle.maxage=2", ["lifecycle.maxage", "did you mean 'max_age'?"]),
        ("output.xyzzy=1", ["output.xyzzy: unknown key", "known here: max_gap, min_streak, warmup, box"]),
        ("lifecycle.max_age=2.5", ["lifecycle.max_age", "found 2.5", "valid integer"]),
        ("lifecycle.max_age=true", ["lifecycle.max_age", "found True", "valid integer"]),
        ("lifecycle.max_age=many", ["lifecycle.max_age", "found 'many'", "valid integer"]),
        ("lifecycle.max_age=", ["lifecycle.max_age", "found None", "valid integer"]),
        ("lifecycle.max_age=-1", ["lifecycle.max_age", "found -1", "greater than or equal to 0"]),
        ("lifecycle=3", ["lifecycle", "found 3"]),
        ("motion=null", ["motion", "found None"]),
        ("detections.min_confidence=high", ["detections.min_confidence", "found 'high'", "valid number"]),
        ("stages.0.threshold=.nan", ["stages.0.threshold", "found nan"]),
        ("detections.min_confidence=.nan", ["detections.min_confidence", "found nan"]),
        ("stages.0.cascade=1", ["stages.0.cascade", "found 1", "valid boolean"]),
        ("stages.0.cost=iou", ["stages.0.cost", "found 'iou'", "'overlap'", "'appearance'"]),
        ("stages.1.threshold=1.5", ["stages.1", "threshold lies below 1"]),
        ("stages.0.reject=after", ["stages.0", "reject: after"]),
        ("stages.0.name=overlap", ["stages", "same name"]),
        ("stages=[]", ["stages", "at least 1 item"]),
        ("stages.0=null", ["stages.0", "found None"]),
        ("motion.state=sort", ["motion.state", "found 'sort'", "'centre-area-ratio'"]),
        ("motion.state=centre-area-ratio", ["motion", "absolute deviations only"]),
        ("motion.measurement.0=0.05w", ["motion", "centre-ratio-height", "no width", "0.05h"]),
        ("motion.measurement=[1, 1, 1]", ["motion.measurement.3", "missing"]),
        ("motion.measurement=0.05h", ["motion.measurement", "found '0.05h'"]),
        ("motion.measurement.0=0.05x", ["motion.measurement", "'0.05x'", "0.05h, 0.05w"]),
        ("motion.measurement.0=-1", ["motion.measurement", "-1", "0.05h, 0.05w"]),
        ("motion.measurement.0=true", ["motion.measurement", "True", "0.05h, 0.05w"]),
        ("motion.measurement.0=.inf", ["motion.measurement", "inf", "0.05h, 0.05w"]),
        ("motion.measurement.0=1e999", ["motion.measurement", "is no standard deviation"]),
        ("memory.budget=0", ["memory.budget", "found 0", "greater than or equal to 1"]),
        ("memory.momentum=1", ["memory.momentum", "found 1", "less than 1"]),
        ("classes=both", ["classes", "found 'both'", "'separate' or 'ignore'"]),
    ],
)
def test_a_wrong_value_is_named_with_its_key(override: str, expected: list[str]) -> None:
    message = complaint("deepsort", override)
    assert "deepsort.yaml: " in message
    assert len(message.splitlines()) == 1
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    "override, expected",
    [
        ("stages.0.threshold", "expected key=value"),
        ("=3", "expected key=value"),
        ("stages.0.threshold=[0.3", "not valid YAML"),
        ("stages.7.threshold=0.3", "no entry '7' among 2 (appearance, overlap)"),
        ("stages.apearance.threshold=0.3", "no entry 'apearance' among 2 (appearance, overlap)"),
        ("stages.5={}", "no entry '5' among 2"),
        ("description.length=3", "nothing below 'description' can be set"),
        ("lifecycle.max_age.days.hours=3", "nothing below 'days' can be set"),
    ],
)
def test_an_override_that_leads_nowhere_is_quoted(override: str, expected: str) -> None:
    message = complaint("deepsort", override)
    assert f"override {override!r}" in message
    assert expected in message


@pytest.mark.parametrize("key", ["motion", "stages", "lifecycle"])
def test_what_must_be_there_is_missed(key: str, tmp_path: Path) -> None:
    tree = {name: value for name, value in MINIMAL.items() if name != key}
    path = write(tmp_path / "own.yaml", tree)
    assert complaint(path) == f"{path}: {key}: missing"


def test_all_mistakes_are_told_at_once(own: Path) -> None:
    lines = complaint(own, "lifecycle.max_age=x", "output.boxes=detected", "stages.0.cost=x").splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{own}: ") for line in lines)


@pytest.mark.parametrize(
    "content, expected",
    [
        ("", "expected keys and values, found NoneType"),
        ("- 1\n- 2\n", "expected keys and values, found list"),
        ("a: [1\nb: 2\n", "not valid YAML"),
        ("!!python/object/apply:os.getcwd []\n", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_settings(content: str, expected: str, tmp_path: Path) -> None:
    path = write(tmp_path / "own.yaml", content)
    message = complaint(path)
    assert message.startswith(f"{path}: ")
    assert expected in message
    assert len(message.splitlines()) == 1


def test_an_unknown_name_tells_the_known_ones() -> None:
    message = complaint("deepsrt")
    assert "unknown tracker 'deepsrt'" in message
    assert "deepsort" in message
    assert "sort" in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "nowhere.yaml") == f"{tmp_path / 'nowhere.yaml'}: no such tracker file"


@pytest.mark.parametrize(
    "text, expected",
    [
        (0, Noise(0)),
        (0.01, Noise(0.01)),
        ("0.01", Noise(0.01)),
        ("1e-5", Noise(1e-5)),
        ("sqrt(10)", Noise(10**0.5)),
        ("0.05h", Noise(0.05, "h")),
        (" 0.05 w ", Noise(0.05, "w")),
        ("sqrt(4)h", Noise(2, "h")),
    ],
)
def test_ways_to_write_a_deviation(text: Any, expected: Noise) -> None:
    assert Noise.parse(text) == expected


@pytest.mark.parametrize(
    "text", [-1, True, None, [], "", "h", "0.05hh", "0.05 m", "sqrt(10", "10)", "1.2.3", "1e", "nan", "inf"]
)
def test_what_is_no_deviation(text: Any) -> None:
    with pytest.raises(ValueError, match="expected a number such as"):
        Noise.parse(text)
