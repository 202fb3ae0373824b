#!/usr/bin/env bash
# One failure goes all the way through Mejora, by HTTP alone.
#
#   MEJORA_ADMIN_KEY=… docs/walkthrough.sh [body.json]
#
# body.json is any message that Alertmanager sends to a webhook; without one, an example is sent.
# Mejora must be running with that admin key (`make up`); MEJORA names its address if it is another
# than http://127.0.0.1:8080. Needs curl, and python3 for nothing but to read JSON.
set -euo pipefail

MEJORA=${MEJORA:-http://127.0.0.1:8080}
BODY=${1:-$(dirname "$0")/walkthrough-alert.json}
: "${MEJORA_ADMIN_KEY:?set it to the admin key that Mejora was started with}"
[ -r "$BODY" ] || { echo "There is no file $BODY to send." >&2; exit 1; }

# --- What the steps below are written with --------------------------------------------------------

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold= plain=; fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# ask KEY METHOD PATH [BODY]: send a request (curl reads BODY from a file if it begins with @) and
# write the answer; anything but success is shown, and ends the walk.
ask() {
    local answer
    if ! answer=$(curl -sS --fail-with-body -X "$2" "$MEJORA$3" \
        -H "Authorization: Bearer $1" -H 'Content-Type: application/json' ${4:+-d "$4"}); then
        printf '%s %s was refused:\n%s\n' "$2" "$3" "$answer" >&2
        return 1
    fi
    printf '%s' "$answer"
}

READER='
import json, re, sys

def part(found, path):
    for name in path.split("."):
        if isinstance(found, list):
            found = found[int(name)] if int(name) < len(found) else None
        elif found is not None:
            found = found.get(name)
    return found

def plain(found):
    if isinstance(found, dict) and {*found} == {"amount", "currency"}:
        return found["amount"] + " " + found["currency"]
    if isinstance(found, dict) and {*found} == {"value", "reason"}:
        return plain(found["value"]) if found["value"] else "unknown: " + found["reason"]
    if isinstance(found, list) and not any(isinstance(it, (dict, list)) for it in found):
        return "; ".join(map(str, found))
    return found

def write(name, found, indent="  "):
    found = plain(found)
    if isinstance(found, dict):
        print(indent + name + ":")
        for key, value in found.items():
            write(key, value, indent + "  ")
    elif isinstance(found, list):
        for it in found:
            write(name, it, indent)
    elif found not in (None, ""):
        print(f"{indent}{name}: {found}")

what, *paths = sys.argv[1:]
answer = json.load(sys.stdin)
for path in paths:
    path, _, columns = path.rstrip("]").partition("[")
    found = part(answer, path)
    if columns:
        for it in found or ():
            print("  " + " | ".join(str(it[name]) for name in columns.split(",") if it.get(name)))
    elif what == "show":
        write(re.sub(r"^(items|fixes)\.0\.|^indicators\.", "", path), found)
    elif found is not None:
        print(found if isinstance(found, str) else json.dumps(found))
'
# show PATH…: write these parts of the JSON, to be read; PATH[a,b]: of each in a list, a and b.
show() { python3 -c "$READER" show "$@"; }
# get PATH: write one value of the JSON, to be used.
get() { python3 -c "$READER" get "$1"; }
# quoted TEXT: write a text as JSON.
quoted() { python3 -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$1"; }

# until_there KEY PATH PART: ask until a part of the answer is there, and write the answer.
# What follows from a request reaches the other services as an event, a moment later: a new key too.
until_there() {
    local answer
    for _ in $(seq 150); do
        if answer=$(ask "$1" GET "$2" 2>&1) &&
            [ -n "$(printf '%s' "$answer" | get "$3")" ]; then
            printf '%s' "$answer"
            return
        fi
        sleep 0.2
    done
    printf 'After 30 s %s still had no %s:\n%s\n' "$2" "$3" "$answer" >&2
    return 1
}

in_days() {
    python3 -c "import datetime as d
print((d.datetime.now(d.timezone.utc) + d.timedelta(days=$1)).strftime('%Y-%m-%dT%H:%M:%SZ'))"
}

# --- The way --------------------------------------------------------------------------------------

step "1. Two keys: the monitor may do nothing but post, the operators may read and operate"
monitor=$(ask "$MEJORA_ADMIN_KEY" POST /intake/v1/keys \
    '{"label": "alertmanager", "scopes": ["ingest"], "source": "alertmanager"}' | get key)
desk=$(ask "$MEJORA_ADMIN_KEY" POST /intake/v1/keys \
    '{"label": "duty desk", "scopes": ["read", "operate"]}' | get key)
echo "  issued; a key is shown once, stored as a hash, and can be revoked"

step "2. The monitor posts what it always posts; the answer says what became of each signal"
answer=$(ask "$monitor" POST /intake/v1/hooks/alertmanager "@$BODY")
echo "$answer" | show "signals[disposition,rule,incident_id]" remarks
incident=$(echo "$answer" | get signals.0.incident_id)
if [ -z "$incident" ]; then
    echo "  This message opens no incident: it says that something is over that nobody said fails."
    exit 0
fi

step "3. A moment later it is diagnosed, and every answer says what it rests on"
diagnoses="/diagnosis/v1/diagnoses?incident_id=$incident"
diagnosis=$(until_there "$desk" "$diagnoses" items.0.diagnosis_id)
echo "$diagnosis" | show items.0.component items.0.failure_point items.0.scope items.0.priority \
    items.0.owner items.0.seen_before items.0.known_error items.0.recommendation
echo "  because:"
echo "$diagnosis" | show "items.0.evidence[question,answer,because]"
diagnosis_id=$(echo "$diagnosis" | get items.0.diagnosis_id)
component=$(echo "$diagnosis" | get items.0.failure_point.component)
owner=$(echo "$diagnosis" | get items.0.owner)
owner=${owner:-operations}
component_json=$(quoted "$component") owner_json=$(quoted "$owner")

step "4. Somebody takes it"
state=$(ask "$desk" GET "/intake/v1/incidents/$incident" | get state)
if [ "$state" = reported ]; then
    state=$(ask "$desk" POST "/intake/v1/incidents/$incident/acknowledge" \
        '{"note": "looking into it"}' | get state)
fi
echo "  state: $state"

step "5. What only people know is asked, and answered; with the last answer it is complete"
answers=$(echo "$diagnosis" | python3 -c '
import json, sys
owner, said = sys.argv[1], {
    "what_happened": "Requests piled up behind a lock",
    "who_else": "Nobody else, as far as we know",
    "what_changed": "The nightly export was moved to noon",
}
said["who_owns"] = owner
asked = [it["key"] for it in json.load(sys.stdin)["items"][0]["open_questions"]]
given = [{"question": key, "answer": said[key]} if key in said
         else {"question": key, "unknowable": True} for key in asked]
print(json.dumps({"answers": given, "answered_by": owner}))' "$owner")
ask "$desk" POST "/diagnosis/v1/diagnoses/$diagnosis_id/answers" "$answers" |
    show "open_questions[question,put_to,answer]" completed_at

step "6. The customer is served another way meanwhile: a workaround, with an owner and a last day"
if [ "$state" = closed ]; then
    echo "  not needed: a verified fix has settled this incident, and it is closed"
else
    ask "$desk" POST "/diagnosis/v1/diagnoses/$diagnosis_id/workaround" \
        "{\"description\": \"serve from the standby\", \"owner\": $owner_json,
          \"due_at\": \"$(in_days 30)\"}" | show state description owner due_at
    until_there "$desk" "/intake/v1/incidents/$incident" restored_at |
        show state channel "timeline[at,what,actor,note]"
fi

# A problem opens at the first incident of priority 1 or 2, at the second of any fault, or by hand.
step "7. A problem: somebody has to look for the cause"
signature=$(echo "$diagnosis" | get items.0.signature.signature_id)
problem_of() {
    ask "$desk" GET '/problem/v1/problems?limit=200' | python3 -c '
import json, sys
found = [it["problem_id"] for it in json.load(sys.stdin)["items"]
         if it["signature_id"] == sys.argv[1]]
print(*found[:1])' "$signature"
}
priority=$(echo "$diagnosis" | get items.0.priority)
seen_before=$(echo "$diagnosis" | get items.0.seen_before)
problem=$(problem_of)
if [ -z "$problem" ] && [ "$priority" -gt 2 ] && [ "$seen_before" -eq 0 ]; then
    echo "  no rule opens one for the first incident of priority $priority, so it is opened by hand"
    problem=$(ask "$desk" POST /problem/v1/problems \
        "{\"title\": \"It waits behind a lock\", \"component\": $component_json,
          \"incident_id\": \"$incident\", \"owner\": $owner_json}" | get problem_id)
fi
for _ in $(seq 150); do
    [ -z "$problem" ] || break
    sleep 0.2
    problem=$(problem_of)
done
ask "$desk" GET "/problem/v1/problems/$problem" |
    show title state opened_because priority incidents owner

step "8. Its root cause, as structure: five whys, and a class (there is none for a person)"
ask "$desk" POST "/problem/v1/problems/$problem/root-cause" '{
    "statement": "The export holds one lock for as long as it runs",
    "cause_class": "system",
    "five_whys": [
        {"why": "Why does it wait?", "because": "The export holds the lock that it needs."},
        {"why": "Why so long?", "because": "The export reads a whole month under one lock."}
    ]}' | show state root_cause.statement root_cause.cause_class "root_cause.five_whys[why,because]"

step "9. A step of the plan, planned and done"
action=$(ask "$desk" POST "/problem/v1/problems/$problem/actions" \
    "{\"description\": \"Raise an alarm when a lock is held for a minute\",
      \"owner\": $owner_json, \"due_at\": \"$(in_days 7)\"}" | get action_id)
ask "$desk" POST "/problem/v1/problems/$problem/actions/$action/done" '{}' |
    show description owner state

step "10. A permanent fix is planned: what it costs is the principal of the debt until it is there"
version_json=$(quoted "$component-$(date +%s)")
ask "$desk" POST "/problem/v1/problems/$problem/fixes" \
    "{\"description\": \"The export reads a day at a time\", \"carried_by\": $version_json,
      \"owner\": $owner_json, \"due_at\": \"$(in_days 20)\",
      \"estimated_cost\": {\"amount\": \"4000\", \"currency\": \"EUR\"}}" >/dev/null
ask "$desk" GET "/problem/v1/problems/$problem" |
    show fixes.0.state fixes.0.description debt.principal debt.interest debt.break_even

step "11. Known errors: the cause is known, and a workaround has carried it"
ask "$desk" GET '/problem/v1/known-errors?limit=3' |
    show "items[component,title,incidents]" "items.0.workarounds[description,tried,worked]"

step "12. What living on workarounds costs"
ask "$desk" GET /problem/v1/debt |
    show open_workarounds oldest_since interest past_break_even "items[component,title,promised_at]"

step "13. A pipeline tells of the change that carries the fix: it is deployed, and observed"
ask "$desk" POST /diagnosis/v1/changes \
    "{\"component\": $component_json, \"version\": $version_json}" >/dev/null
until_there "$desk" "/problem/v1/problems/$problem" fixes.0.deployed_at |
    show fixes.0.state fixes.0.deployed_at fixes.0.observe_until fixes.0.proof.reason
echo "  Time alone is no proof: one that came often enough is verified when it stayed away for long"
echo "  enough (\`make demo\` shows one); of one that came once or twice only this can be said."

step "14. Every step was an event; this is what the incident's were"
ask "$desk" GET "/improvement/v1/events?subject=$incident" | show "items[time,type]"

step "15. The indicators know of it"
ask "$desk" GET /improvement/v1/indicators | show incidents \
    indicators.time_to_restore.count indicators.time_to_restore.median_seconds \
    indicators.alternate_channel_share.value indicators.patch_debt.open_workarounds
