"""What do the words mean?"""

from __future__ import annotations

from nas.language import N_, _
from nas.report.section import Section, View

TERMS = (
    (
        N_("architecture"),
        N_("What was built, whatever choices led to it. Two that compute the same have one fingerprint."),
    ),
    (
        N_("duplicate"),
        N_("A trial whose architecture and training were tried before: it costs nothing and is not counted."),
    ),
    (
        N_("estimate"),
        N_("What many trainings of an architecture would average to, from fresh trainings with new seeds."),
    ),
    (N_("frontier"), N_("The architectures that no other one beats in every objective.")),
    (N_("knee"), N_("Where the frontier bends most: beyond it, little is gained for much (Das 1999).")),
    (N_("Kendall’s τ"), N_("How well two orders agree: 1 for the same, 0 for no relation, -1 for the reverse.")),
    (N_("MACs"), N_("Multiply-accumulates of one forward pass for one example.")),
    (
        N_("PED-ANOVA"),
        N_("How differently the best trials are distributed over a choice from all (Watanabe et al. 2023)."),
    ),
    (N_("pruned"), N_("Stopped early, because others were better at the same epoch.")),
    (N_("race"), N_("After the search, the foremost trained anew with several seeds until it is clear who is best.")),
    (N_("rung"), N_("An epoch at which trials are compared and the weaker ones pruned.")),
    (N_("tie"), N_("Architectures that cannot be told from the best by what has been trained.")),
    (N_("trial"), N_("One candidate: its choices, its architecture, one training.")),
    (N_("weights"), N_("All numbers that a model holds, trained and untrained.")),
    (N_("wrongly pruned"), N_("Would have ended among the ten best. Estimated from a few that were let run on.")),
)


def glossary(view: View) -> Section:
    """Explain the words of the page."""
    return Section(
        "glossary",
        _("What do the words mean?"),
        _("{count} words of this page, and how numbers are written.", count=len(TERMS)),
        {"terms": [(_(word), _(meaning)) for word, meaning in TERMS]},
    )
