"""The sections of a page, one question a file, in the order of the page."""

from nas.report.sections.architectures import architectures
from nas.report.sections.choices import choices
from nas.report.sections.curves import curves
from nas.report.sections.failures import failures
from nas.report.sections.glossary import glossary
from nas.report.sections.health import health
from nas.report.sections.progress import progression
from nas.report.sections.ranking import ranking
from nas.report.sections.reproduce import reproduce
from nas.report.sections.tradeoffs import tradeoffs
from nas.report.sections.trust import trust
from nas.report.sections.verdict import verdict

SECTIONS = (
    verdict, health, ranking, tradeoffs, progression, choices, architectures, curves, trust, failures, reproduce,
    glossary,
)  # fmt: skip
