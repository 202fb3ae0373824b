"""Settings: environment variables `MEJORA_…` (12factor.net/config), checked at start."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_DAY = 86_400.0
_STORE = "postgresql+asyncpg"


class SettingsInvalid(SystemExit):
    """A setting is missing or makes no sense; the message names it."""


def _address_of_a_store(value: str) -> str:
    try:
        if make_url(value).drivername == _STORE:
            return value
    except ArgumentError:
        pass  # said below, without the address, which may hold a password
    raise ValueError(f"write {_STORE}://user:password@host/database")


def _address_of_a_broker(value: str) -> str:
    scheme, _, brokers = value.partition("://")
    if scheme == "kafka" and brokers:
        return value
    if scheme == _STORE:
        return _address_of_a_store(value)
    raise ValueError(f"write kafka://host:port[,host:port…], or {_STORE}://… for the log")


class ServiceSettings(BaseSettings):
    """What every service needs to know; a service adds its own below."""

    model_config = SettingsConfigDict(env_prefix="MEJORA_", extra="ignore")

    database_url: Annotated[str, AfterValidator(_address_of_a_store)]
    """The service's own database: postgresql+asyncpg://user:password@host/database."""
    broker_url: Annotated[str, AfterValidator(_address_of_a_broker)]
    """Where events go: kafka://host:port[,host:port…] or postgresql+asyncpg://… for the log."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    admin_key: SecretStr | None = None
    """The first admin key. Intake makes and prints one when it is not given."""
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    otlp_endpoint: str | None = None
    """Where traces go, by OTLP over HTTP; none are recorded when it is empty."""
    partitions: Annotated[int, Field(ge=1, le=10_000)] = 6
    """How many partitions a topic gets when it is made."""
    replication_factor: Annotated[int, Field(ge=1, le=32_767)] = 1
    """How many brokers keep each record of a topic that is made; 3 where there are three."""
    retention_seconds: Annotated[float, Field(ge=3600)] = 7 * _DAY
    """How long topics keep events; inboxes remember for a day longer."""
    consume_batch: Annotated[int, Field(ge=1, le=10_000)] = 500
    """How many records a consumer takes at once."""
    relay_batch: Annotated[int, Field(ge=1, le=10_000)] = 1000
    """How many events a relay publishes at once."""
    pool_size: Annotated[int, Field(ge=2, le=200)] = 10
    """How many connections to its database a service keeps."""
    largest_body_bytes: Annotated[int, Field(ge=1024)] = 5 * 1024 * 1024
    most_bodies_bytes: Annotated[int, Field(ge=1024)] = 32 * 1024 * 1024
    """All bodies that are in memory at once; beyond it, 503."""
    longest_wait_seconds: Annotated[float, Field(gt=0)] = 10.0
    """A request that waits longer for the store is answered with 503."""
    slowest_body_seconds: Annotated[float, Field(gt=0)] = 30.0
    """A body that takes longer to come is answered with 408."""


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(kind: type[SettingsT], **given: Any) -> SettingsT:
    """Read the settings; what is given wins. Raises SettingsInvalid, naming each bad setting."""
    try:
        return kind(**given)
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix", ""))
        lines = [
            f"  {prefix}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors(include_url=False, include_input=False)
        ]
        raise SettingsInvalid("These settings need mending:\n" + "\n".join(lines)) from error
