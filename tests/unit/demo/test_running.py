"""The demo's folder is made anew each time, and nobody else's is ever touched."""

from pathlib import Path

import pytest

from mejora.demo.faults import DemoFailed
from mejora.demo.running import fresh
from mejora.embedded.process import EmbeddedServerError


def test_what_an_earlier_demo_left_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "demo"
    with fresh(folder):
        (folder / "postgres").mkdir()
        (folder / "postgres" / "data").touch()
    with fresh(folder):
        assert not (folder / "postgres").exists()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    with fresh(tmp_path):
        assert list(tmp_path.iterdir())


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("years of work")
    with pytest.raises(DemoFailed, match="holds something that no demo made"), fresh(tmp_path):
        pass
    assert [it.name for it in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_in_which_a_demo_runs_is_left_alone(tmp_path: Path) -> None:
    with fresh(tmp_path):
        (tmp_path / "in use").touch()
        with pytest.raises(EmbeddedServerError, match="is running"), fresh(tmp_path):
            pass
        assert (tmp_path / "in use").exists()
