"""The server of the studio's page, for this computer and its user alone."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmskelseg.runtime.files.parsing import check_shape, parse_json
from mmskelseg.runtime.messages.errors import UserError, explanation
from mmskelseg.studio.project import OutdatedError
from mmskelseg.studio.studio import Studio

# No request needs more.
_MOST_BYTES = 1 << 20
_HEADERS = {
    'Content-Security-Policy': "default-src 'self'; img-src 'self' data:; media-src "
    "'self' blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; "
    "form-action 'none'; base-uri 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
}
# The report has its style within, and no program.
_REPORT = {
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src "
    'data:'
}
_LABELS = {
    'revision': int, 'tier': int, 'start': int, 'end': int, 'segments': [[int]],
}  # fmt: skip


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
        token = request.url.path.split('/')[1]
        if not secrets.compare_digest(f'/{token}'.encode(), self.prefix.encode()):
            return _error(404, 'Open the address that `mmskelseg studio` printed.')
        return None


def build_app(studio: Studio, token: str, hosts: tuple[str, ...]) -> ASGIApp:
    """Return the application that serves a studio at ``/TOKEN/``.

    Args:
        studio: The studio.
        token: What only the user's browser knows.
        hosts: The values of the header ``Host`` that are answered.
    """

    def got(give: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await run_in_threadpool(_answer, give, request)

        return answer

    def posted(
        shape: Mapping[str, Any], take: Callable[[Request, Mapping[str, Any]], Any]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await _body(request)
            if isinstance(body, Response):
                return body

            def give(request: Request) -> Any:
                content = parse_json(body.decode(), 'the request', 'the page')
                check_shape(content, shape, 'the request', 'reload the page')
                return take(request, content)

            return await run_in_threadpool(_answer, give, request)

        return answer

    def number(request: Request) -> int:
        return request.path_params['number']

    def poses(request: Request) -> Response:
        start, end = (_whole(request, name) for name in ('start', 'end'))
        content = studio.poses(number(request), start, end)
        return Response(content, media_type='application/octet-stream')

    def video(request: Request) -> Response:
        return FileResponse(studio.video(number(request)))

    def relabel(request: Request, given: Mapping[str, Any]) -> object:
        segments = [tuple(one) for one in given['segments']]
        if any(len(one) != 3 for one in segments):
            raise UserError('segments have start, end and class; reload the page.')
        change = studio.folder.project.replace(
            studio.name_of(number(request)),
            given['tier'],
            given['start'],
            given['end'],
            segments,
            given['revision'],
        )
        return studio.changed(change)

    def name_class(_: Request, given: Mapping[str, Any]) -> object:
        project = studio.folder.project
        names = given['tier'], given['name'], given['revision'], given.get('class')
        project.name_class(*names)
        return {'revision': project.revision, 'tiers': studio.tiers()}

    def step(name: str) -> Callable[[Request, Mapping[str, Any]], object]:
        return lambda _, given: studio.changed(
            getattr(studio.folder.project, name)(given['revision'])
        )

    def job(action: Callable[[Mapping[str, Any]], None]) -> Callable[..., object]:
        def take(_: Request, given: Mapping[str, Any]) -> object:
            action(given)
            return {'job': studio.job.as_dict()}

        return take

    def export(_: Request, given: Mapping[str, Any]) -> object:
        files = studio.write(given['formats'], given['what'])
        listed = [{'name': f.name, 'bytes': f.stat().st_size} for f in files]
        return {'folder': str(files[0].parent) if files else None, 'files': listed}

    def file(request: Request) -> Response:
        name = request.path_params['name']
        path = studio.folder.work / 'files' / name
        # A name alone, and no link that leads elsewhere.
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            raise LookupError(f'There is no file {name!r}.')
        return FileResponse(path, filename=name)

    def report(_: Request) -> Response:
        if studio.report is None:
            raise LookupError('There is no report yet.')
        return FileResponse(studio.report, headers=_REPORT)

    one = '/api/recordings/{number:int}'
    posts: dict[str, tuple[Mapping[str, Any], Callable[..., object]]] = {
        f'{one}/labels': (_LABELS, relabel),
        '/api/undo': ({'revision': int}, step('undo')),
        '/api/redo': ({'revision': int}, step('redo')),
        '/api/classes': (
            {'revision': int, 'tier': int, 'name': str, 'class?': int}, name_class,
        ),
        '/api/train': (
            {'minutes': float}, job(lambda given: studio.train(given['minutes'])),
        ),
        '/api/poses': ({}, job(lambda _: studio.estimate_poses())),
        '/api/stop': ({}, job(lambda _: studio.job.stop())),
        '/api/export': ({'formats': [str], 'what': str}, export),
    }  # fmt: skip
    gets: dict[str, Callable[[Request], object]] = {
        '/api/project': lambda _: studio.project(),
        '/api/job': lambda _: studio.progress(),
        '/api/doubts': lambda _: studio.doubts(),
        one: lambda request: studio.recording(number(request)),
        f'{one}/poses': poses,
        f'{one}/video': video,
        '/files/{name}': file,
        '/report': report,
    }
    page = StaticFiles(directory=Path(__file__).parent / 'page', html=True)
    routes = [
        *(Route(path, got(give), methods=['GET']) for path, give in gets.items()),
        *(
            Route(path, posted(*parts), methods=['POST'])
            for path, parts in posts.items()
        ),
        Mount('/', page),
    ]
    return _Guard(Starlette(routes=[Mount(f'/{token}', routes=routes)]), token, hosts)


def _whole(request: Request, name: str) -> int:
    text = request.query_params.get(name, '')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UserError(f'{name} is {text!r}, expected a frame.')
    return int(text)


async def _body(request: Request) -> bytes | Response:
    """Return the body of a request, or the answer to one that is too long."""
    body = b''
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return _error(413, f'The request is longer than {_MOST_BYTES} bytes.')
    return body


def _answer(give: Callable[[Request], Any], request: Request) -> Response:
    """Return what a function returns as a response, and its errors as a sentence."""
    try:
        given = give(request)
    except OutdatedError as error:
        return _error(409, str(error))
    except LookupError as error:
        return _error(404, str(error.args[0]))
    except UnicodeDecodeError:
        return _error(400, 'The request is not text in UTF-8.')
    except Exception as error:
        sentence = explanation(error)
        if sentence is None:
            raise
        return _error(400, sentence)
    return given if isinstance(given, Response) else JSONResponse(given)


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({'error': sentence}, status, headers=_HEADERS)
