"""The server of the studio's page, for this computer and its user alone."""

import os
import secrets
import socket
import sys
import webbrowser
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmskelseg_io.files.locks import lock
from mmskelseg_io.files.parsing import parse_json
from mmskelseg_io.files.typed import typed
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import (
    UnavailableError,
    UserError,
    escaped,
    explanation,
)
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_studio.commands.studio import OpenStudio
from mmskelseg_studio.folder import open_folder
from mmskelseg_studio.places import SentPlace
from mmskelseg_studio.predicting import open_model
from mmskelseg_studio.project import (
    LabelSegment,
    OutdatedError,
    Project,
    Settled,
)
from mmskelseg_studio.studio import AbsentError, Studio

# No request needs more, but that which has a file of classes, perhaps with labels.
_MOST_BYTES = 1 << 20
_MOST_OF = {'/api/classes': 1 << 26}
_LONGEST = 1000
_HEADERS = {
    'Content-Security-Policy': "default-src 'self'; img-src 'self' data:; media-src "
    "'self' blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; "
    "form-action 'none'; base-uri 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
}
# The report has its style within, and neither programs nor forms.
_REPORT = {
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src "
    "data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
}
# The content of a request.
_Given: TypeAlias = Mapping[str, Any]
_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
#: The first port that is tried.
PORT = 7870
_PORTS = 100


def _body(**keys: Any) -> Any:
    """Return the type of the body of a request."""
    return TypedDict('body', keys)  # type: ignore[operator]


_REVISION = _body(revision=int)
_OFFERS = _body(revision=int, ids=list[str])
_SEEN = _body(seen=str)
_LABELS = _body(
    revision=int,
    tier=int,
    start=int,
    end=int,
    segments=list[LabelSegment],
    settled=Settled | None,
)


class _Guard:
    """Refuses requests that are not of the page that the user has opened.

    Other programs, other users of the computer and other pages in the same browser can
    reach 127.0.0.1, but do not know the token. A page of another host that resolves to
    127.0.0.1 is known by the host that it asks for.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: tuple[str, ...]) -> None:
        self.app = app
        self.prefix = f'/{token}'
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(Request(scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message['type'] == 'http.response.start':
                names = {name.lower() for name, _ in message['headers']}
                message['headers'] += [
                    (name.lower().encode(), value.encode())
                    for name, value in _HEADERS.items()
                    if name.lower().encode() not in names
                ]
            await send(message)

        await self.app(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that is refused; None for others."""
        if request.headers.get('host') not in self.hosts:
            return _error(403, 'This address is not that of the studio.')
        origin = request.headers.get('origin')
        if origin is not None and origin not in [f'http://{h}' for h in self.hosts]:
            return _error(403, 'Another page asked for this.')
        if request.headers.get('sec-fetch-site') not in (None, 'same-origin', 'none'):
            return _error(403, 'Another page asked for this.')
        if len(request.url.path) > _LONGEST:
            return _error(404, 'There is nothing with so long a name.')
        token = request.url.path.split('/')[1]
        if not secrets.compare_digest(f'/{token}'.encode(), self.prefix.encode()):
            return _error(404, 'Open the address that `mmskelseg studio` printed.')
        return None


class _Answers:
    """What the addresses of the page answer, and the changes that they make."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        one = '/api/recordings/{number:int}'
        self.gets: dict[str, Callable[[Request], object]] = {
            '/api/project': lambda _: studio.project(),
            '/api/job': lambda _: studio.progress(),
            '/api/uncertain': lambda _: studio.uncertain(),
            '/api/history': lambda _: studio.history(),
            '/api/news': lambda _: studio.look(),
            '/api/places': lambda _: studio.places.state(),
            one: lambda request: studio.recording(_number(request)),
            f'{one}/poses': self.poses,
            f'{one}/video': lambda request: FileResponse(
                studio.video(_number(request))
            ),
            '/files/{name}': self.file,
            '/report': self.report,
        }
        #: The type of the body, and what answers it.
        self.posts: dict[str, tuple[Any, Callable[[Request, _Given], object]]] = {
            f'{one}/labels': (_LABELS, self.relabel),
            '/api/undo': (_REVISION, lambda _, given: self.step(given, forwards=False)),
            '/api/redo': (_REVISION, lambda _, given: self.step(given, forwards=True)),
            '/api/ethogram': (_body(revision=int, tiers=list[Any]), self.edit),
            '/api/classes': (
                _body(revision=int, name=str, content=str),
                self.add_classes,
            ),
            '/api/compare': (_body(observer=str), self.compare),
            '/api/places': (_body(seen=str, places=list[SentPlace]), self.draw),
            '/api/places/undo': (_SEEN, partial(self.redraw, forwards=False)),
            '/api/places/redo': (_SEEN, partial(self.redraw, forwards=True)),
            '/api/train': (_body(minutes=float), self.train),
            '/api/offers/take': (_OFFERS, partial(self.decide, wanted=True)),
            '/api/offers/dismiss': (_OFFERS, partial(self.decide, wanted=False)),
            '/api/recordings': (_body(), lambda *_: studio.add_recordings()),
            '/api/rate': (_body(fps=float), self.set_rate),
            '/api/poses': (_body(), lambda *_: self.job(studio.estimate_poses)),
            '/api/segment': (_body(), lambda *_: self.job(studio.segment)),
            '/api/stop': (_body(), lambda *_: self.job(studio.job.stop)),
            '/api/export': (_body(formats=list[str], what=str), self.export),
        }

    def poses(self, request: Request) -> Response:
        start, end = (_whole(request, name) for name in ('start', 'end'))
        content = self.studio.poses(_number(request), start, end)
        return Response(content, media_type='application/octet-stream')

    def file(self, request: Request) -> Response:
        name = request.path_params['name']
        path = self.studio.folder.work / 'files' / name
        # A name alone, and no link that leads elsewhere.
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            raise AbsentError(f'There is no file {name!r}.')
        return FileResponse(path, filename=name)

    def report(self, _: Request) -> Response:
        return FileResponse(self.studio.report(), headers=_REPORT)

    @property
    def _project(self) -> Project:
        return self.studio.folder.project

    def relabel(self, request: Request, given: _Given) -> object:
        segments = [
            one if any(map(any, one[3:])) else one[:3] for one in given['segments']
        ]
        name = self.studio.name_of(_number(request))
        where = given['tier'], given['start'], given['end']
        # The answer is the state after this change, not after one of another page.
        with self._project.lock:
            change = self._project.replace(
                name, *where, segments, given['revision'], given['settled']
            )
            return self.studio.changed(change)

    def step(self, given: _Given, *, forwards: bool) -> object:
        step = self._project.redo if forwards else self._project.undo
        with self._project.lock:
            return self.studio.changed(step(given['revision']))

    def edit(self, _: Request, given: _Given) -> object:
        with self._project.lock:
            return self.studio.changed(
                self._project.edit(given['tiers'], given['revision'])
            )

    def compare(self, _: Request, given: _Given) -> object:
        return self.studio.compare(given['observer'])

    def add_classes(self, _: Request, given: _Given) -> object:
        try:
            content = b64decode(given['content'], validate=True)
        except ValueError:
            raise UserError('content is not in base64; reload the page.') from None
        with self._project.lock:
            return self.studio.add_classes(given['name'], content, given['revision'])

    def draw(self, _: Request, given: _Given) -> object:
        with self._project.lock:
            return self.studio.places.draw(given['places'], given['seen'])

    def redraw(self, _: Request, given: _Given, *, forwards: bool) -> object:
        with self._project.lock:
            return self.studio.places.step(given['seen'], forwards=forwards)

    def set_rate(self, _: Request, given: _Given) -> object:
        return self.studio.set_rate(given['fps'])

    def train(self, _: Request, given: _Given) -> object:
        return self.job(lambda: self.studio.train(given['minutes']))

    def decide(self, _: Request, given: _Given, *, wanted: bool) -> object:
        with self._project.lock:
            self._project.check_revision(given['revision'])
            return self.studio.decide(given['ids'], wanted=wanted)

    def job(self, change: Callable[[], None]) -> object:
        change()
        return {'job': self.studio.job.as_dict()}

    def export(self, _: Request, given: _Given) -> object:
        files = self.studio.write(given['formats'], given['what'])
        listed = [{'name': f.name, 'bytes': f.stat().st_size} for f in files]
        return {'folder': str(self.studio.folder.work / 'files'), 'files': listed}


def build_app(studio: Studio, token: str, hosts: tuple[str, ...]) -> ASGIApp:
    """Return the application that serves a studio at ``/TOKEN/``.

    Only the user's browser knows the token; ``hosts`` are the values of the header
    ``Host`` that are answered.
    """
    answers = _Answers(studio)
    page = StaticFiles(directory=Path(__file__).parent / 'page', html=True)
    routes = [
        *(Route(path, _got(give)) for path, give in answers.gets.items()),
        *(
            Route(
                path,
                _posted(*parts, _MOST_OF.get(path, _MOST_BYTES)),
                methods=['POST'],
            )
            for path, parts in answers.posts.items()
        ),
        Mount('/', page),
    ]
    return _Guard(Starlette(routes=[Mount(f'/{token}', routes=routes)]), token, hosts)


def serve(job: OpenStudio, events: Events) -> None:
    """Serve the page of a folder until the program is stopped.

    Raises:
        UserError: If the folder has no recordings, or the port is in use.
    """
    tiers = None if job.model is None else tiers_of(open_model(job.model).metainfo)
    open_ = partial(
        open_folder,
        job.folder,
        job.given,
        ignore_labels=job.ignore_labels,
        tiers=tiers,
        observer=job.observer,
    )
    folder = open_()
    folder.work.mkdir(parents=True, exist_ok=True)
    with (folder.work / 'lock').open('ab') as file:
        if not lock(file):
            raise UserError(
                f'{folder.path}: another `mmskelseg studio` has it open; end that one, '
                'or go on there.'
            )
        if folder.project.path.exists():
            # What another has saved until now.
            folder = open_()
        _serve(Studio(folder, job.pose_estimator, open_, job.model), job, events)


def _serve(studio: Studio, job: OpenStudio, events: Events) -> None:
    for note in studio.folder.notes:
        events.note(escaped(note))
    listener = _listen(job.port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    app = build_app(studio, token, (f'127.0.0.1:{port}', f'localhost:{port}'))
    config = uvicorn.Config(app, log_level='warning', timeout_graceful_shutdown=1)
    address = f'http://127.0.0.1:{port}/{token}/'
    events.note(f'The page is at {address}')
    events.note('Labels are saved after each change. Press Ctrl+C to stop.')
    if not job.no_browser:
        forward = studio.folder.work / 'open.html'
        webbrowser.open(_forwarding(forward, address).as_uri())
    try:
        uvicorn.Server(config).run([listener])
    finally:
        studio.close()
        (studio.folder.work / 'open.html').unlink(missing_ok=True)


def _forwarding(path: Path, address: str) -> Path:
    """Write a page that leads to an address, which only its user can read.

    Other users of the computer see what is in the command line of a browser.
    """
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, 'w') as file:
        file.write(
            f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">'
            f'<p><a href="{address}">mmskelseg studio</a>'
        )
    return path


def _listen(port: int | None) -> socket.socket:
    """Return a socket that listens on this computer alone."""
    for number in [port] if port else range(PORT, PORT + _PORTS):
        listener = socket.socket()
        # The port of a program that has just ended can be used again; on Windows, that
        # of a running one, too, but for the other option.
        if sys.platform == 'win32':
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(('127.0.0.1', number))
            # Until it listens, another program can take the port, too.
            listener.listen()
        except OSError:
            listener.close()
            continue
        return listener
    raise UnavailableError(
        f'127.0.0.1, port {port or f"{PORT} and above"}: already in use or not '
        'allowed; choose another --port, or end the program that listens there.'
    )


def _got(give: Callable[[Request], object]) -> _Endpoint:
    async def answer(request: Request) -> Response:
        return await run_in_threadpool(_answer, lambda: give(request))

    return answer


def _posted(
    kind: Any, take: Callable[[Request, _Given], object], most: int
) -> _Endpoint:
    async def answer(request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > most:
                    return _error(413, f'The request is longer than {most} bytes.')
        except ClientDisconnect:
            # Nobody reads the answer.
            return _error(400, 'The request broke off.')

        def give() -> object:
            content = parse_json(body.decode(), 'the request', 'the page')
            given = typed(content, kind, 'the request', 'reload the page')
            return take(request, given)

        return await run_in_threadpool(_answer, give)

    return answer


def _number(request: Request) -> int:
    return request.path_params['number']


def _whole(request: Request, name: str) -> int:
    text = request.query_params.get(name, '')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UserError(f'{name} is {text!r}, expected a whole number.')
    return int(text)


def _answer(give: Callable[[], object]) -> Response:
    """Return what a function returns as a response, and its errors as a sentence."""
    try:
        given = give()
    except OutdatedError as error:
        return _error(409, str(error))
    except AbsentError as error:
        return _error(404, str(error))
    except UnicodeDecodeError:
        return _error(400, 'The request is not text in UTF-8.')
    except Exception as error:
        sentence = explanation(error)
        if sentence is None:
            raise
        # The page sends what a full disk did not take again.
        is_refused = isinstance(error, UserError) and not isinstance(error, OSError)
        return _error(400 if is_refused else 503, sentence)
    return given if isinstance(given, Response) else JSONResponse(given)


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({'error': sentence}, status, headers=_HEADERS)
