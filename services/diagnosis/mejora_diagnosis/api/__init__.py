"""The routes of diagnosis, below `/diagnosis`."""

from fastapi import APIRouter

from mejora_diagnosis.api import catalogue, changes, diagnoses, workarounds

router = APIRouter()
for room in (catalogue, changes, diagnoses, workarounds):
    router.include_router(room.router)
