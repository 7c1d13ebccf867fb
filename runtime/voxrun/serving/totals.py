"""`Totals`: the figures of several processes as one, in Prometheus's text format.

Counters and histograms are summed, those of processes that are gone included, as a sum that fell would look like a
restart; gauges are told one by one, with the worker's number.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

_Labels = tuple[tuple[str, str], ...]
_Values = dict[tuple[str, str, _Labels], float]
"""By the names of the family and the sample, and the sample's labels."""


@dataclass(slots=True)
class Totals:
    """`tell` it what each worker says, and `forget` one that is gone."""

    _latest: dict[int, str] = field(default_factory=dict)
    _departed: str = ""

    def tell(self, worker: int, text: str) -> None:
        """A worker's figures as they are now. When it doesn't answer, the last ones stay."""
        self._latest[worker] = text

    def forget(self, worker: int) -> None:
        """A worker is gone: what it counted stays counted."""
        last = self._latest.pop(worker, None)
        if last is not None:
            self._departed = as_text(_summed([(0, self._departed), (0, last)], gauges=False))

    def text(self, own: Iterable[Metric] = ()) -> str:
        """The sums, after those that are the caller's `own`."""
        everybody = [(0, self._departed), *sorted(self._latest.items())]
        return as_text([*own, *_summed(everybody, gauges=True)])


@dataclass(frozen=True, slots=True)
class _Families(Collector):
    families: Iterable[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families


def as_text(families: Iterable[Metric]) -> str:
    """In Prometheus's text format."""
    return generate_latest(_Families(families)).decode()


def _summed(texts: list[tuple[int, str]], *, gauges: bool) -> list[Metric]:
    families: dict[str, Metric] = {}
    values: _Values = {}
    for worker, text in texts:
        for family in text_string_to_metric_families(text):
            if family.type == "gauge" and not gauges:
                continue
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for key, value in _samples(family, worker):
                values[key] = values.get(key, 0.0) + value
    for (name, sample, labels), value in values.items():
        families[name].samples.append(Sample(sample, dict(labels), value))
    return list(families.values())


def _samples(family: Metric, worker: int) -> Iterator[tuple[tuple[str, str, _Labels], float]]:
    for sample in family.samples:
        labels = {**sample.labels, "worker": str(worker)} if family.type == "gauge" else sample.labels
        yield (family.name, sample.name, tuple(labels.items())), sample.value
