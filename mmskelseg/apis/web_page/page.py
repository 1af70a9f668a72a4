"""The web page, built with gradio."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mmskelseg.apis.web_page.player import message_html, player_html
from mmskelseg.apis.web_page.segmenting import PageSegmenter
from mmskelseg.runtime.files.video import VIDEO_SUFFIXES
from mmskelseg.runtime.messages.errors import UnavailableError, explanation
from mmskelseg.runtime.poses import POLICIES
from mmskelseg.runtime.structures.choices import EACH

if TYPE_CHECKING:
    import gradio as gr

_HERE = Path(__file__).parent
_HINT = (
    'Drop a video, a file of keypoints, or both, and press Segment. The video with its '
    'labels, a timeline and files to download appear here.'
)
_TITLE = '# What happens when?\nThe actions in a video, from the skeletons of people.'
# Space for gradio's progress bar.
_WAIT = '<div class="working" role="status" aria-label="Working"></div>'
_UNFORESEEN = (
    'An unexpected error occurred. The terminal in which the page was started shows '
    'the details.'
)


def launch_page(
    segmenter: PageSegmenter, *, host: str, port: int | None, share: bool
) -> 'gr.Blocks':
    """Serve the page in the background, and return its ``gradio.Blocks``.

    Without a port, it is the first free one from 7860 on. ``share`` creates a public
    address through gradio's servers.

    Raises:
        OSError: If host or port cannot be listened on.
    """
    # gradio reads these when it is imported.
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['HF_HUB_DISABLE_TELEMETRY'] = '1'
    import gradio as gr

    page = _build(segmenter)
    # Fonts of the system, since gradio would load those of its theme from other hosts.
    fonts = ['system-ui', '-apple-system', 'Segoe UI', 'sans-serif']
    try:
        page.queue(default_concurrency_limit=1).launch(
            server_name=host,
            server_port=port,
            share=share,
            prevent_thread_lock=True,
            allowed_paths=[str(segmenter.results.absolute())],
            theme=gr.themes.Default(
                primary_hue='blue', font=fonts, font_mono=['ui-monospace', 'monospace']
            ).set(
                # A readable grey.
                body_text_color_subdued='*neutral_600',
                body_text_color_subdued_dark='*neutral_300',
            ),
            css=(_HERE / 'page.css').read_text('utf-8'),
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            quiet=True,
        )
    except OSError as error:
        raise UnavailableError(
            f'{host}, port {port or "7860 and above"}: already in use or not allowed; '
            'choose another --host or --port, or end the program that listens there.'
        ) from error
    return page


def run_on_page(
    segmenter: PageSegmenter, listener: Callable[[str, int, int], None], *args: Any
) -> str:
    """Run :meth:`PageSegmenter.run`, and return its result or its error as HTML."""
    try:
        result = segmenter.run(*args, listener=listener)
    except Exception as error:
        sentence = explanation(error)
        if sentence is None:
            traceback.print_exception(error)
            return message_html(_UNFORESEEN, error=True)
        # The folder of uploads means nothing to users.
        for file in filter(None, args[:2]):
            sentence = sentence.replace(str(file), Path(file).name)
        return message_html(sentence, error=True)
    return player_html(result.predictions, result.files, file_url)


def file_url(path: Path) -> str:
    """Return the address at which gradio serves a file, relative to the page."""
    return f'gradio_api/file={quote(path.absolute().as_posix())}'


def _build(segmenter: PageSegmenter) -> 'gr.Blocks':
    import gradio as gr

    def choose() -> gr.Dropdown:
        return gr.Dropdown(choices=segmenter.choices(), value=segmenter.newest())

    def run(*args: Any, progress: gr.Progress = gr.Progress()) -> str:  # noqa: B008
        def tell(what: str, done: int, total: int) -> None:
            progress((done, total), desc=what, unit='frames')

        return run_on_page(segmenter, tell, *args)

    with gr.Blocks(title='mmskelseg', analytics_enabled=False) as page:
        gr.Markdown(_TITLE)
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                inputs = _inputs(segmenter)
                button = gr.Button('Segment', variant='primary', elem_id='run')
            with gr.Column(scale=5, min_width=320):
                result = gr.HTML(
                    message_html(_HINT),
                    css_template=(_HERE / 'player.css').read_text('utf-8'),
                    js_on_load=(_HERE / 'player.js').read_text('utf-8'),
                    apply_default_css=False,
                    elem_id='result',
                    min_height=160,
                )
        button.click(
            lambda: _WAIT,
            None,
            result,
            queue=False,
            show_progress='hidden',
            api_visibility='private',
        ).then(run, inputs, result, api_visibility='private', scroll_to_output=True)
        page.load(choose, None, inputs[2], api_visibility='private')
    return page


def _inputs(segmenter: PageSegmenter) -> 'list[gr.components.Component]':
    """Add the fields that :meth:`PageSegmenter.run` takes, and return them."""
    import gradio as gr

    video = gr.File(
        label='Video', file_types=[*VIDEO_SUFFIXES], height=150,
        elem_id='video',
    )  # fmt: skip
    poses = gr.File(
        label='Keypoints (else estimated)',
        height=150, elem_id='poses',
    )  # fmt: skip
    checkpoint = gr.Dropdown(
        label='Model', choices=segmenter.choices(),
        value=segmenter.newest(), interactive=True, elem_id='checkpoint',
    )  # fmt: skip
    with gr.Accordion('Options', open=False):
        person = gr.Dropdown(
            label='Which of several people',
            info='the longest track, the largest box, the highest score, '
            'everybody at once, everybody separately, or one by name',
            choices=[*POLICIES, EACH], value='track',
            allow_custom_value=True,
        )  # fmt: skip
        fps = gr.Number(
            label='Frames per second of the keypoints',
            info='instead of what they or the video state',
            value=None, minimum=0,
        )  # fmt: skip
        min_score = gr.Slider(
            label='Minimum confidence',
            info='segments below it get no label',
            minimum=0, maximum=1, value=0, step=0.05,
        )  # fmt: skip
    return [video, poses, checkpoint, person, fps, min_score]
