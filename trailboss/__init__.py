"""Trailboss runs containers across many hosts and speaks the Rancher v1 API. Start reading at `resources/`."""

__version__ = "0.1.0.dev0"
