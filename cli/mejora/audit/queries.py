"""What an audit asks the stores."""

from collections.abc import Mapping

from mejora.audit.picture import (
    CHANGE,
    COMPONENT,
    CONTRACT,
    DIAGNOSIS,
    ENTITY,
    FIX,
    INCIDENT,
    KEY,
    PROBLEM,
    WORKAROUND,
)

# Events that the service has committed to tell: confirmed by the broker, or waiting for it.
TOLD = """
select event_id, type, false as waits from journal where event_id >= :youngest
union all
select event_id, headers ->> 'ce_type', true from outbox
"""

# Mejora's own events that took effect here.
RECEIVED = """
select ce_source, ce_id from inbox
where consumer = :service and ce_id >= :youngest and starts_with(ce_source, '/mejora/')
"""

LETTERS = """
select letter_id, headers ->> 'ce_id' as event_id, topic, key, state, reason
from dead_letter where consumer = :service
"""

# What of a ledger is kept: each signal with its incident, and with the one that its sender was told
# of, where the two merged or that one was split since.
SIGNALS = """
with kept as (
    select source, signal_id, incident_id, answered_incident_id from signal
    where (source, signal_id) in
          (select * from unnest(cast(:sources as text[]), cast(:signal_ids as text[])))
)
select source, signal_id, incident_id from kept
union all
select source, signal_id, answered_incident_id from kept where answered_incident_id is not null
"""

# A message that a silence suppressed may be sent again when that is over: it is kept once for each
# rule that suppressed it, and once more when it counts.
SIGNALS_DOUBLED = """
select source, signal_id from signal
group by source, signal_id,
         case when state = 'firing' and disposition = 'suppressed' then rule end
having count(*) > 1
"""

OCCURRENCES = """
select incident_id, occurrences from incident
where stored_at >= (select coalesce(max(gone_before), '-infinity') from signal_retention)
"""

# The incidents that signals name, and how many of them count as occurrences.
SIGNALS_OF_INCIDENTS = """
select incident_id,
       count(*) filter (where disposition in ('opened', 'repeated', 'reopened')) as counted
from signal where incident_id is not null group by incident_id
"""

SIGNATURES = "select incident_id, signature_id from diagnosis"

PROBLEM_COUNTS = """
select signature_id, problem_id, cast(body ->> 'incidents' as integer) as incidents from problem
"""

FEED = "select source, event_id from feed where event_id >= :youngest"

# What each service holds of each thing: id, version, and the key of the events about it.
HELD: Mapping[tuple[str, str], str] = {
    (INCIDENT.name, "intake"): """
        select incident_id as id, version, incident_id as key from incident
    """,
    (INCIDENT.name, "diagnosis"): """
        select incident_id as id, version, incident_id as key from incident
    """,
    (INCIDENT.name, "problem"): """
        select incident_id as id, cast(body -> 'course' ->> 'version' as integer) as version,
               incident_id as key
        from occurrence where body -> 'course' ->> 'version' is not null
    """,
    (INCIDENT.name, "improvement"): """
        select incident_id as id, version, incident_id as key from measured_incident
    """,
    (DIAGNOSIS.name, "diagnosis"): """
        select incident_id as id, cast(body ->> 'version' as integer) as version,
               incident_id as key from diagnosis
    """,
    (DIAGNOSIS.name, "intake"): """
        select incident_id as id, diagnosis_version as version, incident_id as key
        from incident where diagnosis_version > 0
    """,
    (DIAGNOSIS.name, "problem"): """
        select incident_id as id, cast(body -> 'finding' ->> 'version' as integer) as version,
               incident_id as key
        from occurrence where body -> 'finding' ->> 'version' is not null
    """,
    (DIAGNOSIS.name, "improvement"): """
        select incident_id as id, version, incident_id as key from measured_diagnosis
    """,
    (WORKAROUND.name, "diagnosis"): """
        select workaround_id as id, cast(body ->> 'version' as integer) as version,
               incident_id as key from workaround
    """,
    (WORKAROUND.name, "problem"): """
        select workaround_id as id, version, body ->> 'incident_id' as key from workaround
    """,
    (WORKAROUND.name, "improvement"): """
        select workaround_id as id, version, incident_id as key from measured_workaround
    """,
    (PROBLEM.name, "problem"): """
        select problem_id as id, cast(body ->> 'version' as integer) as version,
               problem_id as key from problem
    """,
    (PROBLEM.name, "diagnosis"): """
        select problem_id as id, version, problem_id as key from problem
    """,
    (PROBLEM.name, "improvement"): """
        select problem_id as id, version, problem_id as key from measured_problem
    """,
    (FIX.name, "problem"): """
        select fix_id as id, cast(body ->> 'version' as integer) as version, problem_id as key
        from fix
    """,
    (FIX.name, "diagnosis"): """
        select fix_id as id, version, problem_id as key from fix
    """,
    (FIX.name, "improvement"): """
        select fix_id as id, version, problem_id as key from measured_fix
    """,
    (CHANGE.name, "diagnosis"): """
        select change_id as id, 1 as version, component as key from change
    """,
    (CHANGE.name, "problem"): """
        select change_id as id, 1 as version, component as key from change
    """,
    (ENTITY.name, "diagnosis"): """
        select kind || ':' || name as id, version, kind || ':' || name as key
        from catalogue_entity
    """,
    (ENTITY.name, "problem"): """
        select kind || ':' || name as id, version, kind || ':' || name as key
        from catalogue_entity
    """,
    (COMPONENT.name, "diagnosis"): """
        select name as id, version, kind || ':' || name as key
        from catalogue_entity where kind = 'component'
    """,
    (COMPONENT.name, "improvement"): """
        select name as id, version, 'component:' || name as key from component_rate
    """,
    (CONTRACT.name, "diagnosis"): """
        select name as id, version, kind || ':' || name as key
        from catalogue_entity where kind = 'contract'
    """,
    (CONTRACT.name, "improvement"): """
        select name as id, version, 'contract:' || name as key from contract
    """,
    **{
        # A key that was revoked is in its second version.
        (KEY.name, service): """
            select key_id as id, case when revoked_at is null then 1 else 2 end as version,
                   key_id as key from access_key
        """
        for service in (KEY.owner, *KEY.copied_by)
    },
}

# The newest version that was told of what may also change without being told; the feed has all.
NEWEST_TOLD: Mapping[str, str] = {
    PROBLEM.name: """
        select body -> 'data' -> 'problem' ->> 'problem_id' as id,
               max(cast(body -> 'data' -> 'problem' ->> 'version' as integer)) as version
        from feed where starts_with(type, 'mejora.problem.') group by 1
    """,
    FIX.name: """
        select body -> 'data' -> 'fix' ->> 'fix_id' as id,
               max(cast(body -> 'data' -> 'fix' ->> 'version' as integer)) as version
        from feed where starts_with(type, 'mejora.fix.') group by 1
    """,
}
