"""The command line: a client of the v1 API, and the starter of server and agent.

`app.py` lists the commands; there is one module per group of them. A command goes: options -> `trailboss.client` ->
`stack.py` (what the API answered, as values) -> `waiting.py` and `progress.py` (until it is so) -> lines or JSON.
Nothing here knows how the server works: only `up` shares code with it, the compose package, which is pure.

What is heavy (HTTP client, Rich, compose, server, agent) is imported inside the commands that need it.
"""
