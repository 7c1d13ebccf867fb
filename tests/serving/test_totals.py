"""Sums over workers that come and go, checked by a parser that is not ours."""

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from voxrun.serving.totals import Totals, as_text


def says(calls: float, running: float, within: int) -> str:
    """What a worker says."""
    counter = CounterMetricFamily("calls", "Calls", labels=("dialect",))
    counter.add_metric(("twilio",), calls)
    buckets = [("0.5", within), ("+Inf", within + 1)]
    return as_text(
        [
            counter,
            GaugeMetricFamily("running", "Running", running),
            HistogramMetricFamily("latency", "Latency", buckets=buckets, sum_value=1.5),
        ]
    )


def values(text: str) -> dict[str, float]:
    """Samples by name and labels."""
    return {
        "".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_and_histograms_are_summed_and_gauges_told_apart() -> None:
    totals = Totals()
    totals.tell(1, says(3, 2, 10))
    totals.tell(2, says(4, 5, 20))
    assert values(totals.text([GaugeMetricFamily("workers", "Workers", 2)])) == {
        "workers": 2,
        "calls_totaltwilio": 7,
        "running1": 2,
        "running2": 5,
        "latency_bucket0.5": 30,
        "latency_bucket+Inf": 32,
        "latency_count": 32,
        "latency_sum": 3.0,
    }


def test_no_sum_ever_falls() -> None:
    totals = Totals()
    totals.tell(1, says(3, 2, 10))
    totals.tell(2, says(4, 5, 20))
    for _ in range(3):
        totals.forget(1)
        totals.tell(1, says(1, 1, 0))
    assert values(totals.text())["calls_totaltwilio"] == 3 + 1 + 1 + 1 + 4
    assert values(totals.text())["latency_bucket0.5"] == 30
    totals.forget(1)
    totals.forget(1)
    assert {name for name in values(totals.text()) if "running" in name} == {"running2"}
