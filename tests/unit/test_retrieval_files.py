"""Pinned files from a server on loopback: whole and with their checksum, or not at all."""

import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from miniature.messages import StudyError
from miniature.retrieval import references as sources
from miniature.retrieval.files import check_digest, describe_file, retrieve_file

BODY = b'{"q1": "Rome"}' * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/half" else BODY)

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_a_whole_file_arrives(server, tmp_path):
    retrieve_file(f"{server}/good", DIGEST, tmp_path / "a.json")
    assert (tmp_path / "a.json").read_bytes() == BODY


@pytest.mark.parametrize(
    ("path", "digest", "part"),
    [
        ("/missing", DIGEST, "404"),
        ("/half", DIGEST, "incomplete"),
        ("/good", "0" * 64, f"sha256 is {DIGEST}"),
    ],
)
def test_anything_else_leaves_nothing_and_takes_nothing(server, tmp_path, path, digest, part):
    target = tmp_path / "a.json"
    target.write_text("earlier")
    with pytest.raises(StudyError) as error:
        retrieve_file(f"{server}{path}", digest, target)
    assert part in str(error.value)
    assert f"{server}{path}" in str(error.value)
    assert "fix:" in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert target.read_text() == "earlier"


def test_no_network_says_what_to_do(tmp_path):
    with pytest.raises(StudyError) as error:
        retrieve_file("http://127.0.0.1:9/a.json", DIGEST, tmp_path / "a.json")
    assert "cannot be reached" in str(error.value)
    assert "snakemake retrieve" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_at_hand_is_used_only_as_it_is_pinned(tmp_path):
    copy = tmp_path / "copy.json"
    copy.write_bytes(BODY)
    check_digest(copy, DIGEST)
    check_digest(copy, None)
    with pytest.raises(StudyError) as error:
        check_digest(copy, "0" * 64, where="errors of model large")
    assert str(copy) in str(error.value)
    assert "errors of model large" in str(error.value)
    assert f"sha256: {DIGEST}" in str(error.value)
    assert copy.read_bytes() == BODY
    with pytest.raises(StudyError):
        check_digest(tmp_path / "none.json", DIGEST)


def test_a_damaged_retrieved_file_is_set_aside_to_be_fetched_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path(sources.retrieved_file({"url": "https://a/b.json", "sha256": DIGEST}))
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY[:100])
    with pytest.raises(StudyError) as error:
        check_digest(path, DIGEST)
    assert "damaged" in str(error.value)
    assert not path.exists()
    assert path.with_name("file.json.damaged").read_bytes() == BODY[:100]


def test_the_record_says_where_from_and_which_bytes(tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(BODY)
    source = {"repository": "a/b", "commit": "c" * 40, "file": "x.json", "sha256": DIGEST, "licence": "MIT"}
    record = describe_file(source, sources.source_url(source), path)
    assert record["revision"] == "c" * 40
    assert record["licence"] == "MIT"
    assert record["files"] == [{"path": "file.json", "size": len(BODY), "sha256": DIGEST}]


def test_which_file_a_source_stands_for(tmp_path):
    copy = tmp_path / "copy.json"
    pinned = {"repository": "a/b", "commit": "c" * 40, "file": "x y (z).json", "sha256": DIGEST}
    assert sources.source_url(pinned) == (
        f"https://raw.githubusercontent.com/a/b/{'c' * 40}/x%20y%20%28z%29.json"
    )
    retrieved = f"resources/retrieved/files/{DIGEST}.json/file.json"
    assert sources.source_file(pinned) == retrieved
    with_copy = {**pinned, "local": str(copy), "local_sha256": "0" * 64}
    assert sources.source_file(with_copy) == retrieved  # named, and not there
    assert sources.source_digest(with_copy) == DIGEST
    copy.write_bytes(BODY)
    assert sources.source_file(with_copy) == str(copy)
    assert sources.source_digest(with_copy) == "0" * 64
    assert sources.source_digest({**pinned, "local": str(copy)}) == DIGEST
    assert sources.source_file({"path": "here.json"}) == "here.json"
