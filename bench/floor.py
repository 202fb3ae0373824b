"""The limit of `intake.single`: a FastAPI route that validates the same body and answers.

Run as `python -m bench.floor <port>`, with the server and its settings that the services have.
"""

import sys

from fastapi import FastAPI
from starlette.responses import PlainTextResponse

from mejora.serving import Server, run_until_signal
from mejora_intake.api.signals import SignalPosted

app = FastAPI()


@app.post("/v1/signals", status_code=202)
async def post_signal(signal: SignalPosted) -> dict[str, str]:
    """Validate a signal and answer."""
    return {"fingerprint": signal.fingerprint or ""}


@app.get("/readyz")
async def readyz() -> PlainTextResponse:
    """Say that it answers."""
    return PlainTextResponse("ready")


if __name__ == "__main__":
    run_until_signal(Server(app, host="127.0.0.1", port=int(sys.argv[1])).serve_all())
