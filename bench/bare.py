"""The limit of `memory`: FastAPI and uvicorn with one route, and nothing of Mejora.

Run as `python -m bench.bare <port>`.
"""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Ready(BaseModel):
    """What is answered."""

    ready: bool = True


@app.get("/readyz")
async def readyz() -> Ready:
    """Say that it answers."""
    return Ready()


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
