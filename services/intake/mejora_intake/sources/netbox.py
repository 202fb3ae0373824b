"""NetBox's webhook: the change log of objects, which tells of no failure.

Source: netboxlabs.com, docs, webhooks. `event` is created, updated or deleted, `model` and `data`
say what. It is taken so that an event rule may point here; nothing is made of it.
"""

from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import fields_of, first_of, mapping_of


def read(message: Message) -> Understood:
    """Remark on a change. Raises NotUnderstood when it is none."""
    body = fields_of(message)
    event, model = first_of(body, "event"), first_of(body, "model", "object_type")
    if not event or not model:
        raise NotUnderstood("a NetBox webhook has `event`, `model` and `data`")
    name = first_of(mapping_of(body.get("data")), "display", "name", "id")
    return Understood(remarks=[f"{model[:100]} {name[:200]} {event[:100]}: a change, no failure"])


KIND = Kind(
    name="netbox",
    title="NetBox",
    expects="A webhook with this address in an event rule; changes are remarked on only.",
    documentation="https://netboxlabs.com/docs/netbox/integrations/webhooks/",
    read=read,
)
