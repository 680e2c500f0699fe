"""Stand-alone load balancers for tests: a config with a listener, on a host, with containers as targets.

Their proxies run from the image that the setting `lb.instance.image` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.acceptance.world import NAMED_PAGE, World, page
from tests.waiting import eventually

AGENT = "Lb Agent"


@dataclass(frozen=True)
class Balancer:
    """A load balancer and what it is made of. url: where the first listener answers on the first host."""

    config: Any
    listener: Any
    itself: Any
    port: int
    url: str

    def wait_until_open(self, it: World) -> None:
        """Wait until it answers."""
        eventually(lambda: page(self.url), what="the load balancer answers")
        assert it.settled(self.itself).state == "active"


def a_config(it: World, name: str, port: int, protocol: str = "http", **listener: Any) -> tuple[Any, Any]:
    """Make a config with one listener; return both. Inside of a proxy it listens on port 80."""
    config = it.create("loadBalancerConfig", name=name)
    made = it.create(
        "loadBalancerListener", name=name, sourcePort=port, privatePort=80, sourceProtocol=protocol, **listener
    )
    it.act(config, "addlistener", loadBalancerListenerId=made.id)
    return config, made


def a_balancer(
    it: World, name: str, targets: list[Any], protocol: str = "http", listener: Any = None, **fields: Any
) -> Balancer:
    """Make a load balancer on the first host. targets: containers, asked on port 80. fields: of the balancer."""
    port = it.port()
    config, made = a_config(it, name, port, protocol, **listener or {})
    itself = on_host(it, it.create("loadBalancer", name=name, loadBalancerConfigId=config.id, **fields), it.host)
    for target in targets:
        it.act(itself, "addtarget", loadBalancerTarget={"instanceId": target.id, "ports": ["80"]})
    return Balancer(config, made, itself, port, f"{protocol}://{it.lab.address}:{port}/")


def on_host(it: World, balancer: Any, host: Any) -> Any:
    """Put a load balancer on a host."""
    return it.act(balancer, "addhost", hostId=host.id)


def a_target(it: World, name: str) -> Any:
    """Return a container whose page is its name."""
    return it.container(name, hostname=name, command=NAMED_PAGE)


def pages(url: str, times: int, client: httpx2.Client | None = None) -> list[str | None]:
    """Return what so many requests are answered, None for each that fails. client: one that keeps cookies."""
    return [page(url, client) for _ in range(times)]
