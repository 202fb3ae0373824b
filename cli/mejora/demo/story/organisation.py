"""Who Finch Parcels are, and what they stand on."""

from importlib.resources import files
from typing import Any

from mejora.demo.page import events, table
from mejora.demo.story.scene import Scene, expect


def introduce(scene: Scene) -> None:
    """Send the catalogue, and say what is in it."""
    scene.page.gap()
    scene.page.say(
        "[bold]Finch Parcels[/bold], an invented parcel service, lets Mejora follow its failures: "
        "from the first alarm to the proof that the cause is gone. Nothing below is staged: Mejora "
        "runs here, is told what happens over HTTP only, and decides by itself. The past is sent "
        "with the days on which it happened. All times are UTC."
    )
    scene.page.gap()
    scene.page.say(
        "Each step says what Mejora is told, what it decides and because of what, what people do, "
        "and which [green]events[/green] carried it from service to service: [green]a → b[/green] "
        "means that a caused b."
    )
    document = files("mejora.demo").joinpath("organisation.yaml").read_text()
    taken = scene.client.put_yaml("/diagnosis/v1/catalogue", document)
    expect(taken["changed"] > 0 and not taken["remarks"], f"the catalogue is taken: {taken}")
    happened = scene.client.news()
    catalogue = scene.client.get("/diagnosis/v1/catalogue")
    scene.page.step(
        "What the organisation stands on",
        "PUT /diagnosis/v1/catalogue",
        [
            (
                "told",
                f"One YAML file: {len(catalogue['components'])} components that can fail (systems, "
                f"suppliers, procedures), {len(catalogue['processes'])} business processes that "
                f"stand on them, {len(catalogue['customers'])} customers with contracts, and the "
                f"{len(catalogue['roles'])} roles that answer for it all. No person is named.",
            ),
            ("", table(["process", "stands on", "promised to"], _processes(catalogue))),
            ("events", events(happened)),
        ],
    )


def _processes(catalogue: dict[str, Any]) -> list[list[str]]:
    titles = {customer["name"]: customer["title"] for customer in catalogue["customers"]}
    return [
        [
            process["name"],
            ", ".join(process["depends_on"]),
            ", ".join(
                titles[contract["customer"]]
                for contract in catalogue["contracts"]
                if process["name"] in contract["processes"]
            ),
        ]
        for process in catalogue["processes"]
    ]
