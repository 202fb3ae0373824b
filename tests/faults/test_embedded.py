"""The embedded form, all services in one process beside its PostgreSQL, is killed under load."""

import signal
from pathlib import Path

from mejora.audit import reconcile
from mejora.embedded import PostgresServer
from mejora.services import SERVICES
from support.kill_points import POINTS
from support.load import Load
from support.processes import ServiceProcess

ADMIN_KEY = "the-admin-key-of-the-embedded-form"


async def test_killed_at_every_point_it_goes_on_from_where_it_was(tmp_path: Path) -> None:
    environment = {"DATA": str(tmp_path), "MEJORA_ADMIN_KEY": ADMIN_KEY}
    whole = ServiceProcess(["up"], environment, tmp_path)
    load = Load({name: [whole.address] for name in SERVICES}, ADMIN_KEY)
    try:
        whole.start()
        await whole.ready()
        async with load.running():
            for point in POINTS:
                await whole.wish(kill=point, passes=2)
                assert await whole.ended() == -signal.SIGKILL, whole.tail()
                assert f"killed at {point}\n" in whole.log.read_text()
                whole.start()
                await whole.ready()
        server = PostgresServer(tmp_path / "postgres")
        urls = {name: server.url(name) for name in SERVICES}
        outcome = await reconcile(urls, load.accepted, wait_seconds=60)
        assert not outcome.findings
        assert not outcome.under_way
        whole.terminate()
        assert await whole.ended() == 0, whole.tail()
    finally:
        await whole.kill()
