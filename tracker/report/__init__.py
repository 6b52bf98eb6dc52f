"""One page about one tracked sequence: who was there when, what they looked like, who could be mixed up."""

from tracker.report.sink import ReportSink

__all__ = ["ReportSink"]
