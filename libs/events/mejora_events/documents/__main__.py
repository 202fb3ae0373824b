"""`python -m mejora_events.documents write|check`."""

import sys

from mejora_events.documents.files import HOME, check, write

USAGE = "usage: python -m mejora_events.documents write|check\n"


def main(arguments: list[str]) -> int:
    """Do what is asked; 1 when a finding, each on a line, stands in the way."""
    match arguments:
        case ["write"]:
            findings = write(HOME)
        case ["check"]:
            findings = check(HOME)
        case _:
            sys.stderr.write(USAGE)
            return 2
    for finding in findings:
        sys.stderr.write(f"{finding}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
