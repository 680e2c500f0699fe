"""The server's side of the agents."""
