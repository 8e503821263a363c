"""A full disk ends a session, and nothing is lost: real workers whose files may not grow."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from nas.full_disk import is_full
from nas.store import queries
from nas.store.engine import reading_from, storage_url
from tests.real import finish, nas, write_study


def stored(folder):
    with reading_from(storage_url(str(folder / "nas.db"))) as connection:
        study = queries.study(connection, "toy")
        return study, queries.trials(connection, study.id), queries.evaluations(connection, study.id)


@pytest.mark.tf
def test_a_search_a_race_and_fine_tuning_end_with_a_sentence_and_go_on(tmp_path):
    full = tmp_path / "full"
    path = write_study(tmp_path, "LittleRoom", trials=2, epochs=2, workers=1)
    go_on = "nas resume toy"
    for words in (
        ["launch", str(path)],
        ["race", "toy", "--trainings", "2"],
        ["finetune", "toy", "--top", "1", "--seeds", "1", "--epochs", "3", "--from", "scratch", "--trainings", "1"],
    ):
        full.touch()
        code, _, err = finish(nas(tmp_path, *words))
        told = " ".join(err.split())
        assert code == 5, err
        assert "There is no space left in" in told
        assert "Traceback" not in told
        study, trials, evaluations = stored(tmp_path)
        assert not [one for one in (*trials, *evaluations) if one.outcome == "failed"]
        assert [one for one in (*trials, *evaluations) if one.outcome is None]
        assert "There is no space left" in study.sessions[-1].ending
        if words[0] != "launch":
            go_on = " ".join(["nas", *words])
        assert f"go on with `{go_on}`" in told
        full.unlink()
        code, _, err = finish(nas(tmp_path, *go_on.split()[1:]))
        assert code == 0, err
        _, trials, evaluations = stored(tmp_path)
        assert {one.outcome for one in (*trials, *evaluations)} == {"complete"}
    assert [one.purpose for one in evaluations] == ["race", "race", "finetune"]


def test_the_cause_is_found_behind_what_closing_a_file_says():
    def write():
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            raise ValueError("there is an open writing handle")

    with pytest.raises(ValueError, match="handle") as caught:
        write()
    assert is_full(caught.value)
    assert is_full(RuntimeError("[Errno 28] No space left on device"))
    assert not is_full(PermissionError(errno.EACCES, "Permission denied"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="There is no /dev/full here.")
def test_a_checkpoint_that_does_not_fit_is_told_from_other_errors():
    with pytest.raises((OSError, ValueError)) as caught, Path("/dev/full").open("wb") as file:
        np.savez(file, weights=np.zeros(100_000))
    assert is_full(caught.value)
