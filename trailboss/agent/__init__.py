"""The program on one host: makes Docker run what the server assigned, and answers names."""
