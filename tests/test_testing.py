"""What `check_family` returns is a sentence in a notebook."""

from nas.architecture import Architecture, Cost, Node
from nas.testing import Members

NODE = Node("a", "Dense", "dense", (8,))


def test_members_and_each_of_them_are_told_in_a_line():
    small = Architecture("ab" * 32, (NODE,) * 200, Cost(weights=1234, macs=56))
    large = Architecture("cd" * 32, (NODE,) * 200, Cost(weights=5678))
    assert repr(small) == "<Architecture abababab: 200 layers, 1,234 weights, 56 MACs>"
    assert repr(large) == "<Architecture cdcdcdcd: 200 layers, 5,678 weights, MACs unknown>"
    members = Members((small, large, small))
    assert repr(members) == "<3 members, 2 different: 1,234 to 5,678 weights, 56 MACs>"
    assert repr(Members((small,))) == "<1 member: 1,234 weights, 56 MACs>"
    assert members == (small, large, small)
    assert repr(Members()) == "<0 members>"
