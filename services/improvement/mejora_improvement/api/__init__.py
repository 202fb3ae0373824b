"""The routes of the improvement service."""

from fastapi import APIRouter

from mejora_improvement.api import feed, improvements, indicators

router = APIRouter()
router.include_router(indicators.router)
router.include_router(improvements.router)
router.include_router(feed.router)
