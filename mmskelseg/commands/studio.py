"""Opens a page on which you label recordings, train a model, and correct it.

    %(prog)s FOLDER

FOLDER has videos, files of poses, or both, also in folders within it, or an
annotations.pkl. Labels of all formats that `mmskelseg convert keypoints` reads are
taken over. The page opens in the browser: press the key of a class where it begins and
again where it ends, train a model on what is labelled, check what it is least sure of,
and train again. Labels are saved after each change, in FOLDER/studio.json; models and
files to take away go to FOLDER/studio.

Only this computer can open the page, and only with the address that is printed. The
page needs starlette, uvicorn and PyAV: pip install 'mmskelseg[app]'.
"""

import argparse
import secrets
import socket
import webbrowser
from pathlib import Path

from mmskelseg.runtime.cli.command_line import (
    add_person,
    command,
    positive,
    whole_from,
)
from mmskelseg.runtime.messages.dependencies import Dependency
from mmskelseg.runtime.messages.errors import UnavailableError, escaped
from mmskelseg.runtime.poses.estimators.estimator import require

EXAMPLES = """examples:
  # videos and the poses of a tracker, whose files do not state their rate
  %(prog)s mice --fps 30
  # an annotation file whose labels are left aside
  %(prog)s data/precog --ignore-labels
"""
NEEDED = (Dependency('starlette', '0.40'), Dependency('uvicorn', '0.30'))
# The first port that is tried.
_PORT = 7870
_PORTS = 100


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'folder', metavar='FOLDER', type=Path, help='folder with videos, poses or both'
    )
    parser.add_argument(
        '--ignore-labels',
        action='store_true',
        help='leave the labels of files aside, and begin with none',
    )
    parser.add_argument(
        '--fps',
        type=positive,
        help='frames per second of poses whose files state none, without a video',
    )
    add_person(parser)
    parser.add_argument(
        '--pose-estimator',
        default='mediapipe',
        metavar='NAME',
        help='estimator for videos without poses, as for `mmskelseg poses` (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--port',
        type=whole_from(1, 65535),
        help=f'port (default: the first free one from {_PORT})',
    )
    parser.add_argument(
        '--no-browser', action='store_true', help='print the address, open no browser'
    )


def _listen(port: int | None) -> socket.socket:
    """Return a socket that listens on this computer alone."""
    for number in [port] if port else range(_PORT, _PORT + _PORTS):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(('127.0.0.1', number))
        except OSError:
            listener.close()
            continue
        return listener
    raise UnavailableError(
        f'127.0.0.1, port {port or f"{_PORT} and above"}: already in use or not '
        'allowed; choose another --port, or end the program that listens there.'
    )


def _run(args: argparse.Namespace) -> None:
    require('The page', "run `pip install 'mmskelseg[app]'`", *NEEDED)
    import uvicorn

    from mmskelseg.studio.recordings import Folder, open_folder
    from mmskelseg.studio.server import build_app
    from mmskelseg.studio.studio import Studio

    def reopen():
        return open_folder(
            args.folder,
            fps=args.fps,
            person=args.person,
            ignore_labels=args.ignore_labels,
        )

    studio = Studio(reopen(), args.pose_estimator, reopen)
    for note in studio.folder.notes:
        print(escaped(note))
    listener = _listen(args.port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    hosts = (f'127.0.0.1:{port}', f'localhost:{port}')
    config = uvicorn.Config(
        build_app(studio, token, hosts),
        log_level='warning',
        timeout_graceful_shutdown=1,
    )
    address = f'http://127.0.0.1:{port}/{token}/'
    print(f'The page is at {address}', flush=True)
    print('Labels are saved after each change. Press Ctrl+C to stop.', flush=True)
    if not args.no_browser:
        webbrowser.open(address)
    try:
        uvicorn.Server(config).run([listener])
    finally:
        studio.job.stop()


main = command(
    __doc__,
    _add_arguments,
    _run,
    EXAMPLES,
    kept='labels and finished trainings are kept; the same command opens them again.',
)
