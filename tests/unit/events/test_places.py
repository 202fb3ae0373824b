"""Where senders say that something fails."""

from mejora_events.places import NOWHERE, Where, names_of_places, where


def test_the_most_telling_label_names_the_instance_and_the_narrowest_the_site() -> None:
    labels = {
        "region": "eu",
        "zone": "eu-a",
        "host": "h-1",
        "instance": "db-1",
        "userCount": " 12 ",
    }
    assert where(labels) == Where("db-1", "eu-a", 12)
    assert names_of_places(labels) == ("db-1", "h-1", "eu-a", "eu")


def test_what_labels_do_not_say_is_not_made_up() -> None:
    assert where({}) == where({"team": "shop"}) == NOWHERE
    assert where({"pod": "", "users_affected": "many"}) == NOWHERE
    assert where({"affected_users": "9" * 30}).users == 0
