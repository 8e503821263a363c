"""One self-contained page about a study. Never Keras; Altair only once a chart is drawn."""

from nas.report.data import ReportData

__all__ = ["ReportData"]
