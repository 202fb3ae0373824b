"""What makes two messages of a kind the same failure, for people to read: each kind's own rule.

An operator who declares a fingerprint rule for a source takes another in its place.
"""

from collections.abc import Mapping

_CHECK = "the number of the check, else its name and address"
_LABELS = "the alert's `fingerprint`, else all its labels (and its summary, where none names it)"
_RULE = "the rule and the alert's own id, else the rule and the component"

ALIKE: Mapping[str, str] = {
    "airbrake": "the id of the error's group, else project, class and message",
    "alertmanager": _LABELS,
    "alertmanager_api": _LABELS,
    "appdynamics": "the id of the incident, else component, affected entity and health rule",
    "aws_cloudwatch_sns": "the alarm's ARN, else account, region and its name",
    "aws_health": "the event's ARN, else event type, service and region",
    "axiom": "the monitor's id and the values of its group",
    "azure_monitor": "the alert's id (of Service Health its tracking id), else rule and resource",
    "checkly": "the check's id, else its name; its certificate apart",
    "checkmk": "site, host and service",
    "cloudevents": "an id of a failure in the data, else source, subject, component and name",
    "coralogix": "the deduplication key, else the alert's id, or its name, and group",
    "dash0": "the identifier of the issue, else the check rule's name and labels",
    "datadog": "the aggregation key, alert cycle or incident, else the monitor and its scope",
    "dynatrace": "the problem's id",
    "elastic": _RULE,
    "errbit": "the problem's id, else application, class and message",
    "freshping": _CHECK,
    "freshstatus": "the incident's id, else its title",
    "gcp_monitoring": "the incident's id, else policy and resource",
    "grafana": f"{_LABELS}; in legacy alerting organisation and rule",
    "graylog": "the event definition and key; before version 3 the stream and its condition",
    "healthchecks": "the check's code, else its name",
    "honeybadger": "the id of the fault, site, check-in or alarm",
    "icinga": "host and service",
    "insping": _CHECK,
    "kibana": _RULE,
    "librato": "the incident's key, else the alert's id or name",
    "librenms": "the device and the alert rule",
    "nagios": "host and service",
    "netbox": "nothing, since nothing is made of its messages",
    "newrelic": "the incident's or issue's id, else policy, condition and entity",
    "opbeat": "the id of the error's group, else application and message",
    "opentelemetry": "service, logger or span, exception and the text without its digits",
    "opsgenie": "the alert's id, else its alias or message",
    "pagerduty": "the incident's id or key, else its service and number",
    "pagerduty_events_v2": "`dedup_key`, else all that the payload says of where it fails and its"
    " summary",
    "papertrail": "the saved search and the system whose lines it found",
    "pingdom": _CHECK,
    "raygun": "the address of the error's group, else application and message",
    "report": "component and summary; of one that says when it started its id, else its start too",
    "riemann": "host and service",
    "rollbar": "the item's id, else component and title",
    "runscope": "the test, the region or agent, and the environment",
    "sentry": "the issue's id, or that of the metric alert, else project and title",
    "signalfx": "the incident's id, else detector and rule",
    "site24x7": "the monitor's id, else its name and address",
    "splunk": "app, saved search and component",
    "statuscake": "the number of the test, else its name and address; notices apart",
    "statuspage": "the id of the incident, or of the component",
    "thinkst": "the incident's hash, else name and description; a lost connection by canary",
    "thousandeyes": "the alert's id, else its test and rule",
    "updown": "the check's token; its certificate and its performance apart",
    "uptime_kuma": "the monitor's number, else its name; its certificate apart",
    "uptimerobot": "the monitor's id, else its name and address; its expiry apart",
    "vmware_vrealize": "the alert's id, else resource and name",
    "wazuh": "host and rule, or of a vulnerability its CVE and package",
    "zabbix": "the problem's event, else its trigger, else host and name",
}
"""By the kind's name."""
