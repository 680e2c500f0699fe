"""`python -m trailboss` is the command line."""

from trailboss.cli.app import main

if __name__ == "__main__":
    main()
