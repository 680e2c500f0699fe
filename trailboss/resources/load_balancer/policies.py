"""What a load balancer's configuration consists of: cookies that keep a client at one target, and health checks."""

from __future__ import annotations

from trailboss.declare import MEMBERS, READ, Resource, flag, number, text

PART = READ | dict.fromkeys(MEMBERS, "cru")
"""Embedded in what members may change, hence changed with it."""


class LoadBalancerAppCookieStickinessPolicy(Resource):
    """A client stays at one target by a cookie that the application sets. timeout in ms."""

    type = "loadBalancerAppCookieStickinessPolicy"
    plural = "loadBalancerAppCookieStickinessPolicys"
    roles = PART
    listable = False

    cookie = text(create=True, update=True, required=True, nullable=False)
    max_length = number(create=True, update=True, required=True)
    mode = text(create=True, update=True, nullable=False, options=("path_parameters", "query_string"))
    name = text(create=True, update=True, nullable=False)
    prefix = flag(create=True, update=True)
    request_learn = flag(create=True, update=True)
    timeout = number(create=True, update=True, required=True)


class LoadBalancerCookieStickinessPolicy(Resource):
    """A client stays at one target by a cookie that the load balancer sets."""

    type = "loadBalancerCookieStickinessPolicy"
    plural = "loadBalancerCookieStickinessPolicys"
    roles = PART
    listable = False

    cookie = text(create=True, update=True, nullable=False)
    domain = text(create=True, update=True, nullable=False)
    indirect = flag(create=True, update=True)
    mode = text(create=True, update=True, nullable=False, options=("rewrite", "insert", "prefix"))
    name = text(create=True, update=True, nullable=False)
    nocache = flag(create=True, update=True)
    postonly = flag(create=True, update=True)


class LoadBalancerHealthCheck(Resource):
    """How a load balancer asks its targets whether they are well. Intervals in ms."""

    type = "loadBalancerHealthCheck"
    roles = PART
    listable = False

    healthy_threshold = number(create=True, update=True)
    interval = number(create=True, update=True)
    name = text(create=True, update=True, nullable=False)
    port = number(create=True, update=True)
    request_line = text(create=True, update=True, nullable=False)
    response_timeout = number(create=True, update=True)
    unhealthy_threshold = number(create=True, update=True)
