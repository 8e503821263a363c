"""Worker processes: whatever happens, none is left behind."""

from __future__ import annotations

import psutil
import pytest

from nas.errors import NASError
from nas.search.pool.local import LocalPool, PoolSettings

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
