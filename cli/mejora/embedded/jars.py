"""The jars of Apache Kafka: locked by hash, fetched once, checked at each start.

They are kept where Maven and jgo keep theirs (`M2_REPO`, else `~/.m2/repository`). The lock,
`kafka.lock.toml`, has jgo's format; `python -m mejora.embedded.jars 4.1.1` writes it for a version.
"""

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from jgo.env import LockedDependency, LockFile
from jgo.maven import MavenContext

from mejora.embedded.process import EmbeddedServerError

LOCK = Path(__file__).with_name("kafka.lock.toml")

_BINDING = "org.slf4j:slf4j-simple:1.7.36"  # Kafka logs by slf4j 1.7 and brings no writer along
_FETCHED_AT_ONCE = 8
_ATTEMPTS = 3
_TIMEOUT_SECONDS = 60


def class_path(lock: Path = LOCK, *, cache: Path | None = None) -> list[Path]:
    """Every jar of the lock, there and with the right hash; blocks while some are fetched."""
    context = MavenContext(repo_cache=cache, timeout=_TIMEOUT_SECONDS)
    locked = LockFile.load(lock).dependencies
    kept = [context.repo_cache / _path(jar) for jar in locked]
    missing = [jar for jar, path in zip(locked, kept, strict=True) if not path.exists()]
    _fetch_all(missing, context)
    for jar, path in zip(locked, kept, strict=True):
        _check(jar, path)
    return kept


def _fetch_all(jars: Sequence[LockedDependency], context: MavenContext) -> None:
    with ThreadPoolExecutor(_FETCHED_AT_ONCE) as pool:
        list(pool.map(lambda jar: _fetch(jar, context), jars))


def _fetch(jar: LockedDependency, context: MavenContext) -> None:
    """Put one jar into the cache, whole and right or not at all."""
    context.repo_cache.mkdir(parents=True, exist_ok=True)
    why: Exception | None = None
    for _ in range(_ATTEMPTS):
        with tempfile.TemporaryDirectory(dir=context.repo_cache, prefix=".fetching-") as folder:
            aside = MavenContext(repo_cache=Path(folder), timeout=context.timeout)
            component = aside.project(jar.groupId, jar.artifactId).at_version(jar.version)
            try:
                fetched = component.artifact(packaging=jar.packaging).resolve()
            except (requests.RequestException, RuntimeError) as error:
                why = error
                continue
            _check(jar, fetched)
            kept = context.repo_cache / _path(jar)
            kept.parent.mkdir(parents=True, exist_ok=True)
            fetched.replace(kept)
            return
    raise EmbeddedServerError(
        f"{_path(jar).name}, which Apache Kafka needs, could not be fetched from Maven Central: "
        f"{why}. The embedded Kafka needs the network at its first start. Without it, copy "
        f"{context.repo_cache} from a machine where it has started, or use a broker that runs."
    ) from why


def _check(jar: LockedDependency, path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != jar.sha256:
        raise EmbeddedServerError(
            f"{path} is not the jar that Mejora was tested with: its SHA-256 is {digest}, and the "
            f"lock says {jar.sha256}. Kafka was not started. Remove the file to fetch it again."
        )


def _path(jar: LockedDependency) -> Path:
    """Its place in a Maven repository."""
    name = f"{jar.artifactId}-{jar.version}.{jar.packaging}"
    return Path(*jar.groupId.split("."), jar.artifactId, jar.version, name)


def lock_version(version: str) -> None:
    """Resolve a version of Kafka with all that it needs to run, and write the lock anew."""
    context = MavenContext(timeout=_TIMEOUT_SECONDS)
    kafka = f"org.apache.kafka:kafka_2.13:{version}"
    wanted = [context.create_dependency(name) for name in (kafka, _BINDING)]
    named, brought_along = context.resolver.resolve(wanted)
    jars = sorted([*named, *brought_along], key=str)
    LockFile.from_resolved_dependencies(jars, environment_name="kafka").save(LOCK)


if __name__ == "__main__":
    lock_version(sys.argv[1])
