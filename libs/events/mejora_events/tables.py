"""The tables that the frame keeps in every service's store."""

FRAME_V1: tuple[str, ...] = (
    # Events whose state change is committed and that the broker has not confirmed yet.
    # `seq` is drawn after the aggregate's row is locked, so that it rises in commit order per key.
    """
    create table outbox (
        seq bigint generated always as identity primary key,
        event_id uuid not null,
        topic text not null,
        key text not null,
        headers json not null,
        value bytea not null,
        written_at timestamptz not null default now()
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
            autovacuum_vacuum_cost_delay = 0)
    """,
    # Ids of the events that the broker has confirmed: what an audit compares inboxes with.
    """
    create table journal (
        event_id uuid not null,
        topic text not null,
        type text not null,
        published_at timestamptz not null default now()
    )
    """,
    "create index journal_published_at on journal using brin (published_at)",
    # Events whose effect is committed here: what makes a second delivery harmless.
    """
    create table inbox (
        consumer text not null,
        ce_source text not null,
        ce_id uuid not null,
        received_at timestamptz not null default now(),
        primary key (consumer, ce_source, ce_id)
    )
    """,
    "create index inbox_received_at on inbox using brin (received_at)",
    # Keys that wait for an operator, so that nothing later overtakes a record that failed.
    """
    create table parked_key (
        consumer text not null,
        topic text not null,
        key text not null,
        parked_at timestamptz not null,
        primary key (consumer, topic, key)
    )
    """,
    # Records that failed (`dead`), that wait behind one on its key (`waiting`), or were dropped.
    """
    create table dead_letter (
        letter_id uuid primary key,
        consumer text not null,
        topic text not null,
        partition integer not null,
        "offset" bigint not null,
        key text not null,
        headers json not null,
        value bytea not null,
        written_at timestamptz not null,
        state text not null check (state in ('dead', 'waiting', 'dropped')),
        reason text not null,
        attempts integer not null,
        failed_at timestamptz not null,
        unique (consumer, topic, partition, "offset", written_at)
    )
    """,
    "create index dead_letter_of_key on dead_letter (consumer, topic, key)",
    # Wishes of an operator to read a topic again from a time, and the partitions that have done so.
    """
    create table replay (
        replay_id uuid primary key,
        consumer text not null,
        topic text not null,
        from_time timestamptz not null,
        asked_at timestamptz not null,
        asked_by text not null,
        done_partitions integer[] not null default '{}'
    )
    """,
)
