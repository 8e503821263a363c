"""What is tried next: a new trial from the sampler, or an interrupted one; and the answers to what it asks."""

from __future__ import annotations

from zlib import crc32

import optuna

from nas import catalogue
from nas.conversation import Ask, Distribution, Scalar, Start
from nas.search.budget import Budget
from nas.search.samplers import random
from nas.search.suggest import suggest
from nas.search.trial import LiveTrial
from nas.store.ledger import Ledger
from nas.study_file import Study


class Proposals:
    """Asks Optuna on behalf of the families.

    A sampler is made anew for every trial and for every choice asked of it alone, seeded by study, trial and choice.
    Several trials are asked in turns, and an interrupted one is asked only what is missing: were there one stream of
    random numbers, what a trial gets would depend on the others' timing.
    """

    def __init__(self, study: Study, ledger: Ledger, budget: Budget, start: Start | None = None) -> None:
        self._families = study.space.families
        self._seed = study.search.seed
        self._ledger, self._budget, self._start = ledger, budget, start
        self._make_sampler = catalogue.samplers[catalogue.strategies[study.search.strategy].sampler]

    def new(self) -> LiveTrial:
        """Return a new trial; creating it writes whatever the ledger had pending."""
        study = self._ledger.study
        at_random = self._budget.draw_at_random
        number = self._ledger.get_n_trials(study._study_id)
        study.sampler = self._sampler(number, at_random=at_random)
        return self._live(study.ask(), at_random=at_random)

    def again(self, trial_id: int) -> LiveTrial:
        """Return a trial that was begun before; what it was asked then is answered as it was."""
        study = self._ledger.study
        at_random = self._budget.draw_at_random
        study.sampler = self._sampler(self._ledger.get_trial_number_from_id(trial_id), at_random=at_random)
        return self._live(optuna.Trial(study, trial_id), at_random=at_random)

    def answer(self, live: LiveTrial, ask: Ask) -> Scalar:
        """Return the value of a choice.

        Raises:
            ValueError: The same name was asked with other choices before: Optuna cannot model that.
        """
        self._ledger.study.sampler = self._sampler(live.number, at_random=live.at_random, choice=ask.name)
        return suggest(live.trial, ask, default=live.default, start=self._start)

    def _live(self, trial: optuna.Trial, *, at_random: bool) -> LiveTrial:
        """The first trials of a study are the default members of its families."""
        default = trial.number < len(self._families)
        preferred = self._families[trial.number if default else 0]
        ask = Ask("family", Distribution("categorical", choices=self._families), preferred)
        known = max(self._ledger.get_trial(trial._trial_id).intermediate_values, default=0)
        live = LiveTrial(trial, preferred, default=default, known=known, at_random=at_random)
        live.family = str(self.answer(live, ask))
        return live

    def _sampler(self, number: int, *, at_random: bool, choice: str = "") -> optuna.samplers.BaseSampler:
        make = random if at_random else self._make_sampler
        return make(self._seed ^ crc32(choice.encode()), number)
