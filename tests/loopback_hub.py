"""A small Hugging Face Hub on a loopback address, for tests without a network."""

import contextlib
import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Repository:
    """One repository: revision name or commit to commit, commit to files."""

    files: dict[str, bytes]
    sha: str = "a" * 40
    revisions: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    lfs: bool = True
    stated_sha256: dict[str, str] = field(default_factory=dict)
    card: dict | None = None

    def commit(self, revision: str) -> str | None:
        if revision in (self.sha, "main"):
            return self.sha
        return self.revisions.get(revision)


class LoopbackHub:
    """What the hub has, and what was asked of it.

    ``repositories`` maps ("model" | "dataset", id) to `Repository`; ``requests`` lists method and path;
    ``failing`` has the paths inside a repository whose download breaks off half way; ``broken`` makes every
    answer an internal error.
    """

    def __init__(self):
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[tuple[str, str]] = []
        self.failing: set[str] = set()
        self.broken = False
        self.endpoint = ""

    def add(self, kind: str, hub_id: str, files: dict[str, bytes | str], **options) -> Repository:
        content = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}
        repository = self.repositories[(kind, hub_id)] = Repository(content, **options)
        return repository


@contextlib.contextmanager
def serve_hub(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    """Serve a hub on 127.0.0.1 while the block runs; its address is ``hub.endpoint``."""

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def log_message(self, *_):
        pass

    def _answer(self, *, with_body: bool) -> None:
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).strip("/")
        self.hub.requests.append((self.command, path))
        if self.hub.broken:
            self._refuse(500, "InternalError")
        elif path.startswith("api/"):
            self._answer_api(path.removeprefix("api/"))
        else:
            self._answer_file(path, with_body)

    def _refuse(self, status: int, code: str) -> None:
        body = json.dumps({"error": code}).encode()
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _find(self, kind: str, hub_id: str, revision: str) -> tuple[Repository, str] | None:
        repository = self.hub.repositories.get((kind, hub_id))
        if repository is None:
            self._refuse(404, "RepoNotFound")
            return None
        commit = repository.commit(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound")
            return None
        return repository, commit

    def _answer_api(self, path: str) -> None:
        # {models|datasets}/{id}/revision/{revision}
        kind, _, rest = path.partition("/")
        hub_id, _, revision = rest.partition("/revision/")
        found = self._find(kind.removesuffix("s"), hub_id, revision or "main")
        if found is None:
            return
        repository, commit = found
        siblings = []
        for name, data in repository.files.items():
            sibling = {"rfilename": name, "size": len(data), "blobId": hashlib.sha1(data).hexdigest()}
            if repository.lfs:
                digest = repository.stated_sha256.get(name, hashlib.sha256(data).hexdigest())
                sibling["lfs"] = {"size": len(data), "sha256": digest, "pointerSize": 130}
            siblings.append(sibling)
        answer = {"id": hub_id, "sha": commit, "private": False, "downloads": 0, "likes": 0, "tags": []}
        if repository.card is not None:
            answer["cardData"] = repository.card
        body = json.dumps({**answer, "siblings": siblings}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_file(self, path: str, with_body: bool) -> None:
        # [datasets/]{id}/resolve/{revision}/{file}
        kind = "dataset" if path.startswith("datasets/") else "model"
        hub_id, _, rest = path.removeprefix("datasets/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        found = self._find(kind, hub_id, revision)
        if found is None:
            return
        repository, commit = found
        if repository.gated:
            self._refuse(403, "GatedRepo")
            return
        if name not in repository.files:
            self._refuse(404, "EntryNotFound")
            return
        data = repository.files[name]
        etag = hashlib.sha256(data).hexdigest()
        start = 0
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes="):
            start = int(asked.removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Linked-Etag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if with_body:
            if name in self.hub.failing:
                self.wfile.write(data[start : start + (len(data) - start) // 2])
                self.wfile.flush()
                self.close_connection = True
                return
            self.wfile.write(data[start:])
