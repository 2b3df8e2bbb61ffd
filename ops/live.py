"""`python -m ops.live STACK`: each model's queue, replicas, tokens a second and KV cache as they are now.

Reads the recorded series (substrate.manifests.observability) from the Prometheus that the stack names; where that is a
Service of the cluster, through a port that kubectl forwards. Imports the standard library, the catalogue, the plan and
its queries.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from ops.console import Failure, fail, say, step
from substrate import queries as promql
from substrate.catalog import CatalogError, load
from substrate.plan import ServerPlan, StackPlan, plan_stack

EVERY_SECONDS = 2.0
_ANSWER_SECONDS = 10
# A stack's first series come once Prometheus has read its rules, its pods twice, and reckoned: half a minute to one.
_FIRST_SECONDS = 90.0
_FORWARDS = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
# What a Service's name in a URL looks like, whole or short: `prometheus.monitoring`, and the same with `.svc` behind.
_SERVICE = re.compile(r"(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)(?:\.svc(?:\.[a-z0-9.-]+)?)?")
_KEY = "namespace, server"
COLUMNS: Mapping[str, str] = {
    "ready": "max by ({key}) (substrate:replicas:ready{{{of}}})",
    "desired": "max by ({key}) (substrate:replicas:desired{{{of}}})",
    "least": "max by ({key}) (substrate:replicas:min{{{of}}})",
    "most": "max by ({key}) (substrate:replicas:max{{{of}}})",
    "in_flight": "sum by ({key}) (substrate:in_flight{{{of}}})",
    "waiting": "sum by ({key}) (substrate:waiting{{{of}}})",
    "tokens": "sum by ({key}) (substrate:generated_tokens:rate1m{{{of}}})",
    "kv_cache": "max by ({key}) (substrate:kv_cache_usage{{{of}}})",
    "first_token": "max by ({key}) (substrate:time_to_first_token_seconds:p95{{{of}}})",
}
_FIRING = 'ALERTS{{alertstate="firing",{of}}}'
# Clear to the end of a line, to the end of the screen; another screen, and back; the cursor gone, and there again.
_LINE, _REST, _HOME = "\x1b[K", "\x1b[J", "\x1b[H"
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"

Key = tuple[str, str]
Ask = Callable[[str], list[tuple[Mapping[str, str], float]]]


@dataclass
class Seen:
    """One model now; what its engine does not tell is not there."""

    namespace: str
    server: str
    values: dict[str, float] = field(default_factory=dict)


def queries(stack: str) -> dict[str, str]:
    """By column."""
    return {column: text.format(key=_KEY, of=f'stack="{stack}"') for column, text in COLUMNS.items()}


def firing(stack: str) -> str:
    return _FIRING.format(of=f'stack="{stack}"')


def prometheus_of(plan: StackPlan) -> str:
    """Raises Failure where the stack names none."""
    if plan.monitoring is None:
        raise Failure(
            f"stack {plan.name} has no Prometheus: substrate:monitoring is not in Pulumi.{plan.name}.yaml\n"
            "  what to do: add `substrate:monitoring: {prometheus: http://prometheus.monitoring:9090}`, make up"
        )
    return plan.monitoring.prometheus


@contextmanager
def reached(url: str, context: str) -> Iterator[str]:
    """The URL by which this machine reaches it: a Service of the cluster by a port that is forwarded meanwhile."""
    there = urlsplit(url)
    service = _SERVICE.fullmatch(there.hostname or "")
    if service is None:
        yield url.rstrip("/")
        return
    command = ["kubectl", "--context", context, "--namespace", service["namespace"]]
    command += ["port-forward", f"service/{service['service']}", f":{there.port or 80}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield f"http://127.0.0.1:{_port(process, url)}{there.path.rstrip('/')}"
        finally:
            process.terminate()


def _port(process: subprocess.Popen[str], url: str) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    if found := _FORWARDS.search(said):
        return found[1]
    raise Failure(
        f"there is no Prometheus at {url}: {(said + process.stdout.read()).strip()}\n"
        "  what to do: see that its pod runs (kubectl get pods -A | grep prometheus), or correct substrate:monitoring"
    )


def asking(base: str) -> Ask:
    """Queries of a Prometheus; Failure where it does not answer."""

    def ask(query: str) -> list[tuple[Mapping[str, str], float]]:
        url = f"{base}/api/v1/query?{urlencode({'query': query})}"
        try:
            with urlopen(url, timeout=_ANSWER_SECONDS) as response:
                found = json.load(response)["data"]["result"]
        except HTTPError as error:
            raise Failure(f"Prometheus refuses {query!r}: {error.read().decode(errors='replace')[:300]}") from None
        except (URLError, OSError, ValueError, KeyError) as error:
            raise Failure(f"no Prometheus answers at {base}: {error}") from None
        return [(one["metric"], float(one["value"][1])) for one in found]

    return ask


def look(ask: Ask, stack: str) -> list[Seen]:
    """All models of the stack, by team and name."""
    found: dict[Key, Seen] = {}
    for column, query in queries(stack).items():
        for labels, value in ask(query):
            key = labels["namespace"], labels["server"]
            found.setdefault(key, Seen(*key)).values[column] = value
    return [found[key] for key in sorted(found)]


def alerts(ask: Ask, stack: str) -> list[str]:
    """What fires, the gravest first: `critical` comes before `warning` in the alphabet too."""
    found = {(labels["severity"], labels["alertname"], _where(labels)) for labels, _ in ask(firing(stack))}
    return [f"{severity:<8}  {name}  {where}" for severity, name, where in sorted(found)]


def _where(labels: Mapping[str, str]) -> str:
    named = (labels.get(name) for name in ("namespace", "server", "model", "pod", "Hostname"))
    return "/".join(dict.fromkeys(name for name in named if name))


HEADINGS = ("MODEL", "READY", "BOUNDS", "IN FLIGHT", "WAITING", "TOKENS/S", "KV CACHE", "FIRST TOKEN")


def table(seen: list[Seen]) -> list[str]:
    """Names to the left, numbers to the right; `-` where an engine tells nothing."""
    rows = [HEADINGS, *(_row(one) for one in seen)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    return ["  ".join(_cell(text, place, widths) for place, text in enumerate(row)).rstrip() for row in rows]


def _cell(text: str, place: int, widths: list[int]) -> str:
    return text.ljust(widths[place]) if place == 0 else text.rjust(widths[place])


def _row(one: Seen) -> tuple[str, ...]:
    values = one.values

    def number(column: str, form: str = "{:.0f}") -> str:
        value = values.get(column)
        return "-" if value is None or value != value else form.format(value)

    ready, desired = number("ready"), number("desired")
    return (
        f"{one.namespace}/{one.server}",
        ready if desired in (ready, "-") else f"{ready} of {desired}",
        f"{number('least')}..{number('most')}",
        number("in_flight"),
        number("waiting"),
        number("tokens", "{:.1f}"),
        number("kv_cache", "{:.0%}"),
        number("first_token", "{:.2f} s"),
    )


def page(ask: Ask, stack: str) -> list[str]:
    """All that is shown."""
    seen = look(ask, stack)
    if not seen:
        return [
            f"Prometheus answers, and has no recorded series of stack {stack}.",
            "Does it select the PrometheusRules (substrate:monitoring.labels)? The first come within a minute or so.",
        ]
    fires = alerts(ask, stack)
    return [*table(seen), "", *(["Firing:", *fires] if fires else ["No alert fires."])]


def watch(ask: Ask, stack: str) -> None:
    """One screen, drawn again and again until Ctrl-C. A Prometheus that goes away is said, and waited for."""
    sys.stdout.write(_ENTER)
    try:
        while True:
            try:
                lines = page(ask, stack)
            except Failure as failure:
                lines = str(failure).splitlines()
            head = f"{stack}  {time.strftime('%H:%M:%S')}  every {EVERY_SECONDS:.0f} s, Ctrl-C ends"
            shown = fitting([head, "", *lines], *shutil.get_terminal_size())
            sys.stdout.write(_HOME + "".join(f"{line}{_LINE}\n" for line in shown) + _REST)
            sys.stdout.flush()
            time.sleep(EVERY_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def fitting(lines: list[str], columns: int, rows: int) -> list[str]:
    """What fits on the screen: a line too many would scroll it, and a line too long take two."""
    room = max(1, rows - 1)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"... {len(lines) - room + 1} lines more than fit: make the terminal higher"]
    return [line[:columns] for line in lines]


def glance(stack: str) -> None:
    """Print all of it once, where the stack is observed; a Prometheus that does not answer fails nothing."""
    plan = _plan(stack)
    if plan.monitoring is None:
        return
    try:
        with reached(prometheus_of(plan), plan.context) as base:
            ask = asking(base)
            settle(ask, plan)
            lines = page(ask, stack)
    except Failure as failure:
        lines = [f"warning: {failure}"]
    say("\n".join(["", *lines, "", f"live: make watch STACK={stack}"]))


def settle(ask: Ask, plan: StackPlan, patience: float = _FIRST_SECONDS) -> None:
    """Wait for the first series of models that are new to Prometheus; not for ever, since a view of some is one too."""
    missing = unseen(plan, look(ask, plan.name))
    if not missing:
        return
    with step("Waiting for the models' first metrics", "half a minute, of models that are new"):
        deadline = time.monotonic() + patience
        while missing and time.monotonic() < deadline:
            time.sleep(EVERY_SECONDS)
            missing = unseen(plan, look(ask, plan.name))
        if missing:
            say(f"    not all there after {patience:.0f} s: {', '.join(missing)}")


def unseen(plan: StackPlan, seen: list[Seen]) -> list[str]:
    """The models that should run and of which something is not known yet that will be."""
    known = {(one.namespace, one.server): one.values for one in seen}
    servers = [server for server in plan.servers if server.engine.metrics_path and not server.asleep]
    return [server.name for server in servers if not _is_known(server, known.get((server.namespace, server.name), {}))]


def _is_known(server: ServerPlan, values: Mapping[str, float]) -> bool:
    """Of an engine that counts tokens these too; others export a number of requests only after the first."""
    counts = promql.metrics_of(server.engine.name).generated is not None
    return values.get("ready", 0) > 0 and (not counts or {"in_flight", "tokens"} <= values.keys())


def _plan(stack: str) -> StackPlan:
    return plan_stack(load(Path(f"Pulumi.{stack}.yaml")), stack)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.live", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--once", action="store_true", help="print the table once and end")
    options = parser.parse_args()
    try:
        plan = _plan(options.stack)
        with reached(prometheus_of(plan), plan.context) as base:
            ask = asking(base)
            if options.once or not sys.stdout.isatty():
                print("\n".join(page(ask, options.stack)))
            else:
                watch(ask, options.stack)
    except FileNotFoundError as error:
        return fail(f"{error.filename} is not there")
    except (Failure, CatalogError) as error:
        return fail(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
