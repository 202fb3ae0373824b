"""Templates that differ only where names stand are one fault; others are not."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.signature import Patterns, reduce_text, sign

LOGINS = [
    "Failed password for root from 10.0.0.1 port 4242 ssh2",
    "Failed password for admin from 10.0.0.2 port 51 ssh2",
    "Failed password for invalid user guest from 10.0.0.2 port 51 ssh2",
    "session opened for user root by (uid=0)",
    "session closed for user root",
    "session closed for user backup",
]


def named(texts: Sequence[str], patterns: Patterns | None = None) -> list[str]:
    """The signatures of texts at one component, in this order."""
    patterns = patterns or Patterns()
    return [patterns.recognise("app", sign("app", text)).signature_id for text in texts]


@pytest.mark.parametrize(
    "texts",
    [
        (
            "Failed password for root from 10.0.0.1 port 42",
            "Failed password for ted from 10.1.0.7 port 1",
        ),
        ("Invalid user admin from 10.0.0.1", "Invalid user DEFAULT from 10.0.0.1"),
        ("session closed for user news", "session closed for user mail"),
        (
            "Cannot load class org.shop.Cart on start",
            "Cannot load class org.shop.pay.Card on start",
        ),
        ("domain data_local is no longer served", "domain data_tmp is no longer served"),
    ],
)
def test_names_make_no_other_fault(texts: Sequence[str]) -> None:
    assert len(set(named(texts))) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("Disk of the database is full", "Disk of the database is slow"),
        ("replica lag", "replica lost"),
        ("Replica lag on db-03 is high", "Disk usage on db-03 is high"),
        ("session opened for user root", "session closed for user root"),
        ("VM Started (Lifecycle Event)", "VM Paused (Lifecycle Event)"),
        ("Task moved from NEW to RUNNING on node-3", "Task moved from NEW to FAILED on node-3"),
        (
            "Servlet cart threw java.lang.NullPointerException today",
            "Servlet cart threw java.lang.IllegalStateException today",
        ),
        ("The account of the user was locked", "The account of the user was removed"),
        ("Pagos con tarjeta rechazados", "Pagos con tarjeta duplicados"),
        ("Die Zahlung mit Karte dauert lange", "Die Zahlung mit Karte schlägt fehl"),
        ("level=error reason=timeout host=a", "level=error reason=refused host=a"),
    ],
)
def test_what_went_wrong_makes_another_fault(texts: Sequence[str]) -> None:
    assert len(set(named(texts))) == len(texts)


@given(st.lists(st.sampled_from(LOGINS), max_size=20), st.lists(st.sampled_from(LOGINS)))
def test_a_template_keeps_its_name_whatever_is_learned_later(
    before: list[str], later: list[str]
) -> None:
    patterns = Patterns()
    first = named(before, patterns)
    named(later, patterns)
    assert named(before, patterns) == first


@given(st.lists(st.text(max_size=40), max_size=10))
def test_any_text_is_named(texts: list[str]) -> None:
    assert named(texts) == named(texts)


def test_what_was_kept_is_known_again() -> None:
    patterns = Patterns()
    before = named(LOGINS, patterns)
    again = Patterns(patterns.newly_named, patterns.learned.values())
    assert named(LOGINS, again) == before
    assert named(["session closed for user games"], again) == [before[-1]]
    assert again.newly_named.keys() == {sign("app", "session closed for user games").signature_id}


def test_the_pattern_says_what_is_common() -> None:
    patterns = Patterns()
    patterns.recognise("app", sign("app", LOGINS[0]))
    assert (
        patterns.recognise("app", sign("app", LOGINS[1])).template
        == "Failed password for <*> from <*> port <*> ssh<*>"
    )


def test_families_have_nothing_in_common() -> None:
    patterns = Patterns()
    one, other = (patterns.recognise(it, sign(it, LOGINS[0])) for it in ("web", "mail"))
    assert one.signature_id != other.signature_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sent 1190 bytes (1.16 KB) in <1 sec", "sent 12 bytes in 3 seconds"),
        ("deleted blk_-160 blk_17 blk_3", "deleted blk_12"),
        ('lock tag="View Lock" ws=null', 'lock tag="x" ws=Source{10}'),
        ("job_1445_0020_m_0 is done", "job_7_21_r_13 is done"),
        ("called by a.b.Window.close:12 a.b.Window.end:7", "called by a.b.Surface.destroy:102"),
        ("since Sun Feb 6 00:17:58 2020 nothing", "since Mon Mar 16 10:17:58 2020 nothing"),
        ("shop.example.cn:443 refused", "10.0.0.1:443 refused"),
        ("cart.exe *64 crashed", "pay.exe crashed"),
        ("peer 10.0.0.1 () is away", "peer 10.0.0.2 (db.example.org) is away"),
    ],
)
def test_values_lists_and_quantities_do_not_matter(one: str, other: str) -> None:
    assert reduce_text(one) == reduce_text(other)
