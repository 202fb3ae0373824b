"""The story, chapter by chapter."""

from mejora.demo.story.books import count_up
from mejora.demo.story.labels import labels_fixed_for_good
from mejora.demo.story.look import where_to_look
from mejora.demo.story.organisation import introduce
from mejora.demo.story.routes import routes_on_a_patch
from mejora.demo.story.scene import Scene
from mejora.demo.story.today import today

__all__ = ["Scene", "tell"]


def tell(scene: Scene) -> None:
    """Tell all of it; raises DemoFailed when something does not come true."""
    introduce(scene)
    labels_fixed_for_good(scene)
    routes_on_a_patch(scene)
    today(scene)
    count_up(scene)
    where_to_look(scene)
