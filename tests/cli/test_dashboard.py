"""The dashboard: for looking only, for this machine only."""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from nas.cli.dashboard import _dashboard, _page, _storage
from nas.cli.serving import HOST, read_only, serving
from nas.errors import BadInput, Conflict, NotFound
from tests.cli.conftest import Nas

pytest.importorskip("optuna_dashboard")


def test_it_serves_a_copy_and_refuses_changes_and_strangers(database: Path) -> None:
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    with _storage(str(database)) as store, serving(0) as server:
        server.set_app(read_only(_dashboard()(store), server.server_port))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

        def ask(method: str, path: str, host: str | None = None) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(HOST, server.server_port, timeout=30)
            connection.request(method, path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            return answer.status, body

        status, body = ask("GET", "/api/studies")
        assert status == 200
        assert {study["study_name"] for study in json.loads(body)["study_summaries"]} == {"digits", "killed", "new"}
        assert ask("DELETE", "/api/studies/1")[0] == 403
        assert ask("POST", "/api/studies")[0] == 403
        assert ask("GET", "/api/studies", host="evil.example")[0] == 403
        server.shutdown()
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before


def test_it_listens_on_this_machine_only() -> None:
    with serving(0) as server:
        assert server.server_address[0] == "127.0.0.1"
        with pytest.raises(Conflict, match="Choose another with --port"), serving(server.server_port):
            pass


def test_the_page_of_a_study(database: Path) -> None:
    assert _page(str(database), None) == "/dashboard/"
    assert _page(str(database), "killed") == "/dashboard/studies/2"
    with pytest.raises(NotFound, match="Did you mean 'digits'"):
        _page(str(database), "digit")


def test_without_the_extra_it_names_it(monkeypatch: pytest.MonkeyPatch, nas: Nas, database: Path) -> None:
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    with pytest.raises(BadInput):
        _dashboard()
    result = nas("dashboard", "digits", storage=database)
    assert result.exit_code == 2
    assert 'pip install "encoder-nas[dashboard]"' in result.stderr


def test_no_other_host_can_be_asked_for(nas: Nas) -> None:
    assert nas("dashboard", "--host", "0.0.0.0").exit_code == 2


def test_a_database_that_is_not_there_is_not_made(nas: Nas, tmp_path: Path) -> None:
    result: Any = nas("dashboard")
    assert result.exit_code == 3
    assert list(tmp_path.iterdir()) == []
