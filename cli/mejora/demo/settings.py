"""What the demo needs to know: the environment's PORT, DATA, BROKER, DEMO_EXIT …"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class DemoSettings(BaseSettings):
    """All of the environment goes to the embedded form too, which checks what is its own."""

    model_config = SettingsConfigDict(extra="ignore")

    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    broker: str = "postgres"
    kafka_port: int = 19092
    data: Path = Path("var/demo")
    """Made anew each time; only ever a folder that a demo made is removed."""
    demo_exit: bool = False
    """End when the story is told, instead of serving on."""
    mejora_admin_key: SecretStr | None = None
