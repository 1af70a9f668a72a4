"""The server of the studio's page, for this computer and its user alone."""

import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypedDict, get_type_hints

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
from mmskelseg_studio.predicting import open_model
from mmskelseg_studio.project import OutdatedError
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
_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
#: The first port that is tried.
PORT = 7870
_PORTS = 100


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


# The address of a recording.
_ONE = '/api/recordings/{number:int}'


def _gets(studio: Studio) -> dict[str, Callable[[Request], object]]:
    """Return what answers questions, by their addresses."""
    return {
        '/api/project': lambda _: studio.project(),
        '/api/job': lambda _: studio.progress(),
        '/api/uncertain': lambda _: studio.uncertain(),
        '/api/history': lambda _: studio.history(),
        '/api/news': lambda _: studio.look(),
        '/api/places': lambda _: studio.places.state(),
        _ONE: lambda request: studio.recording(**request.path_params),
        f'{_ONE}/poses': lambda request: Response(
            studio.poses(
                **request.path_params,
                **{name: _whole(request, name) for name in ('start', 'end')},
            ),
            media_type='application/octet-stream',
        ),
        f'{_ONE}/video': lambda request: FileResponse(
            studio.video(**request.path_params)
        ),
        '/files/{name}': lambda request: FileResponse(
            studio.file(**request.path_params), filename=request.path_params['name']
        ),
        '/report': lambda _: FileResponse(studio.report(), headers=_REPORT),
    }


def _routes(studio: Studio) -> Iterator[Route]:
    """Yield the addresses of the page, and what answers them."""
    # An answer is the state after this change, not after one of another page.
    changes: dict[str, Callable[..., object]] = {
        f'{_ONE}/labels': studio.relabel,
        '/api/undo': studio.undo,
        '/api/redo': studio.redo,
        '/api/ethogram': studio.edit,
        '/api/classes': studio.add_classes,
        '/api/offers/take': studio.take_offers,
        '/api/offers/dismiss': studio.dismiss_offers,
        '/api/places': studio.places.draw,
        '/api/places/undo': studio.places.undo,
        '/api/places/redo': studio.places.redo,
    }
    others: dict[str, Callable[..., object]] = {
        '/api/compare': studio.compare,
        '/api/train': studio.train,
        '/api/recordings': studio.add_recordings,
        '/api/rate': studio.set_rate,
        '/api/poses': studio.estimate_poses,
        '/api/segment': studio.segment,
        '/api/stop': studio.job.stop,
        '/api/export': studio.export,
    }

    for path, give in _gets(studio).items():
        yield Route(path, _got(give))
    for path, call in (changes | others).items():
        lock = (lambda: studio.folder.project.lock) if path in changes else nullcontext
        most = _MOST_OF.get(path, _MOST_BYTES)
        yield Route(path, _posted(studio, call, lock, most), methods=['POST'])


def build_app(studio: Studio, token: str, hosts: tuple[str, ...]) -> ASGIApp:
    """Return the application that serves a studio at ``/TOKEN/``.

    Only the user's browser knows the token; ``hosts`` are the values of the header
    ``Host`` that are answered.
    """
    page = StaticFiles(directory=Path(__file__).parent / 'page', html=True)
    shared = StaticFiles(packages=[('mmskelseg_runtime', 'page')])
    routes = [*_routes(studio), Mount('/shared', shared), Mount('/', page)]
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
    studio: Studio,
    call: Callable[..., object],
    lock: Callable[[], AbstractContextManager],
    most: int,
) -> _Endpoint:
    """Return what answers a request, whose body has the arguments of a call.

    What returns nothing has changed the job in the background.
    """
    keys = get_type_hints(call)
    for name in ('number', 'return'):
        keys.pop(name, None)
    kind: Any = TypedDict('body', keys)  # type: ignore[misc]

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
            with lock():
                found = call(**request.path_params, **given)
            return found or {'job': studio.job.as_dict()}

        return await run_in_threadpool(_answer, give)

    return answer


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
