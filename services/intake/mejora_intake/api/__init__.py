"""Intake's routes: those of signals first, since they are asked most."""

from mejora_intake.api import (
    following,
    form,
    hooks,
    incidents,
    keys,
    merging,
    reports,
    searching,
    signals,
    silences,
    sources,
)

router = signals.router
router.include_router(hooks.router)
router.include_router(sources.router)
router.include_router(reports.router)
router.include_router(following.router)
router.include_router(form.router)
router.include_router(searching.router)
router.include_router(incidents.router)
router.include_router(merging.router)
router.include_router(silences.router)
router.include_router(keys.router)
