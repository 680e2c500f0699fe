"""The command line. Read `app.py` first; each command imports what it needs when it runs."""
