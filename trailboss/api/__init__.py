"""The v1 REST face; generic over the declarations. Read `app.py` first: it lists every URL."""
