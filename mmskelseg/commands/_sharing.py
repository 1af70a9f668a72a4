"""Writes the files of a shared model; it imports PyTorch."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from markdown_it import MarkdownIt
from mmengine.config import Config

from mmskelseg.commands._opening import opened
from mmskelseg.commands.share import Share
from mmskelseg.converters.checkpoints.publish_model import PublishModel
from mmskelseg.export.cards import card, facts_of, sections
from mmskelseg.export.export import export_onnx
from mmskelseg.export.onnx_files import without_default
from mmskelseg_io.files.atomic import atomic_write, atomic_write_text
from mmskelseg_io.files.outputs import LIST, claim
from mmskelseg_io.files.work_folders import FITTED, checkpoint_file
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.commands.models import (
    find_model,
    has_exported,
    is_name,
    is_onnx,
)
from mmskelseg_runtime.page.model_page import write_page
from mmskelseg_runtime.segmenting.hub import SHARED
from mmskelseg_runtime.segmenting.model_zoo import exported_file

_CARD, _FACTS, _EXPORTED, _, _LIVE = SHARED


def write(job: Share, events: Events) -> Path:
    """Write the folder of a job, and return it.

    Raises:
        UserError: If the folder has other files, or the model has no weights.
    """
    *given, last = job.files
    out = Path(last)
    names = {path.name for path in out.iterdir()} if out.exists() else set()
    if others := names - {*SHARED, LIST}:
        raise UserError(
            f'{out}: has {min(others)}, which is not of a shared model; name a new '
            'folder.'
        )
    for name in SHARED:
        claim(out / name)
    source = Path(given[-1])
    weights = out / FITTED
    if len(given) == 1 and (source / _EXPORTED).is_file():
        PublishModel(src=source / FITTED, dst=weights).run(events)
        with atomic_write(out / _EXPORTED) as file:
            file.write((source / _EXPORTED).read_bytes())
    else:
        if is_onnx(given[0]) or is_name(given[0]):
            raise UserError(
                f'{given[0]}: only models with weights can be shared; name the folder '
                'of a fit or a training, or a checkpoint.'
            )
        config, checkpoint = _trained(given)
        source = checkpoint.parent
        PublishModel(src=checkpoint, dst=weights, config=config).run(events)
        export_onnx(config, [str(weights)], out / _EXPORTED)
    if job.streaming:
        export_onnx(None, [str(weights)], out / _LIVE, streaming=True)
    stated = {'license': job.licence, 'about': job.about}
    facts = facts_of(out / _EXPORTED, source) | stated
    if data := facts['data']['name']:
        events.note(
            f'The card and the models tell the name of the data, {data}; if it should '
            'be another, convert them with --name, and train again.'
        )
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    atomic_write_text(out / _FACTS, text)
    atomic_write_text(out / _CARD, card(facts, job.push or out.resolve().name))
    return out


def write_html(job: Share, events: Events) -> Path:
    """Write the page of a job, and return it.

    Raises:
        UserError: If no page can run the model, or the sample cannot be read.
    """
    first, page = job.files[0], cast(Path, job.page)
    with TemporaryDirectory() as folder:
        if is_onnx(first) or is_name(first) or has_exported(first):
            model, source = Path(exported_file(first)), Path(first)
        else:
            config, weights = _trained(job.files)
            model, source = Path(folder, _EXPORTED), weights.parent
            export_onnx(config, [str(weights)], model)
        name = source.stem if is_onnx(first) else source.resolve().name
        facts = facts_of(model, source) | {'about': job.about}
        shown = MarkdownIt('commonmark', {'html': False}).enable('table')
        bare = Path(folder, 'page.onnx')
        bare.write_bytes(without_default(model.read_bytes(), 'range'))
        write_page(bare, page, name, shown.render(sections(facts)), job.sample)
    events.note(f'{page} runs in a browser; {page.stat().st_size / 1e6:.1f} MB')
    return page


def _trained(given: Sequence[str]) -> tuple[Config | str | None, Path]:
    """Return the config of a model, None for that in its checkpoint, and the latter."""
    config, checkpoints = opened(find_model(given[0], given[1] if given[1:] else None))
    if checkpoints is None:
        return None, Path(checkpoint_file(given[0]))
    return config, Path(checkpoints[0])
