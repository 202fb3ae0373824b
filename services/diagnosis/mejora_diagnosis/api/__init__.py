"""The routes of diagnosis, below `/diagnosis`."""

from fastapi import APIRouter

from mejora_diagnosis.api import catalogue, changes, diagnoses, priorities, workarounds

router = APIRouter()
for room in (catalogue, changes, diagnoses, priorities, workarounds):
    router.include_router(room.router)
