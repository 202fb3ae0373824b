"""`make bench` measures what it says; what the figures are depends on the machine."""

import io
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from rich.console import Console

_FIGURES = {
    "intake.single",
    "intake.single.all_new",
    "intake.batch",
    "intake.growth",
    "events.relay",
    "events.consume",
    "diagnosis.impact",
    "diagnosis.seen_before",
    "chain.latency.p50",
    "chain.latency.p99",
    "chain.throughput",
    "memory.intake",
    "memory.diagnosis",
    "memory.problem",
    "memory.improvement",
    "diagnosis.signature",
}
_COLUMNS = 80
_ROOT = Path(__file__).parents[2]


def test_a_quick_run_gives_every_figure_beside_its_limit(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--results", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=_ROOT)
    assert run.returncode == 0, run.stdout + run.stderr

    kept = orjson.loads((tmp_path / "latest.json").read_bytes())["figures"]
    assert {figure["name"] for figure in kept} == _FIGURES
    for figure in kept:
        assert figure["limit"]["median"] > 0 and figure["ours"]["median"] > 0, figure
        assert figure["limit_is"], figure

    lines = run.stdout.splitlines()
    assert {line.split()[0] for line in lines if line} >= _FIGURES, run.stdout
    assert all(len(line) <= _COLUMNS for line in lines), run.stdout
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert all(f"| {name} |" in page for name in _FIGURES), page


def test_the_table_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(_ROOT)  # it is run from there, and not installed
    from bench.figure import Figure
    from bench.report import show

    figure = Figure("intake.single.all_new", "incidents/s", "a route that answers", least=0.5)
    figure.add(limit=123_456.0, ours=5_678.9)
    figure.add(limit=234_567.0, ours=10_234.5)
    figure.notes["incidents a round"] = 2000
    shown = io.StringIO()
    show([figure], Console(file=shown, width=_COLUMNS))
    lines = shown.getvalue().splitlines()
    assert all(len(line) <= _COLUMNS for line in lines), shown.getvalue()
    row = next(line for line in lines if line.startswith(figure.name))
    assert row.split() == [
        *("intake.single.all_new", "incidents/s", "179,000", "7,957", "0.0448", "0.044–0.046"),
        *("≥", "0.5"),
    ]
