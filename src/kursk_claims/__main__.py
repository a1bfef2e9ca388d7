"""The command `kursk`: the way in, which takes Ctrl-C even while the rest is read."""

import sys


def main() -> None:
    """Run the command."""
    try:
        from kursk_claims.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit("Aborted!")  # as click says it, once it is there


if __name__ == "__main__":
    main()
