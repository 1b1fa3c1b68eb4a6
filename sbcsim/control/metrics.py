"""The simulator as Prometheus sees it: gauges and counters, made when somebody asks.

A series that counts goes back to 0 only where the box begins anew. Times are simulated ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from .simulated import Simulated

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text format of Prometheus."""

Family = GaugeMetricFamily | CounterMetricFamily | InfoMetricFamily

_PORT = ("addressContext", "zone", "sipSigPort", "counter")
_STANDING = frozenset({"tcpConnection", "activeTlsTcpConnection", "callRate"})


class Metrics(Collector):
    """Collects every metric of one simulator."""

    def __init__(self, box: Simulated) -> None:
        self._box = box

    def collect(self) -> Iterator[Family]:
        """Yield the metrics as they are now."""
        yield from self._node()
        yield from self._tables()
        yield from self._ports()

    def _node(self) -> Iterator[Family]:
        status = self._box.status()
        about = InfoMetricFamily("sbcsim", "The simulator")
        about.add_metric((), {"version": status.version, "seed": str(status.seed)})
        yield about
        yield GaugeMetricFamily("sbcsim_clock_seconds", "Calendar of the node", status.clock.now.timestamp())
        yield GaugeMetricFamily("sbcsim_uptime_seconds", "Uptime of the node", status.clock.uptime)
        yield GaugeMetricFamily("sbcsim_revision", "Number of the last commit", status.counts.revision)
        events = CounterMetricFamily("sbcsim_events", "Everything that the journal was told", labels=["kind"])
        for kind, count in sorted(self._box.events.counts.items()):
            events.add_metric([kind], count)
        yield events

    def _tables(self) -> Iterator[Family]:
        labels = ["direction", "transport", "tlsProfile", "certificate", "serial"]
        connections = GaugeMetricFamily("sbcsim_connections", "Live connections by own certificate", labels=labels)
        alike = Counter(
            (
                *(each.direction, each.transport, each.tls_profile or ""),
                *((own.name, own.serial) if (own := each.local_certificate) else ("", "")),
            )
            for each in self._box.connections()
        )
        for key, count in sorted(alike.items()):
            connections.add_metric(key, count)
        yield connections
        labels = ["name", "type", "serial"]
        expiry = GaugeMetricFamily("sbcsim_certificate_not_after_seconds", "notAfter if enabled", labels=labels)
        for certificate in self._box.certificates():
            if certificate.state == "enabled" and certificate.not_after is not None:
                name = [certificate.name, certificate.type or "", certificate.serial or ""]
                expiry.add_metric(name, certificate.not_after.timestamp())
        yield expiry
        for plural, what, values in (
            ("peers", "state", Counter(each.path_state for each in self._box.peers())),
            ("alarms", "severity", Counter(each.severity for each in self._box.alarms().current)),
        ):
            family = GaugeMetricFamily(f"sbcsim_{plural}", f"{plural.capitalize()} by {what}", labels=[what])
            for value, count in sorted(values.items()):
                family.add_metric([value], count)
            yield family

    def _ports(self) -> Iterator[Family]:
        now = GaugeMetricFamily("sbcsim_sip_sig_port_now", "What stands on a sipSigPort", labels=_PORT)
        ever = CounterMetricFamily("sbcsim_sip_sig_port", "What a sipSigPort has counted", labels=_PORT)
        for port in self._box.port_counters():
            for leaf, value in port.counters.items():
                family = now if leaf.startswith("current") or leaf in _STANDING else ever
                family.add_metric([port.address_context, port.zone, str(port.sip_sig_port), leaf], value)
        yield now
        yield ever
