"""Hosts without Docker that speak the agent's protocol inside the server."""
