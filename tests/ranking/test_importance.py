from random import Random

from nas.ranking.importance import importances, is_logarithmic, places


def sampled(count=200):
    random = Random(0)
    return [
        {"rate": 10 ** random.uniform(-4, -1), "kind": random.choice("abc"), "width": random.randint(1, 64), "one": 1}
        for _ in range(count)
    ]


def test_the_choice_that_decides_comes_first():
    params = sampled()
    by_rate = importances(params, [abs(one["rate"] - 0.01) for one in params])
    assert by_rate[0].choice == "rate"
    assert by_rate[0].share > 0.5
    by_kind = importances(params, [0.0 if one["kind"] == "b" else 1.0 for one in params])
    assert by_kind[0].choice == "kind"
    assert sum(one.share for one in by_kind) == 1.0 or abs(sum(one.share for one in by_kind) - 1) < 1e-9


def test_what_never_varies_or_was_seldom_chosen_is_left_out():
    params = sampled()
    for one in params[:9]:
        one["rare"] = one["width"]
    named = {one.choice for one in importances(params, [one["rate"] for one in params])}
    assert named == {"rate", "kind", "width"}


def test_a_choice_of_one_family_is_compared_within_it():
    params = [{"depth": n % 10} if n % 2 else {} for n in range(100)]
    (depth,) = importances(params, [float(n % 10) for n in range(100)])
    assert (depth.choice, depth.trials) == ("depth", 50)


def test_pruned_trials_are_never_among_the_best():
    params = [{"x": n % 12} for n in range(120)]
    losses = [float("inf")] * 110 + [float(n) for n in range(10)]
    assert importances(params, losses)
    assert importances(params, [float("inf")] * 120) == ()
    assert importances(params[:5], losses[:5]) == ()


def test_wide_ranges_of_positive_numbers_are_logarithmic():
    assert is_logarithmic([0.001, 0.01, 0.1])
    assert not is_logarithmic([0, 0.01, 0.1])
    assert not is_logarithmic([1, 2, 3])
    assert places([0.001, 0.01, 0.1])[0].round(3).tolist() == [0.0, 0.5, 1.0]
    assert places(["b", "a"])[1] == 2
