"""`trailboss simulate hosts | list | pause | resume | remove`: hosts without Docker, for tests, load and trials.

They register the ordinary way, with an address that only the operator may give (`sim://`): the keys are the
superadmin's, and what is meant is the whole installation, whatever environment the URL names.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trailboss.cli.options import Json, Timeout, connect
from trailboss.errors import Permanent

if TYPE_CHECKING:
    from trailboss.client import Client
    from trailboss.client.types import Agent, Host

app = typer.Typer(no_args_is_help=True, help="Hosts without Docker, run by the server; needs the superadmin's keys.")

JOIN_S = 60.0
ADDRESS = "sim://"
PAUSED = "simulator.paused"
Named = Annotated[str, typer.Argument(metavar="HOST", help="Id or name of a simulated host.")]


@app.command()
def hosts(
    context: typer.Context,
    project: Annotated[str, typer.Option("--project", metavar="ENVIRONMENT", help="Id or name of the environment.")],
    count: Annotated[int, typer.Option("--count", min=1, metavar="NUMBER", help="How many.")] = 1,
    latency: Annotated[
        int | None, typer.Option("--latency", min=0, metavar="MS", help="How long each answer takes.")
    ] = None,
    jitter: Annotated[
        int | None, typer.Option("--jitter", min=0, metavar="MS", help="Up to how much longer, at random.")
    ] = None,
    name_prefix: Annotated[
        str, typer.Option("--name-prefix", metavar="TEXT", help="What names begin with; a number follows.")
    ] = "",
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A label of each; may be repeated.")
    ] = None,
    cpus: Annotated[int | None, typer.Option("--cpus", min=1, metavar="NUMBER", help="Processors they show.")] = None,
    memory: Annotated[int | None, typer.Option("--memory", min=1, metavar="MIB", help="Memory they show.")] = None,
    timeout: Timeout = JOIN_S,
) -> None:
    """Make simulated hosts in an environment, wait until they are active, and print their ids."""
    from trailboss.cli.waiting import Silent, wait
    from trailboss.client.types import Register

    data = {
        "simulator.namePrefix": name_prefix,
        "simulator.labels": _labels(label or []),
        "simulator.latencyMillis": latency,
        "simulator.jitterMillis": jitter,
        "simulator.cpus": cpus,
        "simulator.memoryMib": memory,
    }
    given = {
        "accountId": "",
        "agentUriFormat": f"{ADDRESS}%s",
        "data": {name: value for name, value in data.items() if value not in (None, "", {})},
    }
    with _operator(context) as client:
        given["accountId"] = _environment(client, project)
        registers = client.collection("register", Register)
        uris = {f"{ADDRESS}{registers.create({**given, 'key': secrets.token_hex(32)}).uuid}" for _ in range(count)}
        made = wait(lambda: _hosts_of(client, uris), lambda found: _are_active(found, count), Silent(), timeout)
    for host in made:
        print(host.id)


def _labels(pairs: list[str]) -> dict[str, str]:
    """Read labels. Ends the command for one without `=`."""
    for pair in pairs:
        if not pair.partition("=")[0] or "=" not in pair:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--label")
    return dict(pair.split("=", 1) for pair in pairs)


def _environment(client: Client, text: str) -> str:
    """Return the id of an environment. Raises Permanent if there is none like it, or several."""
    found = [a for a in client.accounts.each(kind="project", removed_null=True) if text in (a.id, a.name)]
    if len(found) != 1:
        raise Permanent(f"{len(found) or 'no'} environments are called {text!r}; name one by its id")
    return found[0].id


def _hosts_of(client: Client, uris: set[str]) -> list[Host]:
    agents = {agent.id for agent in client.agents.each(uri_prefix=ADDRESS) if agent.uri in uris}
    return [host for host in _simulated(client) if host.agent_id in agents]


def _are_active(found: list[Host], count: int) -> str | None:
    from trailboss.cli.host import state_of

    active = sum(state_of(host) == "active" for host in found)
    return None if active == count else f"{active} of {count} hosts are active; is `--simulator` on?"


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the simulated hosts of all environments."""
    from trailboss.cli.tables import a_table, add_row, print_table

    with _operator(context) as client:
        agents = {agent.id: agent for agent in client.agents.each(uri_prefix=ADDRESS)}
        rows = [_row(host, agents.get(host.agent_id or "")) for host in _simulated(client)]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = a_table("ID", "NAME", "STATE", "ENVIRONMENT", "PAUSED")
    for row in rows:
        add_row(table, row["id"], row["name"], row["state"], row["environment"], "yes" if row["paused"] else "")
    print_table(table)


def _row(host: Host, agent: Agent | None) -> dict[str, Any]:
    from trailboss.cli.host import name_of, state_of

    return {
        "id": host.id,
        "name": name_of(host),
        "state": state_of(host),
        "environment": host.account_id,
        "paused": bool(((agent and agent.data) or {}).get(PAUSED)),
    }


@app.command()
def pause(context: typer.Context, host: Named) -> None:
    """Let a host fall silent, as a machine that hangs."""
    _set_paused(context, host, True)


@app.command()
def resume(context: typer.Context, host: Named) -> None:
    """Let a host that is paused answer again."""
    _set_paused(context, host, False)


def _set_paused(context: typer.Context, name: str, is_paused: bool) -> None:
    with _operator(context) as client:
        agent = client.agents.get(_host(client, name).agent_id or "")
        client.update(agent, data={**(agent.data or {}), PAUSED: is_paused})


@app.command()
def remove(context: typer.Context, host: Named) -> None:
    """Remove a host; its containers go as with any host."""
    with _operator(context) as client:
        found = _host(client, host)
        if "deactivate" in found.actions:
            client.act(found, "deactivate")
            found = client.wait(found)
        client.wait(client.delete(found))


def _operator(context: typer.Context) -> Client:
    """Return a client of the whole installation. Raises Permanent if the keys are not the superadmin's: with others, a
    host that is no simulated one would be waited for."""
    client = connect(context, enter=False)
    client.session.base = client.base.partition("/projects/")[0]
    schema = client.session.ask("GET", client.session.url_of("schemas/register")).document
    if "agentUriFormat" not in schema["resourceFields"]:
        client.close()
        raise Permanent("simulated hosts are the superadmin's: use its keys (TRAILBOSS_SUPERADMIN_KEY of the server)")
    return client


def _simulated(client: Client) -> list[Host]:
    return client.hosts.list(kind="sim", removed_null=True)


def _host(client: Client, text: str) -> Host:
    """Return a simulated host by its id or name. Raises Permanent if there is none like it, or several."""
    found = [host for host in _simulated(client) if text in (host.id, host.name)]
    if len(found) != 1:
        raise Permanent(f"{len(found) or 'no'} simulated hosts are called {text!r}; `trailboss simulate list` has them")
    return found[0]
