"""Names and what they stand for."""

import pytest

from nas import catalogue
from nas.errors import UnknownName
from nas.registry import Registry


def test_a_promise_is_kept_when_it_is_asked_for():
    registry = Registry[object]("thing")
    registry.promise("path", "pathlib:Path")
    registry.promise("later", "no_such_module:thing")
    assert "later" in registry  # nothing is imported to know a name
    assert list(registry) == ["later", "path"]
    assert registry["path"].__name__ == "Path"
    with pytest.raises(ModuleNotFoundError):
        registry["later"]


def test_an_unknown_name_names_the_nearest():
    registry = Registry[int]("pruner")
    registry.add("median", 1)
    with pytest.raises(
        UnknownName, match=r"No pruner is named 'medain'\. Did you mean 'median'\? Known: median\."
    ) as error:
        registry["medain"]
    assert (error.value.kind, error.value.name, error.value.known) == ("pruner", "medain", ("median",))


def test_a_name_is_given_once():
    registry = Registry[int]("pruner")
    registry.register("a")(1)
    with pytest.raises(ValueError, match="taken"):
        registry.add("a", 2)


@pytest.mark.parametrize(
    "registry", [catalogue.samplers, catalogue.pruners, catalogue.strategies, catalogue.tasks, catalogue.sources]
)
def test_everything_in_the_catalogue_is_there(registry):
    for name in registry:
        assert registry[name] is not None


def test_every_strategy_names_a_sampler_and_a_pruner():
    for name in catalogue.strategies:
        strategy = catalogue.strategies[name]
        assert strategy.sampler in catalogue.samplers
        assert strategy.pruner in catalogue.pruners
