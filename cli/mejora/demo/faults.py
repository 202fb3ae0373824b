"""How a demo can fail."""


class DemoFailed(Exception):
    """Something that the story tells did not come true; the message says what."""
