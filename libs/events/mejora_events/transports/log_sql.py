"""The SQL of the log in PostgreSQL."""

TABLES = (
    """
    create table if not exists log_topic (
        topic text primary key,
        partitions integer not null,
        compacted boolean not null
    )
    """,
    # The end of each partition; its row lock is what orders writers.
    """
    create table if not exists log_partition (
        topic text not null references log_topic,
        partition integer not null,
        next_offset bigint not null default 0,
        primary key (topic, partition)
    )
    """,
    """
    create table if not exists log_record (
        topic text not null,
        partition integer not null,
        "offset" bigint not null,
        key text not null,
        headers json not null,
        value bytea not null,
        written_at timestamptz not null default clock_timestamp(),
        primary key (topic, partition, "offset")
    )
    """,
    "create index if not exists log_record_written_at on log_record using brin (written_at)",
    # Where each group reads on.
    """
    create table if not exists log_offset (
        "group" text not null,
        topic text not null,
        partition integer not null,
        next_offset bigint not null,
        primary key ("group", topic, partition)
    )
    """,
    # Who is alive in each group.
    """
    create table if not exists log_member (
        "group" text not null,
        member text not null,
        seen_at timestamptz not null default clock_timestamp(),
        primary key ("group", member)
    )
    """,
)

# Lets one process at a time make the tables.
ALONE = "select pg_advisory_xact_lock(hashtextextended(:lock, 0))"

MAKE_TOPIC = """
with made as (
    insert into log_topic (topic, partitions, compacted) values (:topic, :partitions, :compacted)
    on conflict do nothing
    returning topic, partitions
)
insert into log_partition (topic, partition)
select topic, generate_series(0, partitions - 1) from made
"""

PARTITIONS_OF = "select partitions from log_topic where topic = :topic"

PARTITIONS = """
select topic, partition from log_partition where topic = any(:topics) order by partition, topic
"""

# Moves the ends of partitions on, locking them in one order, and tells the first free offsets.
ADVANCE = """
with wanted as (
    select * from unnest(cast(:topics as text[]), cast(:partitions as integer[]),
                         cast(:counts as bigint[])) as w (topic, partition, count)
), locked as (
    select p.topic, p.partition from log_partition p join wanted using (topic, partition)
    order by p.topic, p.partition
    for update of p
)
update log_partition p
set next_offset = p.next_offset + wanted.count
from locked join wanted using (topic, partition)
where p.topic = locked.topic and p.partition = locked.partition
returning p.topic, p.partition, p.next_offset - wanted.count as first
"""

APPEND = """
insert into log_record (topic, partition, "offset", key, headers, value)
select topic, partition, "offset", key, cast(headers as json), value
from unnest(cast(:topics as text[]), cast(:partitions as integer[]), cast(:offsets as bigint[]),
            cast(:keys as text[]), cast(:headers as text[]), cast(:values as bytea[]))
     as r (topic, partition, "offset", key, headers, value)
"""

# Reads each partition on from its position, the oldest records first.
READ = """
select r.* from unnest(cast(:topics as text[]), cast(:partitions as integer[]),
                       cast(:positions as bigint[])) as at (topic, partition, position)
cross join lateral (
    select * from log_record l
    where l.topic = at.topic and l.partition = at.partition and l."offset" >= at.position
    order by l."offset"
    limit :most
) r
limit :most
"""

BEAT = """
insert into log_member ("group", member) values (:group, :member)
on conflict ("group", member) do update set seen_at = clock_timestamp()
"""

# A member's session holds a lock in its name: it is gone with its process or its connection.
LIVE = "select pg_advisory_lock(hashtextextended('mejora-log-member:' || :member, 0))"

# Who is alive: was seen lately and still holds the lock in its name. A lock's number is found in
# two halves (postgresql.org/docs/current/view-pg-locks.html).
MEMBERS = """
select m.member from log_member m
where m."group" = :group
  and m.seen_at > clock_timestamp() - make_interval(secs => :gone_seconds)
  and hashtextextended('mejora-log-member:' || m.member, 0) in (
      select (cast(l.classid as bigint) << 32) | cast(l.objid as bigint)
      from pg_locks l join pg_database d on d.oid = l.database
      where l.locktype = 'advisory' and l.objsubid = 1 and d.datname = current_database())
order by m.member
"""

FORGET_MEMBERS = "delete from log_member where seen_at < clock_timestamp() - interval '1 hour'"

LEAVE = """delete from log_member where "group" = :group and member = :member"""

TAKE = "select pg_try_advisory_lock(hashtextextended(:lock, 0)) as taken"
GIVE = "select pg_advisory_unlock(hashtextextended(:lock, 0))"

LEFT_OFF = """
select next_offset from log_offset
where "group" = :group and topic = :topic and partition = :partition
"""

COMMIT = """
insert into log_offset ("group", topic, partition, next_offset)
select :group, o.topic, o.partition, o.next_offset
from unnest(cast(:topics as text[]), cast(:partitions as integer[]), cast(:offsets as bigint[]))
     as o (topic, partition, next_offset)
on conflict ("group", topic, partition) do update set next_offset = excluded.next_offset
"""

# The first record written at or after a time; null when there is none.
OFFSET_AT = """
select min("offset") as "offset" from log_record
where topic = :topic and partition = :partition and written_at >= :time
"""

ENDS = "select topic, partition, next_offset from log_partition where topic = any(:topics)"

EXPIRE = """
delete from log_record r using log_topic t
where t.topic = r.topic and not t.compacted
  and r.written_at < clock_timestamp() - make_interval(secs => :retention_seconds)
"""

COMPACT = """
delete from log_record r using log_topic t
where t.topic = r.topic and t.compacted
  and exists (select 1 from log_record newer
              where newer.topic = r.topic and newer.partition = r.partition
                and newer.key = r.key and newer."offset" > r."offset")
"""
