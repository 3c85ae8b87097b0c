"""The record of a lab: what `status --json` prints and the other commands read."""

from __future__ import annotations

from lab import state
from lab.addressing import Addressing
from lab.state import LabError
from lab.topology import Host


def of(name: str, addressing: Addressing, seed: int | None, bare_vps: bool) -> dict:
    topology = addressing.topology
    routers = [_router(name, addressing, router) for router in topology.routers]
    vps = [_host(name, addressing, vp) for vp in topology.vps()]
    destinations = [_host(name, addressing, d) | {"special": d.special}
                    for d in topology.destinations()]
    folder = state.folder(name)
    return {
        "name": name,
        "seed": seed,
        "state": "starting",
        "bare_vps": bare_vps,
        "prefixes_file": str(folder / "pfx2as.txt"),
        "aliases_file": str(folder / "aliases.txt"),
        "ases": [{"asn": asn, "name": as_name, "prefix": str(addressing.blocks[asn])}
                 for asn, as_name in sorted(topology.as_names.items())],
        "vps": vps,
        "destinations": destinations,
        "routers": routers,
        "namespaces": [node["namespace"] for node in [*routers, *vps, *destinations]],
    }


def _router(lab: str, addressing: Addressing, router: str) -> dict:
    entry = addressing.topology.routers[router]
    return {
        "node": router,
        "namespace": state.namespace(lab, router),
        "asn": entry.asn,
        "address": addressing.loopbacks[router],
        "interfaces": {end.name: end.address for end in addressing.interfaces_of(router)},
        "special": entry.quirk,
    }


def _host(lab: str, addressing: Addressing, host: Host) -> dict:
    cable = next(c for c in addressing.cables if c.b.node == host.name)
    return {
        "node": host.name,
        "namespace": state.namespace(lab, host.name),
        "asn": addressing.topology.routers[host.router].asn,
        "interface": cable.b.name,
        "address": cable.b.address,
        "prefix_length": cable.b.prefix_length,
        "gateway": cable.a.address,
        "router": host.router,
    }


def extra_files(record: dict) -> dict[str, str]:
    """CAIDA's prefix-to-AS form, and one line of addresses for each router."""
    prefixes = "".join("{}\t{}\n".format(entry["prefix"].replace("/", "\t"), entry["asn"])
                       for entry in record["ases"])
    aliases = "".join(" ".join([router["address"], *router["interfaces"].values()]) + "\n"
                      for router in record["routers"])
    return {"pfx2as.txt": prefixes, "aliases.txt": aliases}


def nodes(record: dict) -> dict[str, dict]:
    return {entry["node"]: entry
            for kind in ("vps", "destinations", "routers") for entry in record[kind]}


def node(record: dict, name: str) -> dict:
    try:
        return nodes(record)[name]
    except KeyError:
        raise LabError(f"no node {name} in lab {record['name']}; see: scripts/lab status --name "
                       f"{record['name']}", 2)


def table(record: dict) -> str:
    """For people."""
    drawn = "standard" if record["seed"] is None else f"drawn from seed {record['seed']}"
    lines = [f"lab {record['name']}, {drawn}, {len(record['ases'])} ASes", ""]
    lines += _rows([("VANTAGE POINT", "NAMESPACE", "INTERFACE", "ADDRESS", "GATEWAY", "ROUTER")] + [
        (vp["node"], vp["namespace"], vp["interface"], f"{vp['address']}/{vp['prefix_length']}",
         vp["gateway"], vp["router"]) for vp in record["vps"]])
    lines += _rows([("DESTINATION", "ADDRESS", "ROUTER", "SPECIAL")] + [
        (d["node"], d["address"], d["router"], d["special"]) for d in record["destinations"]])
    names = {entry["asn"]: entry["name"] for entry in record["ases"]}
    lines += _rows([("ROUTER", "AS", "NAME", "LOOPBACK", "SPECIAL")] + [
        (r["node"], str(r["asn"]), names[r["asn"]], r["address"],
         r["special"]) for r in record["routers"]])
    return "\n".join(lines[:-1])


def _rows(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns aligned, and an empty line after them."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths)).rstrip()
            for row in rows] + [""]
