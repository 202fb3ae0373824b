"""The diagnosis service, put together."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mejora_diagnosis.api import router
from mejora_diagnosis.model.diagnose import Rules
from mejora_diagnosis.reactions import react_by
from mejora_diagnosis.reactions.forgetting import forget_failing
from mejora_diagnosis.reactions.promises import note_overdue
from mejora_diagnosis.store import sign_ins
from mejora_events.reactions import Reactions
from mejora_service.service import Periodic, Service
from mejora_service.settings import ServiceSettings


class DiagnosisSettings(ServiceSettings):
    """What an operator can set about diagnosing."""

    cascade_window_seconds: Annotated[float, Field(ge=60, le=86_400)] = 600.0
    """Incidents that started at most so far apart can be one cascade; counted in whole minutes."""
    generalised_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The share of affected instances, sites or users from which it counts as generalised."""
    unowned_to: Annotated[str, Field(min_length=1)] = "operations"
    """The role that is asked about what has no owner."""
    recent_change_seconds: Annotated[float, Field(ge=0, le=31_536_000)] = 86_400.0
    """How long before a failure a change may have been made to be offered as evidence."""
    overdue_every_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How often workarounds are looked through for those that should be gone."""

    def rules(self) -> Rules:
        """Give the settings that the rules take."""
        return Rules(
            window_minutes=round(self.cascade_window_seconds / 60),
            generalised_share=self.generalised_share,
            unowned_to=self.unowned_to,
            recent_change_seconds=self.recent_change_seconds,
        )


def _reactions(settings: DiagnosisSettings) -> Reactions:
    return react_by(settings.rules())


def _periodics(settings: DiagnosisSettings) -> Sequence[Periodic]:
    window = settings.rules().window_minutes
    return [
        Periodic("overdue-workarounds", settings.overdue_every_seconds, note_overdue),
        Periodic("forgetting", 30.0, partial(forget_failing, window_minutes=window)),
        Periodic("sign-ins", 3_600.0, sign_ins.forget),
    ]


SERVICE = Service(
    name="diagnosis",
    migrations=Path(__file__).parent / "migrations",
    settings=DiagnosisSettings,
    router=router,
    reactions=_reactions,
    periodics=_periodics,
)
