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
        ("Payment of customer anna took 7 ms", "Payment of customer bela took 12 ms"),
        ("user anna logged in from home", "user bela logged in from home"),
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
        ("It took 3 s to start the shop on the host", "It took 3 s to stop the shop on the host"),
        ("Failed to mount volume for pod x on db", "Failed to unmount volume for pod x on db"),
        ("Timeout in read phase of request 7 to db", "Timeout in write phase of request 7 to db"),
        ("Waiting for lock on table a of shop 7", "Waiting for latch on table a of shop 7"),
        ("Host memory usage above limit on db", "Host cpu usage above limit on db"),
        ("client connection pool of shop is full", "client thread pool of shop is full"),
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


# Shapes that systems of many kinds write: each tuple is one fault, and they are all different.
SHAPES = (
    # supercomputers: registers, bits, cores, chips
    ("writing core.2275", "writing core.8"),
    ("parity error at 0x0b85eee0, mask 0x05", "parity error at 0x1438f9e0, mask 0x40"),
    ("r00=0x1 r01=0x1effa1b0 r02=0x1eee", "r20=0x1 r21=0x1eee r22=0x1ee"),
    ("input interrupt enable...0", "input interrupt enable...1"),
    ("L3 control register: 00000000", "L3 control register: a0f00000"),
    (
        "2 alignments (2) iar 0x54, dear 0x1",
        "7 alignments (7) iar 0x54, dear 0x1 (4) iar 0x5, dear 0xf",
    ),
    (
        "card(mLctn(R63-M0-N0), mIp(10.0.5.48), mType(4)) is shut",
        "card(mLctn(R36-M1-N4), mIp(10.3.4.1), mType(4)) is shut",
    ),
    ("chdir(/p/a/b/2183) failed: No such file", "chdir(/home/c) failed: No such file"),
    ("chdir(/p/a/b/2183) failed: Permission denied", "chdir(/home/c) failed: Permission denied"),
    # jobs: ids of many parts, states in code, structures
    (
        "attempt_1445_0020_m_0_0 moved from NEW to ASSIGNED",
        "attempt_7_1_r_12_1 moved from NEW to ASSIGNED",
    ),
    (
        "attempt_1445_0020_m_0_0 moved from ASSIGNED to RUNNING",
        "attempt_7_1_r_12_1 moved from ASSIGNED to RUNNING",
    ),
    ("job_1445_0020Job went from NEW to INITED", "job_7_1Job went from NEW to INITED"),
    ("headroom=<memory:0, vCores:-27>", "headroom=<memory:7168, vCores:-1>"),
    ("After: Reds:1 Maps:0 Local:7", "After: Reds:0 Maps:4 Local:70"),
    ("Before: Reds:1 Maps:0 Local:7", "Before: Reds:0 Maps:4 Local:70"),
    (
        "lease for [Client_JOB_1537864556_1] lost for 51 seconds",
        "lease for [Client_JOB_-274751412_1] lost for 207 seconds",
    ),
    (
        "pipeline 10.0.0.1:50010, 10.0.0.2:50010: bad node 10.0.0.1:50010",
        "pipeline 10.0.0.3:50010: bad node 10.0.0.3:50010",
    ),
    (
        "Ident: (attempt { id { id: 20 stamp: 1445 } } key: -127)",
        "Ident: (attempt { id { id: 3 stamp: 14 } } key: 27633188)",
    ),
    # clouds: uuids, addresses of pages, sizes
    (
        '10.1.0.1 "GET /v2/54fadb412c/servers HTTP/1.1" status: 200 len: 18 time: 0.24',
        '10.2.1.2,10.1.0.1 "GET /latest/id HTTP/1.1" status: 200 len: 7 time: 0.0007',
    ),
    (
        '10.1.0.1 "POST /v2/54fadb412c/servers HTTP/1.1" status: 202 len: 18 time: 0.24',
        '10.1.0.1 "POST /v2/e9746973ac/events HTTP/1.1" status: 202 len: 38 time: 0.09',
    ),
    (
        "[instance: b9000564-fe1a-409b-b8cc-1e88b294cd1d] memory: 64172 MB, used: 512.00 MB",
        "[instance: 96abccce-8d1f-4e07-b6d1-4b2ab87e23b4] memory: 8 MB, used: 2 MB",
    ),
    (
        "[instance: b9000564-fe1a-409b-b8cc-1e88b294cd1d] disk: 15 GB, used: 0.00 GB",
        "[instance: 96abccce-8d1f-4e07-b6d1-4b2ab87e23b4] disk: 7 GB, used: 20 GB",
    ),
    (
        "view: name=cp-1.pg0.example.org ram=64172MB used=2560MB stats=[]",
        "view: name=cp-2.pg0.example.org ram=1MB used=512MB stats=[]",
    ),
    # desktops and their updates: packages, stacks, transactions, drivers
    (
        "package: Package_for_KB2928~31bf3856ad364e35~amd64~~6.1.1.2, State: 112",
        "package: Package_for_KB312~31bf3856ad364e35~x86~~6.1.2.0, State: 80",
    ),
    ("started (stack @0x7fed806eb5d @0x7fef9fb9b6d @0xff83e97c)", "started (stack @0x7fed806eb5d)"),
    (
        "0000000c@2016/9/27:20:30:31.455 Transaction @0xdb1600 ready",
        "00000001@2016/9/28:04:30:31.4 Transaction @0xdb2200 ready",
    ),
    (
        "Radio: 620701.011328: Driver_Brcm43xx::sync: WAKE[on]",
        "Radio: 620702.879952: Driver_Brcm43xx::sync: WAKE[on]",
    ),
    ("en0: station changed to 5c:50:15:4c:18:13", "en1: station changed to 5c:50:15:36:bc:03"),
    (
        "network changed: v4(en0-:10.105.162.105) v6(en0-:2607:f140:6000:8:c6b3:1ff:fecd:467f)",
        "network changed: v4(en0-:10.105.1.2) v6(en0-:2607:f140:6000:8:c6b3:1ff:fecd:1)",
    ),
    (
        "Skipping [2017-07-04_23,24,28.997]-[Reporter-002].xml now",
        "Skipping [2017-07-06_09,04,01.1]-[Reporter-007].xml now",
    ),
)


def test_shapes_of_many_kinds_of_systems() -> None:
    patterns = Patterns()
    found = [set(named(texts, patterns)) for texts in SHAPES]
    assert [texts for texts, names in zip(SHAPES, found, strict=True) if len(names) > 1] == []
    assert len(set().union(*found)) == len(SHAPES)


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
        ("link training: wanted A C X+ X- got B", "link training: wanted B C Y- got B"),
        ("3 receiver x+ errors (dcr 0x02ec)", "1 receiver z- errors (dcr 0x02f1)"),
        ("hive {bf1a281b-ad7b-4476-ac95-f47682990ce7}C:/a/b.dat", "hive {0a}D:/Users/c.dat"),
    ],
)
def test_values_lists_and_quantities_do_not_matter(one: str, other: str) -> None:
    assert reduce_text(one) == reduce_text(other)
