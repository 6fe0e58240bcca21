"""What an endpoint and a service were in each second, in three versions (S5, S8, S14, S16 to S19, S27)."""

from __future__ import annotations

from differential.words import (
    DEGRADED,
    DOWN,
    HIGH,
    LOW,
    NAMES,
    POINT,
    UNKNOWN,
    UP,
    Row,
    Three,
    Tree,
    World,
    instant,
    seconds_of,
)


def endpoint(rows: list[Row], name: str, until: int, world: World) -> Three:
    """S5, S8, S12, S17, S27: states with their edges, then blips, then corrections."""
    found = world.all(UNKNOWN)
    mine = [row for row in rows if row.get("endpoint") == name]
    segments = states_in_order([row for row in mine if row.get("type", "state") == "state"], until)
    for index, segment in enumerate(segments):
        end = segments[index + 1]["at"] if index + 1 < len(segments) else until
        places = world.inside(segment["at"], end)
        for version in (LOW, POINT, HIGH):
            found[version][places.start : places.stop] = bytes([segment["state"]]) * len(places)
    for index, segment in enumerate(segments):
        if segment["state"] == UNKNOWN:
            continue
        end = segments[index + 1]["at"] if index + 1 < len(segments) else until
        before = segments[index - 1]["state"] if index else UNKNOWN
        widen(found, world.inside(segment["at"], min(segment["latest"], end)), before)
        if index + 1 < len(segments):
            after = segments[index + 1]
            widen(found, world.inside(max(after["earliest"], segment["at"]), end), after["neighbour"])
    blips(found, [row for row in mine if row.get("type") == "blip"], world)
    corrections(found, [row for row in mine if row.get("type") == "correction"], world)
    return found


def blips(found: Three, rows: list[Row], world: World) -> None:
    """S8, S12: an unconfirmed failure touches low, a success inside an outage touches high."""
    for row in rows:
        for place in world.inside(instant(row["edges"]["low"]), instant(row["edges"]["high"])):
            if row["state"] == "down" and found[LOW][place] != UNKNOWN:
                found[LOW][place] = DOWN
            if row["state"] != "down" and found[HIGH][place] == DOWN:
                found[HIGH][place] = UP


def corrections(found: Three, rows: list[Row], world: World) -> None:
    """S27: in the order of their entry, with a reason and an approver."""
    for row in rows:
        if row["reason"] and row["approved_by"]:
            for place in world.inside(instant(row["start"]), instant(row["end"])):
                for version in (LOW, POINT, HIGH):
                    found[version][place] = NAMES.index(row["state"])


def states_in_order(rows: list[Row], until: int) -> list[dict[str, int]]:
    """Each change once: of two at one instant the later row holds. The end of the history is a change to unknown; it
    leaves the state that was seen at its instant as the neighbour of the time before."""
    by_instant: dict[int, dict[str, int]] = {}
    late: list[dict[str, int]] = []
    for row in sorted(rows, key=lambda row: instant(row["at"])):
        at, state = instant(row["at"]), NAMES.index(row["state"])
        edges = row.get("edges", {"low": row["at"], "high": row["at"]})
        earliest, latest = instant(edges["low"]), instant(edges["high"])
        segment = {"at": at, "state": state, "neighbour": state, "earliest": earliest, "latest": latest}
        if at > until:
            late.append(segment)
            continue
        earlier = by_instant.get(at)
        if state == UNKNOWN and earlier is not None and earlier["neighbour"] != UNKNOWN:
            segment |= {"neighbour": earlier["neighbour"], "earliest": earlier["earliest"]}
        by_instant[at] = segment
    found = [by_instant[at] for at in sorted(by_instant)]
    if found and found[-1]["state"] != UNKNOWN:
        end = {"at": until, "state": UNKNOWN, "neighbour": UNKNOWN, "earliest": until, "latest": until}
        if late:
            end["earliest"] = min(late[0]["earliest"], until)
        if found[-1]["at"] == until:
            end |= {"neighbour": found[-1]["state"], "earliest": found[-1]["earliest"]}
            found.pop()
        found.append(end)
    return found


def widen(found: Three, places: range, neighbour: int) -> None:
    """S8: low takes the worse, high the better of two neighbours; a missing neighbour may have been anything."""
    for place in places:
        found[LOW][place] = min(found[LOW][place], DOWN if neighbour == UNKNOWN else neighbour)
        found[HIGH][place] = max(found[HIGH][place], UP if neighbour == UNKNOWN else neighbour)


def without_unreachable(endpoints: dict[str, Three], parents: dict[str, str], world: World) -> dict[str, Three]:
    """S14: child and parent both down is unknown; low grants that where the parent certainly was, high where it may
    have been."""
    found = {name: [bytearray(states) for states in three] for name, three in endpoints.items()}
    for child, parent in parents.items():
        if child in endpoints and parent in endpoints:
            for version, other in ((LOW, HIGH), (POINT, POINT), (HIGH, LOW)):
                mine, theirs = endpoints[child][version], endpoints[parent][other]
                for place in range(world.end - world.start):
                    if mine[place] == DOWN and theirs[place] == DOWN:
                        found[child][version][place] = UNKNOWN
    return found


def reaches(tree: Tree, states: dict[str, int], services: dict[str, Tree], level: int) -> str:
    """S16: whether a service is certainly at a level or better: yes, no or maybe."""
    if isinstance(tree, str):
        if tree in services:
            return reaches(services[tree], states, services, level)
        state = states[tree]
        return "maybe" if state == UNKNOWN else "yes" if state >= level else "no"
    if tree[0] == "weighted":
        parts = [(reaches(part, states, services, level), weight) for part, weight in tree[2:]]
        needed = tree[1] * sum(weight for _, weight in parts)
    else:
        members = tree[2:] if tree[0] == "of" else tree[1:]
        parts = [(reaches(part, states, services, level), 1) for part in members]
        needed = {"and": len(parts), "or": 1}.get(tree[0]) or tree[1]
    if sum(weight for answer, weight in parts if answer == "yes") >= needed:
        return "yes"
    return "maybe" if sum(weight for answer, weight in parts if answer != "no") >= needed else "no"


def service(tree: Tree, services: dict[str, Tree], endpoints: dict[str, Three], world: World) -> Three:
    """S16: the expression on the states of each second, in each version by itself."""
    names = sorted(endpoints)
    known: dict[tuple[int, ...], int] = {}
    found = world.all(UNKNOWN)
    for version in (LOW, POINT, HIGH):
        columns = [endpoints[name][version] for name in names]
        for place, together in enumerate(zip(*columns, strict=True)):
            if together not in known:
                states = dict(zip(names, together, strict=True))
                good = reaches(tree, states, services, DEGRADED)
                best = reaches(tree, states, services, UP)
                level = UP if best == "yes" else DEGRADED
                known[together] = {"no": DOWN, "maybe": UNKNOWN, "yes": level}[good]
            found[version][place] = known[together]
    return found


def leaves(tree: Tree, services: dict[str, Tree]) -> list[str]:
    if isinstance(tree, str):
        return leaves(services[tree], services) if tree in services else [tree]
    parts = [part for part, _ in tree[2:]] if tree[0] == "weighted" else tree[2:] if tree[0] == "of" else tree[1:]
    return [name for part in parts for name in leaves(part, services)]


def counted(states: bytearray, options: dict[str, str], world: World) -> bytearray:
    """S18, S19: merge, then ignore, then round; unknown stays unknown."""
    runs = runs_of_down(states)
    limit = seconds_of(options["merge_gaps_shorter_than"])
    merged: list[list[int]] = []
    for run in runs:
        if merged and run[0] - merged[-1][1] < limit and UNKNOWN not in states[merged[-1][1] : run[0]]:
            merged[-1][1] = run[1]
        else:
            merged.append(run)
    least = seconds_of(options["ignore_outages_shorter_than"])
    kept = [run for run in merged if run[1] - run[0] >= least]
    down = [False] * len(states)
    for first, after in kept:
        for place in range(first, after):
            down[place] = True
    down = rounded(down, kept, states, options["granularity"], world)
    result = bytearray(states)
    for place, state in enumerate(states):
        if state != UNKNOWN:
            result[place] = DOWN if down[place] else UP if state == DOWN else state
    return result


def runs_of_down(states: bytearray) -> list[list[int]]:
    """Outages as [first place, place after the last]."""
    runs: list[list[int]] = []
    for place, state in enumerate(states):
        if state == DOWN:
            if runs and runs[-1][1] == place:
                runs[-1][1] = place + 1
            else:
                runs.append([place, place + 1])
    return runs


def rounded(down: list[bool], kept: list[list[int]], states: bytearray, rule: str, world: World) -> list[bool]:
    if rule == "exact":
        return down
    result = [False] * len(down)
    if rule.startswith("per started block of "):
        block = seconds_of(rule.removeprefix("per started block of "))
        for first, after in kept:
            blocks = -(-(after - first) // block)
            for place in range(first, min(first + blocks * block, len(down))):
                result[place] = True
        return result
    minutes: dict[int, list[int]] = {}
    for place in range(len(down)):
        minutes.setdefault((world.start + place) // 60, []).append(place)
    for places in minutes.values():
        if rule == "per minute, any":
            hit = any(down[place] for place in places)
        else:
            # Seconds outside the world are unknown, and unknown ones do not speak against the minute.
            hit = all(down[place] or states[place] == UNKNOWN for place in places)
        for place in places:
            result[place] = hit
    return result
