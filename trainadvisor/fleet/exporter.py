"""A fleet for Prometheus: what the table holds, as metrics that an existing dashboard can draw."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.fleet.fleet_result import Fleet

# Runs that are told one by one: each is a series of its own in Prometheus.
MOST_RUNS = 500
# What the states are called beside those that the fleet has.
STATES = ("broken", "needs-attention", "unreadable", "cannot-tell", "healthy")


class Exporter:
    """Serves the last look at a fleet over HTTP."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        """Begin to serve; UsageError where the client is not installed or the port is taken."""
        try:
            import prometheus_client
            from prometheus_client.core import GaugeMetricFamily
        except ImportError as error:
            message = "--metrics-port: prometheus_client is not installed; pip install prometheus_client"
            raise UsageError(message) from error
        self._family: Any = GaugeMetricFamily
        self._fleet: Fleet | None = None
        self._looked = 0.0
        registry = prometheus_client.CollectorRegistry()
        registry.register(self)
        try:
            self._server, self._thread = prometheus_client.start_http_server(port, addr=host, registry=registry)
        except OSError as error:
            message = f"--metrics-port {port}: {host} does not let it be used ({error.strerror}); choose another"
            raise UsageError(message) from error
        self.port: int = self._server.server_port

    def take(self, fleet: Fleet) -> None:
        """Serve this look from now on."""
        self._fleet, self._looked = fleet, time.time()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)

    def collect(self) -> Iterator[Any]:
        """Yield the metrics, none before the first look."""
        if self._fleet is None:
            return
        yield from self._whole(self._fleet)
        yield from self._each(self._fleet)

    def _gauge(self, name: str, about: str, labels: tuple[str, ...] = ()) -> Any:
        return self._family(f"trainadvisor_{name}", about, labels=labels)

    def _whole(self, fleet: Fleet) -> Iterator[Any]:
        looked = self._gauge("last_look_timestamp_seconds", "When the fleet was looked at last.")
        looked.add_metric([], self._looked)
        states = self._gauge("runs", "Runs by state.", ("state",))
        for state in STATES:
            states.add_metric([state], fleet.states.get(state, 0))
        running = self._gauge("runs_running", "Runs whose log is still being written.")
        running.add_metric([], sum(entry.running for entry in fleet.runs))
        runs = self._gauge("cause_runs", "Runs by the first cause of what is wrong with them.", ("code",))
        hours = self._gauge("cause_device_hours", "Hours of all devices of these runs.", ("code",))
        for loss in fleet.losses:
            runs.add_metric([loss.code], loss.runs)
            hours.add_metric([loss.code], loss.hours)
        yield from (looked, states, running, runs, hours)

    def _each(self, fleet: Fleet) -> Iterator[Any]:
        labels = ("run", "script")
        state = self._gauge("run_state", "1 for the state of a run.", (*labels, "state", "cause"))
        steps = self._gauge("run_steps", "Steps of a run so far.", labels)
        hours = self._gauge("run_device_hours", "Hours of all devices of a run so far.", labels)
        metric = self._gauge("run_metric", "The metric by which a run is told.", (*labels, "metric"))
        for entry in fleet.runs[:MOST_RUNS]:
            named = [entry.address, entry.group or entry.script]
            state.add_metric([*named, entry.state, entry.cause or ""], 1)
            steps.add_metric(named, entry.steps)
            hours.add_metric(named, entry.hours)
            if entry.metric and entry.value is not None:
                metric.add_metric([*named, entry.metric], entry.value)
        yield from (state, steps, hours, metric)
