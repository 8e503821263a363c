"""What do the words mean?"""

from __future__ import annotations

from nas.report.section import Section, View

TERMS = (
    ("architecture", "What was built, whatever choices led to it. Two that compute the same have one fingerprint."),
    ("duplicate", "A trial whose architecture and training were tried before: it costs nothing and is not counted."),
    ("estimate", "What many trainings of an architecture would average to, from fresh trainings with new seeds."),
    ("frontier", "The architectures that no other one beats in every objective."),
    ("knee", "Where the frontier bends most: beyond it, little is gained for much (Das 1999)."),
    ("Kendall’s τ", "How well two orders agree: 1 for the same, 0 for no relation, -1 for the reverse."),
    ("MACs", "Multiply-accumulates of one forward pass for one example."),
    ("PED-ANOVA", "How differently the best trials are distributed over a choice from all (Watanabe et al. 2023)."),
    ("pruned", "Stopped early, because others were better at the same epoch."),
    ("race", "After the search, the foremost trained anew with several seeds until it is clear who is best."),
    ("rung", "An epoch at which trials are compared and the weaker ones pruned."),
    ("tie", "Architectures that cannot be told from the best by what has been trained."),
    ("trial", "One candidate: its choices, its architecture, one training."),
    ("weights", "All numbers that a model holds, trained and untrained."),
    ("wrongly pruned", "Would have ended among the ten best. Estimated from a few that were let run on."),
)


def glossary(view: View) -> Section:
    """Explain the words of the page."""
    return Section(
        "glossary",
        "What do the words mean?",
        f"{len(TERMS)} words of this page, and how numbers are written.",
        {"terms": TERMS},
    )
