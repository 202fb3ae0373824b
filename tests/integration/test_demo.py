"""`mejora demo` as a person starts it: it tells its story to the end, or says why it cannot."""

import socket
import subprocess
from pathlib import Path

import pytest

from mejora.embedded.kafka_settings import free_port
from support.commands import environment, mejora

pytestmark = pytest.mark.timeout(600)


def demo(**settings: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        mejora("demo"),
        env=environment(DEMO_EXIT=1, **settings),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.mark.parametrize("broker", ["postgres", "kafka"])
def test_the_story_is_told_to_its_end(tmp_path: Path, broker: str) -> None:
    data = tmp_path / "demo"
    told = demo(PORT=free_port(), DATA=data, BROKER=broker, KAFKA_PORT=free_port())
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stderr == ""
    for said in (
        "incident.reported → diagnosis.established → problem.opened",
        "workaround.applied → incident.restored",
        "change.recorded → fix.deployed",
        "fix.verified →",
        "problem.resolved",
        "workaround.promise-moved",
        "problem.escalated",
        "1 past break-even",
    ):
        assert said in told.stdout
    too_wide = [line for line in told.stdout.splitlines() if len(line.rstrip()) > 100]
    assert too_wide == []
    assert '{"' not in told.stdout, "no log between the lines"
    assert (data / "mejora.log").stat().st_size > 0


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("years of work")
    told = demo(PORT=free_port(), DATA=tmp_path)
    assert told.returncode == 1
    assert "holds something that no demo made" in told.stdout
    assert mine.read_text() == "years of work"


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = demo(PORT=port, DATA=tmp_path / "demo")
    assert told.returncode == 1
    assert f"Port {port} cannot be used" in told.stdout
    assert not (tmp_path / "demo").exists()


def test_a_start_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    told = demo(PORT=free_port(), DATA=tmp_path / "demo", BROKER="pigeons")
    assert told.returncode == 1
    assert "Mejora did not start" in told.stdout
    assert "BROKER" in told.stdout
