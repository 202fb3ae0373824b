"""`make accuracy`: how well signatures group texts, and how that is counted."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from support.real_data import REAL_DATA

_ROOT = Path(__file__).parents[2]


def test_a_text_is_right_when_its_group_is_exactly_the_true_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(_ROOT)  # it is run from there, and not installed
    from bench.accuracy.grouping import grouping_accuracy

    assert grouping_accuracy([1, 1, 2], ["a", "a", "b"]) == 1
    assert grouping_accuracy([1, 1, 1], ["a", "a", "b"]) == 0
    assert grouping_accuracy([1, 2, 3, 4], ["a", "a", "b", "c"]) == 0.5


def _accuracy(data: Path, results: Path) -> str:
    command = [sys.executable, "-m", "bench.accuracy", str(data), "--results", str(results)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=_ROOT)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_what_the_folder_has_no_data_for_keeps_its_figures(tmp_path: Path) -> None:
    results = tmp_path / "accuracy.json"
    results.write_bytes(orjson.dumps({"grouping": {"a": 1.0, "average": 1.0}}))
    shop = tmp_path / "loghub" / "shop"
    shop.mkdir(parents=True)
    shop.joinpath("shop_structured_corrected.csv").write_text(
        "LineId,Content,EventId\n1,Order 7 is late,E1\n2,Order 8 is late,E1\n3,Closed,E2\n"
    )
    said = _accuracy(tmp_path, results)
    assert f"grouping: nothing in {tmp_path}" in said
    assert orjson.loads(results.read_bytes()) == {
        "grouping": {"a": 1.0, "average": 1.0},
        "grouping_corrected": {"shop": 1.0, "average": 1.0},
    }


@pytest.mark.skipif(
    not (REAL_DATA / "loghub").is_dir(), reason="the real data is not there (MEJORA_REAL_DATA)"
)
@pytest.mark.parametrize("truth", ["structured", "structured_corrected"])
async def test_nine_of_ten_real_lines_are_grouped_right(
    truth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(_ROOT)
    from bench.accuracy import grouping

    figures = await grouping.measure(REAL_DATA, truth)
    assert figures is not None
    assert figures[grouping.AVERAGE] >= 0.9, grouping.table(figures)
