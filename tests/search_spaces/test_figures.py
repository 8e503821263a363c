"""What the docstring of a family says that its default member costs is what it costs."""

import importlib
import re

import pytest

from nas import catalogue
from nas.search.fit import EXAMPLES, fit_of, modality

pytestmark = pytest.mark.tf

SAID = re.compile(r"by default ([\d.,]*\d)( thousand| million)? weights.*? ([\d.,]*\d)( thousand| million)? MACs")
SCALE = {None: 1, " thousand": 10**3, " million": 10**6}
FAMILIES = [
    name for name in catalogue.families if (fit := fit_of(name)) and not fit.named and modality(name) != "several"
]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_default_member_costs_what_is_said(name):
    from nas.testing import check_family

    module = importlib.import_module(catalogue.families.target(name).partition(":")[0])
    weights, thousands, macs, more = SAID.search(" ".join(module.__doc__.split())).groups()
    form = fit_of(name).gives[0]
    (architecture,) = check_family(catalogue.families[name], EXAMPLES[modality(name)], features=form, members=1)
    assert rounded(architecture.cost.weights, weights, thousands) == number(weights)
    assert rounded(architecture.cost.macs, macs, more) == number(macs)


def number(said):
    return float(said.replace(",", ""))


def rounded(cost, said, unit):
    """Return `cost` in the unit and to the decimals that it is said in."""
    return round(cost / SCALE[unit], len(said.partition(".")[2]))
