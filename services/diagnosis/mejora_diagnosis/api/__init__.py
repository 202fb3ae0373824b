"""The routes of diagnosis, below `/diagnosis`: commands and questions, and pages for people."""

from fastapi import APIRouter

from mejora_diagnosis.api import catalogue, changes, diagnoses, pages, priorities, workarounds

router = APIRouter()
for room in (catalogue, changes, diagnoses, priorities, workarounds, pages):
    router.include_router(room.router)
