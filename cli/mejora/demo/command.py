"""`mejora demo`: bring everything up, tell the story, serve on."""

import signal
from types import FrameType

from mejora.demo.client import Client
from mejora.demo.faults import DemoFailed
from mejora.demo.page import Page
from mejora.demo.past import Past
from mejora.demo.people import People
from mejora.demo.running import Running, running
from mejora.demo.settings import DemoSettings
from mejora.demo.story import Scene, tell
from mejora.embedded.process import EmbeddedServerError
from mejora_service.settings import load


def demo() -> None:
    """Send a small organisation's failures through and tell what becomes of them.

    PORT, DATA, BROKER and KAFKA_PORT as for `up`; DEMO_EXIT=1 ends it when the story is told.
    """
    settings = load(DemoSettings)
    signal.signal(signal.SIGTERM, _stop)
    page = Page()
    try:
        page.say("Bringing Mejora up …")
        with running(settings) as mejora:
            _tell(page, mejora, settings)
            if not settings.demo_exit:
                page.say("Mejora serves on until Ctrl-C.")
                mejora.wait()
    except KeyboardInterrupt:
        page.say("Stopped.")
    except (DemoFailed, EmbeddedServerError) as error:
        page.gap()
        page.line(f"The demo failed: {error}")
        raise SystemExit(1) from error


def _tell(page: Page, mejora: Running, settings: DemoSettings) -> None:
    client = Client(mejora.address, mejora.admin_key)
    kafka = f"127.0.0.1:{settings.kafka_port}" if settings.broker == "kafka" else None
    tell(Scene(client, People(client), page, Past.until_now(), kafka))
    page.gap()
    page.say(f"The log is in {mejora.log}.")


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
