"""A small server that speaks the protocol of a hub of models."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_COMMIT = 'c' * 40


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server: 'Hub'

    def _answer(self, content: object, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def do_GET(self) -> None:
        """Send ``/USER/NAME/resolve/REVISION/FILE``."""
        words = self.path.strip('/').split('/')
        if words[2:3] != ['resolve']:
            self._answer({}, 404)
            return
        user, name, _, revision, file = words
        files = self.server.models.get(f'{user}/{name}')
        if files is None:
            self._answer({}, 404, X_Error_Code='RepoNotFound')
        elif revision not in ('main', _COMMIT):
            self._answer({}, 404, X_Error_Code='RevisionNotFound')
        elif file not in files:
            self._answer({}, 404, X_Error_Code='EntryNotFound', X_Repo_Commit=_COMMIT)
        else:
            etag = f'"{hashlib.sha256(files[file]).hexdigest()}"'
            self.server.sent.append(file)
            headers = {'ETag': etag, 'X-Repo-Commit': _COMMIT, **self.server.headers}
            self._answer(files[file], **headers)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """Create a repository, or take the files of a commit."""
        body = self.rfile.read(int(self.headers['Content-Length']))
        words = self.path.strip('/').split('/')
        if self.headers.get('Authorization') != 'Bearer secret':
            self._answer({'error': 'Invalid credentials'}, 401)
        elif words[:2] == ['api', 'validate-yaml']:
            self._answer({'errors': [], 'warnings': []})
        elif words[:3] == ['api', 'repos', 'create']:
            asked = json.loads(body)
            name = f'{asked["organization"]}/{asked["name"]}'
            self.server.models.setdefault(name, {})
            self._answer({'url': f'{self.server.address}/{name}'})
        elif words[4] == 'preupload':
            keys = {'uploadMode': 'regular', 'shouldIgnore': False}
            paths = [one['path'] for one in json.loads(body)['files']]
            self._answer({'files': [{'path': path, **keys} for path in paths]})
        else:
            files = self.server.models['/'.join(words[2:4])]
            for line in map(json.loads, body.splitlines()):
                if line['key'] == 'file':
                    value = line['value']
                    files[value['path']] = b64decode(value['content'])
            page = f'{self.server.address}/{"/".join(words[2:4])}/commit/{_COMMIT}'
            self._answer({'commitUrl': page, 'commitOid': _COMMIT, 'success': True})

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Hub(ThreadingHTTPServer):
    """The server: ``models`` has the files of each, ``sent`` the names of those sent.

    ``headers`` replace those of the answers that send a file. Only the token
    ``secret`` may upload.
    """

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.models: dict[str, dict[str, bytes]] = {}
        self.sent: list[str] = []
        self.headers: dict[str, str] = {}

    @property
    def address(self) -> str:
        """The address of the server, for HF_ENDPOINT."""
        return f'http://127.0.0.1:{self.server_port}'


@contextmanager
def served_hub() -> Iterator[Hub]:
    """Serve an empty hub in the block."""
    with Hub() as hub:
        thread = Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()
