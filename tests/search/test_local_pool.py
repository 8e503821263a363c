"""Worker processes: whatever happens, none is left behind."""

from __future__ import annotations

import psutil
import pytest

from nas.conversation import Evaluate, Measure
from nas.errors import NASError
from nas.search.asking import CannotBeDone, ask
from nas.search.pool.local import LocalPool, PoolSettings
from tests.real import FAMILIES
from tests.search.scripts import CARD

pytestmark = pytest.mark.tf


class OneAtMost(LocalPool):
    """Whose machine has no room for a second worker."""

    begun: int | None = None

    def _start(self) -> None:
        if self._workers:
            self.begun = self._workers[0].pid
            raise NASError("No worker process can be started.")
        super()._start()


def test_where_the_second_worker_cannot_be_started_the_first_is_ended(tmp_path):
    pool = OneAtMost(PoolSettings(workers=2, deadline=60.0, silence=60.0, logs=tmp_path, threads=1))
    with pytest.raises(NASError, match="No worker process"):
        pool.__enter__()
    assert pool.begun is not None
    assert not psutil.pid_exists(pool.begun)


def test_a_measurement_that_takes_too_long_is_given_up(tmp_path):
    candidate = Evaluate(0, f"{FAMILIES}:Sleeps", CARD, "classification", 0, 1, 1, "", str(tmp_path), {})
    with (
        LocalPool(PoolSettings(workers=1, deadline=1.0, silence=60.0, logs=tmp_path, threads=1)) as pool,
        pytest.raises(CannotBeDone, match=r"^It took longer than 1 s\.$") as caught,
    ):
        ask(pool, Measure((candidate,), (1,), 30))
    assert caught.value.kind == "timeout"
