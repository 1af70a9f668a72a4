"""Models of a hub: shared folders that ``hf:USER/NAME`` names."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UnavailableError, UserError, shown

#: The files of a shared model; the last is that of a causal one.
SHARED = (
    'README.md', 'config.json', 'model.onnx', 'model.safetensors', 'model_live.onnx',
)  # fmt: skip
_PREFIX = 'hf:'
# What becomes the name of a file or folder in the cache, and how it may look.
_NAMING = ('etag', 'x-linked-etag', 'x-repo-commit', 'x-xet-hash')
_TAG = re.compile(r'(?:W/)?"?[\w-]+"?')
# The last part is a branch, a tag or a commit.
_NAME = re.compile(r'hf:([\w.-]+/[\w.-]+)(?:@([\w.-]+))?')


def is_on_hub(model: object) -> bool:
    """Return whether a model is named as one of a hub.

    >>> is_on_hub('hf:ann/mice'), is_on_hub('precog')
    (True, False)
    """
    return isinstance(model, str) and model.startswith(_PREFIX)


def parts_of(name: str) -> tuple[str, str | None]:
    """Return the repository that a name stands for, and the revision, if it has one.

    Raises:
        UserError: If it is no name of a hub.

    >>> parts_of('hf:ann/mice@v2')
    ('ann/mice', 'v2')
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise UserError(
            f'{shown(name)}: a model of a hub is named hf:USER/NAME, or '
            'hf:USER/NAME@REVISION.'
        )
    return found[1], found[2]


def named_file(model: object, file: str | os.PathLike) -> str:
    """Return how messages name a file of a model: by the model, if that is of a hub.

    >>> named_file('hf:ann/mice', '/cache/0f/model.onnx'), named_file('a', 'a/m.onnx')
    ('hf:ann/mice', 'a/m.onnx')
    """
    return str(model) if is_on_hub(model) else str(file)


def hub_file(name: str, file: str) -> Path:
    """Return one file of a model of a hub, which is downloaded unless it is there.

    Nothing else of the repository is read, so that none of its programs is.

    Raises:
        DependencyError: If ``huggingface_hub`` is not installed.
        UnavailableError: If it cannot be downloaded.
    """
    repository, revision = parts_of(name)
    with _hub(name, f'to use it offline, download {file} and name that file') as hub:
        return Path(hub.hf_hub_download(repository, file, revision=revision))


def check_push(name: str) -> None:
    """Raise an error if a model cannot be uploaded under a name, before it is made.

    Raises:
        DependencyError: If ``huggingface_hub`` is not installed.
    """
    parts_of(_PREFIX + name.removeprefix(_PREFIX))
    import_optional('huggingface_hub', f'--push {name}')


def push(folder: Path, name: str, *, private: bool) -> str:
    """Upload the shared model in a folder, and return the address of its page.

    Raises:
        DependencyError: If ``huggingface_hub`` is not installed.
        UnavailableError: If it cannot be uploaded.
    """
    repository, revision = parts_of(_PREFIX + name.removeprefix(_PREFIX))
    remedy = f'{folder} is complete; log in by `hf auth login`, and push it again'
    with _hub(name, remedy) as hub:
        api = hub.HfApi()
        page = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(
            folder_path=folder,
            repo_id=repository,
            revision=revision,
            allow_patterns=[*SHARED],
            commit_message='Share a model of mmskelseg',
        )
        return str(page)


@contextmanager
def _hub(name: str, remedy: str) -> Iterator[ModuleType]:
    """Yield the library of the hub, and turn its errors into sentences."""
    hub = import_optional('huggingface_hub', name)
    answered = hub.get_session().event_hooks['response']
    answered.append(_check_tags)
    try:
        yield hub
    except UserError:
        raise
    except (OSError, ValueError, hub.errors.HTTPError) as error:
        # Its messages are long, and begin with what matters.
        text = str(error).strip().partition('\n')[0].rstrip('.')
        reason = f'{type(error).__name__}: {shown(text, 300)}'
        if isinstance(error, hub.errors.LocalEntryNotFoundError):
            reason = 'it does not answer, and the file was not downloaded before'
        raise UnavailableError(
            f'{name}: the hub cannot be used ({reason}); check the name and the '
            f'connection, or {remedy}.'
        ) from error
    finally:
        answered.remove(_check_tags)


def _check_tags(response: Any) -> None:
    """Raise a UserError where an answer would be kept outside of the cache."""
    for name in _NAMING:
        tag = response.headers.get(name, 'none')
        if not _TAG.fullmatch(tag):
            raise UserError(
                f'{response.url}: the hub answers with the {name} {shown(tag)}, '
                'expected letters and digits; nothing is kept. Name a hub that you '
                'trust.'
            )
