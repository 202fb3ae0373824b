"""The errors of the events library."""


class EventsError(Exception):
    """Anything that this library raises on purpose."""


class Undecodable(EventsError):
    """A record that is no CloudEvent of a contract; the message says which part is wrong."""


class UnknownType(Undecodable):
    """A CloudEvent of a type that this version of the contracts does not know, such as a `.v2`."""


class EventTooLarge(EventsError):
    """An event that no broker would take; what it tells of is rolled back with it."""


class TransportUnavailable(EventsError):
    """The broker cannot be reached or did not confirm; the same records may be sent again."""


class SettingsError(EventsError):
    """A connection address that makes no sense; the message says what one looks like."""
