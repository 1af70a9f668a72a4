"""Videos with labels, skeletons and timeline."""

import numpy as np
import pytest
from PIL import Image

from mmskelseg_io.files.video import VideoFile, read_frames
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.drawing.frames import FramePicture
from mmskelseg_runtime.drawing.overlay import (
    Overlay,
    PeopleOverlay,
    write_gif,
    write_overlay,
)
from mmskelseg_runtime.drawing.palette import class_color
from tests.clips import write_video
from tests.errors import raises_naming
from tests.test_drawing.pixels import near


@pytest.fixture
def clip(clip):
    return clip(frames=20, img_shape=(480, 640))


def prediction(clip, labels, **changes):
    T = len(labels)
    keypoint = np.zeros((1, T, 17, 2), np.float32)
    # A square around the middle of an image of half the size.
    keypoint[..., 0] = 100 + 10 * np.arange(17)
    keypoint[..., 1] = 100
    return {
        'filename': str(clip),
        'fps': 10.0,
        'img_shape': (240, 320),
        'classes': ['walk', 'lift'],
        'pred_label': np.array(labels),
        'pred_score': np.full((2, T), 0.75, np.float32),
        'keypoint': keypoint,
        'keypoint_score': np.ones((1, T, 17), np.float32),
        'skeleton': 'coco17',
        **changes,
    }


def colors(image):
    """Return the share of pixels in the colours of classes 0 and 1."""
    return np.array([near(image[..., ::-1], class_color(k)).mean() for k in (0, 1)])


def grey():
    return np.full((480, 640, 3), 60, np.uint8)


def test_overlay_has_the_frames_and_rate_of_the_video(clip, tmp_path):
    path = tmp_path / 'deep' / 'overlay.mp4'
    write_overlay(prediction(clip, [0] * 20), path, show_progress=False)
    file = VideoFile.open(path)
    assert (file.frames, file.fps, len(list(read_frames(path)))) == (20, 10, 20)
    assert file.img_shape[0] > 480
    assert list(path.parent.iterdir()) == [path]


def test_overlay_without_a_video_shows_the_skeleton_alone(clip, tmp_path):
    alone = prediction(clip, [0] * 20)
    del alone['filename']
    write_overlay(alone, tmp_path / 'overlay.mp4', show_progress=False)
    frames = list(read_frames(tmp_path / 'overlay.mp4'))
    assert len(frames) == 20
    picture = frames[3][:300].astype(int)
    plain = np.abs(picture - 45).max(axis=-1) < 10
    assert 0.9 < plain.mean() < 1
    assert not plain[150, 150:420].all()


@pytest.mark.parametrize(('size', 'width'), [((60000, 40000), 1280), ((1, 2000), 1920)])
def test_overlay_without_a_video_has_a_size_that_can_be_drawn(
    size, width, clip, tmp_path
):
    alone = prediction(clip, [0, 1], img_shape=size)
    del alone['filename']
    write_overlay(alone, tmp_path / 'overlay.mp4', show_progress=False)
    assert VideoFile.open(tmp_path / 'overlay.mp4').img_shape[1] == width


def test_skeleton_and_bar_have_the_colour_of_the_class(clip):
    overlay = Overlay(prediction(clip, [0] * 10 + [1] * 10), VideoFile.open(clip))
    for i, k in ((2, 0), (15, 1)):
        drawn = overlay.draw(grey(), i)
        # In pixels of the video, twice those of the keypoints.
        assert colors(drawn[180:220, 180:560])[k] > 0.05
        assert colors(drawn[180:220, 180:560])[1 - k] == 0
        assert colors(drawn[:150]).sum() == 0
        bar = drawn[-overlay.panel // 2 :]
        assert (colors(bar) > 0.1).all()


def test_cursor_moves_from_left_to_right(clip):
    overlay = Overlay(prediction(clip, [0] * 20), VideoFile.open(clip))
    places = []
    for i in (0, 10, 19):
        row = overlay.draw(grey(), i)[-overlay.panel // 3]
        places.append(np.flatnonzero((row == 255).all(axis=-1)).mean())
    assert places == sorted(places)
    assert places[0] < 50
    assert places[2] > 590


def test_joints_that_are_unsure_or_missing_are_not_drawn(clip):
    labelled = prediction(clip, [0] * 20)
    labelled['keypoint_score'][:] = 0.1
    drawn = Overlay(labelled, VideoFile.open(clip)).draw(grey(), 3)
    np.testing.assert_array_equal(drawn[:480], grey())


def test_labels_at_another_rate_go_by_time(clip):
    """At 5 labels a second, each belongs to two frames of the video."""
    overlay = Overlay(prediction(clip, [0] * 8, fps=5.0), VideoFile.open(clip))
    frames = [overlay.label_frame(i) for i in (0, 1, 2, 15, 16)]
    assert frames == [0, 0, 1, 7, None]
    assert colors(overlay.draw(grey(), 18)[:480]).sum() == 0


def test_video_without_skeletons_has_a_panel_alone(clip):
    labelled = prediction(clip, [-1] * 20)
    for key in ('keypoint', 'keypoint_score'):
        del labelled[key]
    overlay = Overlay(labelled, VideoFile.open(clip))
    drawn = overlay.draw(grey(), 3)
    np.testing.assert_array_equal(drawn[:480], grey())
    assert colors(drawn).sum() == 0


def test_text_shows_names_of_any_alphabet_and_length(clip):
    """A long name is truncated; the texts at the right stay."""
    name = 'die große Kiste ' * 20
    names = (['Öffnen', 'x'], ['Offnen', 'x'], [name, 'x'])
    panels = [
        Overlay(prediction(clip, [0] * 20, classes=classes), VideoFile.open(clip))
        .draw(grey(), 0)[480:]
        for classes in names
    ]  # fmt: skip
    assert (panels[0] != panels[1]).any()
    right = slice(-150, None)
    np.testing.assert_array_equal(panels[0][:, right], panels[2][:, right])


def test_each_person_has_the_colour_of_their_own_label(clip, tmp_path):
    """Names are above the heads, and each person has a bar below the picture."""
    one = prediction(clip, [0] * 20, person='ann')
    other = prediction(clip, [1] * 20, person='bob')
    # In the video's pixels, at the height of 400.
    other['keypoint'][..., 1] = 200
    overlay = PeopleOverlay([one, other], VideoFile.open(clip))
    drawn = overlay.draw(grey(), 5)
    for height, k in ((200, 0), (400, 1)):
        person = colors(drawn[height - 10 : height + 10, 180:560])
        assert person[k] > 0.05
        assert person[1 - k] == 0
        assert colors(drawn[height - 70 : height - 20, 330:390])[k] > 0.2
    panel = drawn[480:]
    assert (colors(panel) > 0.1).all()
    # A person who is absent has no tag.
    other['keypoint_score'][:] = 0
    alone = PeopleOverlay([one, other], VideoFile.open(clip)).draw(grey(), 5)
    assert colors(alone[300:480])[1] == 0
    path = tmp_path / 'overlay.mp4'
    write_overlay([one, other], path, show_progress=False)
    assert VideoFile.open(path).img_shape == overlay.img_shape


def test_tags_stay_within_the_picture():
    picture = np.zeros((60, 200, 3), np.uint8)
    frames = FramePicture((60, 200), ())
    for x, y in ((-900, -900), (900, 900), (100, 30)):
        frames.draw_tag(picture, 'ann', 0, 14, x, y)
    assert (colors(picture)[0] > 0.1).all()


@pytest.mark.parametrize('size', [(64, 48), (37, 51), (480, 2)])
def test_small_videos_are_enlarged(tmp_path, size):
    """So that text can be read, with even sides."""
    overlay = Overlay(prediction('', [0] * 20), VideoFile(tmp_path, 20, 10.0, size))
    height, width = overlay.img_shape
    assert max(overlay.size) == 480
    assert height % 2 == width % 2 == 0
    assert overlay.draw(np.zeros((*size, 3), np.uint8), 0).shape == (height, width, 3)
    one = prediction('', [0] * 20, person='ann')
    people = PeopleOverlay([one, one], VideoFile(tmp_path, 20, 10.0, size))
    drawn = people.draw(np.zeros((*size, 3), np.uint8), 0)
    assert drawn.shape == (*people.img_shape, 3)


def test_codec_that_cannot_be_written_is_told(clip, tmp_path):
    with raises_naming(ValueError, 'zzzz', 'mp4v'):
        write_overlay(
            prediction(clip, [0] * 20), tmp_path / 'o.mp4', codec='zzzz',
            show_progress=False,
        )  # fmt: skip
    assert not (tmp_path / 'o.mp4').exists()


def test_gif_has_ten_frames_a_second_of_half_the_size(clip, tmp_path):
    """Of 20 frames at 25 a second, every 2.5th; colours survive the palette."""
    found = prediction(clip, [0] * 10 + [1] * 10)
    write_gif(found, tmp_path / 'a.gif', show_progress=False)
    overlay = Overlay(found, VideoFile.open(clip))
    with Image.open(tmp_path / 'a.gif') as gif:
        assert (gif.n_frames, gif.info['duration'], gif.info['loop']) == (20, 100, 0)
        assert gif.size == (overlay.img_shape[1] // 2, overlay.img_shape[0] // 2)
        gif.seek(15)
        image = np.asarray(gif.convert('RGB'))[..., ::-1]
    # The label's square and the second half of the timeline.
    assert colors(image)[1] > 0.01
    fast = write_video(tmp_path / 'fast.mp4', [60] * 20, 25.0, (480, 640))
    write_gif(prediction(fast, [0] * 20, fps=25.0), tmp_path / 'b.gif')
    with Image.open(tmp_path / 'b.gif') as gif:
        assert gif.n_frames == 8


def test_gif_of_a_slow_video_lasts_as_long(tmp_path):
    slow = prediction('', [0] * 20, fps=5.0)
    del slow['filename']
    write_gif(slow, tmp_path / 'a.gif', show_progress=False)
    with Image.open(tmp_path / 'a.gif') as gif:
        assert (gif.n_frames, gif.info['duration']) == (20, 200)
        # The plain ground has no tint of the classes.
        assert gif.convert('RGB').getpixel((0, 0)) == (45, 45, 45)


def test_gif_of_a_long_video_is_refused(tmp_path):
    long = prediction('', [0] * 700)
    del long['filename']
    with raises_naming(UserError, tmp_path / 'a.gif', '70 s', '60 s'):
        write_gif(long, tmp_path / 'a.gif')
    assert not list(tmp_path.iterdir())


def white(image):
    return (image == 255).all(axis=-1)


def test_objects_are_drawn_in_white_which_no_class_has(clip):
    """A box as an outline in pixels of the video; a tool as dots; both named."""
    corners = [(20, 120), (80, 120), (80, 160), (20, 160)]
    box = np.tile(np.array(corners, np.float32), (20, 1, 1))
    tool = np.full((20, 2, 2), 200, np.float32)
    seen = np.repeat(np.arange(20) < 10, 4).reshape(20, 4).astype(np.float32)
    objects = [
        {'name': 'box 1', 'kind': 'box', 'points': box, 'score': seen},
        {'name': 'hammer', 'kind': 'tool', 'points': tool, 'score': seen[:, :2]},
    ]
    drawn = prediction(clip, [0] * 20, objects=objects)
    for overlay in (Overlay, PeopleOverlay):
        given = [drawn] if overlay is PeopleOverlay else drawn
        picture = overlay(given, VideoFile.open(clip))
        first, late = (picture.draw(grey(), i)[:480] for i in (3, 15))
        found = white(first)
        assert found[240:320, 38:42].mean() > 0.5
        assert not found[270:300, 60:140].any()
        assert found[398:402, 398:402].all()
        # The name of the tool is above it.
        assert found[360:396, 380:420].mean() > 0.1
        assert (late[280:] == 60).all()


@pytest.mark.parametrize(('body', 'above', 'below'), [(None, True, False),
                                                      (145, False, True),
                                                      (185, True, False)])  # fmt: skip
def test_names_of_objects_do_not_cover_bodies(body, above, below, clip):
    """A mouse at the height ``body`` is where the name of the cup would be."""
    cup = np.array([(90, 160), (110, 160), (110, 170), (90, 170)], np.float32)
    one = {'name': 'cup 1', 'kind': 'cup', 'points': np.tile(cup, (20, 1, 1)),
           'score': np.ones((20, 4), np.float32)}  # fmt: skip
    drawn = prediction(clip, [0] * 20, objects=[one])
    drawn['keypoint'][:] = 100, body or 0
    drawn['keypoint_score'][:] = body is not None
    for overlay, given in ((Overlay, drawn), (PeopleOverlay, [drawn])):
        found = white(overlay(given, VideoFile.open(clip)).draw(grey(), 3))
        tags = found[280:312, 185:215], found[348:380, 185:215]
        assert [tag.mean() > 0.2 for tag in tags] == [above, below]


def test_places_are_outlined_and_named(clip):
    """In pixels of the video, which is twice the image; known lengths are no places."""
    nest = {'name': 'nest', 'shape': 'polygon'}
    nest['points'] = [[20, 120], [80, 120], [80, 160], [20, 160]]
    places = [
        nest,
        {'name': 'bowl', 'shape': 'circle', 'points': [[200, 200]], 'radius': 10},
        {'name': 'lamp', 'shape': 'point', 'points': [[300, 30]]},
        {'name': 'door', 'shape': 'point', 'points': [[5, 5]], 'space': 'floor'},
        {'name': '40 cm', 'shape': 'line', 'points': [[150, 220], [310, 220]]},
    ]
    drawn = prediction(clip, [0] * 20, places=places)
    for overlay in (Overlay, PeopleOverlay):
        given = [drawn] if overlay is PeopleOverlay else drawn
        picture = overlay(given, VideoFile.open(clip)).draw(grey(), 3)[:480]
        white = near(picture, '#FFFFFF', tolerance=60)
        assert white[240:320, 40].mean() > 0.9
        assert white[400, [380, 420]].all()
        # The name is within the upper left corner; the rest of the inside is free.
        assert white[244:270, 44:100].mean() > 0.02
        assert not white[275:315, 60:155].any()
        assert white[50:70, 590:610].any()
        assert not white[430:].any()
        assert not white[:20].any()
