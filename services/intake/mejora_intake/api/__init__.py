"""Intake's routes: those of signals first, since they are asked most."""

from mejora_intake.api import hooks, incidents, keys, merging, searching, signals

router = signals.router
router.include_router(hooks.router)
router.include_router(searching.router)
router.include_router(incidents.router)
router.include_router(merging.router)
router.include_router(keys.router)
