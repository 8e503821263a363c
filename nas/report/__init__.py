"""Self-contained pages about studies. Never Keras; Altair only once a chart is drawn."""

from nas.report.data import ReportData, read
from nas.report.page import render
from nas.report.writing import write_comparison, write_index, write_report

__all__ = ["ReportData", "read", "render", "write_comparison", "write_index", "write_report"]
