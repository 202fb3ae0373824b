"""Pages for people, below `/diagnosis/`: what waits for answers, a diagnosis, its questions."""

from fastapi import APIRouter

from mejora_diagnosis.api.pages import listing, reading, signing_in

router = APIRouter(include_in_schema=False)
for room in (listing, reading, signing_in):
    router.include_router(room.router)
