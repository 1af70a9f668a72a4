"""The same behavior in the files of tools of other labs, as each of them writes it."""

import json

FPS, FRAMES = 25, 100
# First frame, frame after the last, and behavior; of the rest, nothing is known.
BOUTS = [(10, 35, 'attack'), (40, 60, 'sniff'), (60, 70, 'attack')]
NAMES = ('attack', 'sniff')
NOLDUS = ('State start', 'State stop')


def holds(name, frame, bouts=BOUTS):
    return int(any(a <= frame < b and own == name for a, b, own in bouts))


def text(path, lines, encoding='utf-8'):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes('\n'.join([*lines, '']).encode(encoding))
    return path


def rows(path, table, separator=',', **more):
    return text(path, [separator.join(map(str, row)) for row in table], **more)


def workbook(path, *sheets):
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for table in sheets:
        sheet = book.create_sheet()
        for row in table:
            sheet.append(row)
    book.save(path)
    return path


def simba_table(bouts=BOUTS):
    joints = [f'{part}_{axis}' for part in ('nose_1', 'tail_1') for axis in 'xyp']
    table = [['', *joints, 'speed', *NAMES]]
    for i in range(FRAMES):
        points = [100 + i, 50, 0.9, 80 + i, 60, 0.8]
        table.append([i, *points, i / 7, *(holds(n, i, bouts) for n in NAMES)])
    return table


def simba(folder, bouts=BOUTS):
    """Write a project folder; return the table of a video."""
    project = folder / 'project_folder'
    rows(
        project / 'logs' / 'video_info.csv',
        [
            ['Video', 'fps', 'Resolution_width', 'Resolution_height', 'pixels/mm'],
            ['take1', FPS, 640, 480, 1.5],
        ],
    )
    text(
        project / 'project_config.ini',
        ['[SML settings]', 'no_targets = 2']
        + [f'target_name_{i} = {name}' for i, name in enumerate(NAMES, 1)],
    )
    path = project / 'csv' / 'targets_inserted' / 'take1.csv'
    return rows(path, simba_table(bouts))


def simba_alone(folder):
    return rows(folder / 'take1.csv', simba_table())


def deepethogram(folder):
    table = [['', 'background', *NAMES]]
    for i in range(FRAMES):
        # Nobody has looked at the rest.
        label = [holds(name, i) for name in NAMES]
        table.append([i, 0, *label] if any(label) else [i, -1, -1, -1])
    return rows(folder / 'take1_labels.csv', table)


def solomon(folder):
    table = [['Time', 'Light', 'Behaviour']]
    for i in range(FRAMES):
        label = next((name for name in NAMES if holds(name, i)), '')
        table.append([i / FPS, 'Off', label])
    return rows(folder / 'take1.csv', table)


def bento(folder, stop=-1):
    """Write seconds; the stop is the last frame, or with 0 the one after it."""
    lines = [
        'Bento annotation file', 'Movie file(s):  C:\\a\\take1.seq', '',
        'Stimulus name: ', 'Annotation start frame: 1',
        f'Annotation stop frame: {FRAMES}', f'Annotation framerate: {FPS:.6f}', '',
        'List of channels:', 'Ch1', '', 'List of annotations:', *NAMES, '',
        'Ch1----------',
    ]  # fmt: skip
    for name in NAMES:
        lines += [f'>{name}', 'Start\t Stop\t Duration ']
        for start, end, own in BOUTS:
            times = (start / FPS, (end + stop) / FPS, (end - start) / FPS)
            lines += ['\t'.join(f'{t:.12g}' for t in times)] * (own == name)
        lines.append('')
    return text(folder / 'take1.annot', [*lines, ''])


def mars(folder):
    """Write frames from 1, without a frame rate, as old versions do."""
    lines = [
        'Bento annotation file', 'Movie file(s):', '', '', 'Stimulus name:',
        'Annotation start frame: 1', f'Annotation stop frame: {FRAMES}', '',
        'List of channels:', 'classifier_output', '', 'List of annotations:', *NAMES,
        '', 'classifier_output----------',
    ]  # fmt: skip
    for name in NAMES:
        lines += [f'>{name}', 'Start\tStop\tDuration']
        for start, end, own in BOUTS:
            lines += [f'{start + 1}\t{end}\t{end - start}\t'] * (own == name)
        lines.append('')
    return text(folder / 'take1.annot', [*lines, ''])


def caltech(folder):
    lines = [
        'Caltech Behavior Annotator - Annotation File', '', 'Configuration file:',
        *(f'{name} {name[0]}' for name in NAMES), '',
        'S1: start    end     type', '-----------------------------',
    ]  # fmt: skip
    lines += [f'{start + 1:8}   {end:6}     {name}' for start, end, name in BOUTS]
    return text(folder / 'take1.txt', lines)


def _events():
    found = []
    for start, end, name in BOUTS:
        found += [(start / FPS, name, 0), (end / FPS, name, 1)]
    return sorted(found, key=lambda event: (event[0], -event[2]))


def observer_table():
    table = [['Time_Relative_hmsf', 'Observation', 'Subject', 'Behavior', 'Event_Type']]
    for time, name, kind in _events():
        clock = f'00:00:{time:06.3f}'
        table.append([clock, 'take1', 'mouse', name, NOLDUS[kind]])
    return [*table, ['00:00:03.500', 'take1', 'mouse', 'squeak', 'Point']]


def observer(folder):
    path = folder / 'export.txt'
    return rows(path, observer_table(), '\t', encoding='utf-16')


def observer_xlsx(folder):
    return workbook(folder / 'export.xlsx', observer_table())


def _ethovision(columns, units, data, stated=()):
    head = [
        *stated,
        ['Experiment', 'mice'],
        ['Video file', 'D:\\video\\take1.mp4'],
        [''],
    ]
    count = len(head) + 3
    table = [['Number of header lines:', count], *head, columns, units, *data]
    return [[*row, *[''] * (len(columns) - len(row))] for row in table]


def ethovision_track():
    data = []
    for i in range(FRAMES):
        label = [holds(name, i) for name in NAMES]
        data.append([i / FPS, i / FPS, 12.5, *(label if any(label) else '--')])
    columns = ['Trial time', 'Recording time', 'X center', *NAMES]
    return _ethovision(columns, ['s', 's', 'cm', '', ''], data)


def ethovision(folder):
    quoted = [
        [f'"{value}"'.replace('.', ',') if value != '' else '' for value in row]
        for row in ethovision_track()
    ]
    quoted[2][1] = '"D:\\video\\take1.mp4"'
    return rows(folder / 'Track-Arena 1.txt', quoted, ';', encoding='utf-16')


def ethovision_xlsx(folder, stated=()):
    """Write a workbook with a track, and the log of manual scoring as last sheet."""
    log = [[time, time, name, NOLDUS[kind].lower()] for time, name, kind in _events()]
    log.insert(0, [0, 0, 'start', 'point event'])
    columns = ['Trial time', 'Recording time', 'Behavior', 'Event']
    sheet = _ethovision(columns, ['s', 's', '', ''], log, stated)
    track = _ethovision(['Trial time', 'In zone'], ['s', ''], [[0, 1], [0.04, 0]])
    return workbook(folder / 'Raw data.xlsx', track, sheet)


def jabs_content(absent=()):
    blocks = {name: [] for name in NAMES}
    for start, end, name in BOUTS:
        blocks[name].append({'start': start, 'end': end - 1, 'present': True})
    for start, end, name in absent:
        blocks[name].append({'start': start, 'end': end - 1, 'present': False})
    own = {'1': blocks}
    return {
        'version': 1, 'file': 'take1.avi', 'num_frames': FRAMES, 'labels': own,
        'unfragmented_labels': own, 'external_identities': {'0': 7, '1': 8},
        'metadata': {'project': {}, 'video': {}},
    }  # fmt: skip


def jabs(folder, absent=()):
    return text(folder / 'take1.json', [json.dumps(jabs_content(absent))])


#: By tool: what writes the file, and the options that are needed to read it.
TOOLS = {
    'simba': (simba, {}),
    'simba alone': (simba_alone, {'fps': FPS}),
    'deepethogram': (deepethogram, {'fps': FPS}),
    'solomon': (solomon, {}),
    'bento': (bento, {}),
    'bento of MARS': (mars, {'fps': FPS}),
    'bento with the frame after': (lambda folder: bento(folder, 0), {}),
    'caltech': (caltech, {'fps': FPS}),
    'observer': (observer, {}),
    'observer xlsx': (observer_xlsx, {}),
    'ethovision': (ethovision, {}),
    'ethovision xlsx': (ethovision_xlsx, {}),
    'jabs': (jabs, {'fps': FPS}),
}


def calms21_content(videos=('take1',), frames=FRAMES, part='train'):
    """Return two mice of seven joints; a class of each frame, ``other`` the rest."""
    vocab = {'attack': 0, 'sniff': 1, 'other': 2}
    label = [
        next((vocab[name] for name in NAMES if holds(name, i)), 2)
        for i in range(frames)
    ]
    group = {}
    for name in videos:
        # Frame, mouse, x and y, joint.
        points = [
            [
                [[100 * m + 10 * v + i for v in range(7)], [50 + v for v in range(7)]]
                for m in (1, 2)
            ]
            for i in range(frames)
        ]
        group[f'task1/{part}/{name}'] = {
            'keypoints': points,
            'scores': [[[0.5] * 7] * 2] * frames,
            'annotations': label,
            'metadata': {'vocab': vocab},
        }
    return {'annotator-id_0': group}


def calms21(folder, **more):
    path = folder / 'calms21_task1_train.json'
    return text(path, [json.dumps(calms21_content(**more))])


def mabe(folder):
    """Return a row of 0 and 1 for each class."""
    rows = [[holds(name, i) for i in range(FRAMES)] for name in NAMES]
    mice = [[[10, 2], [3, 4]], [[5, 10], [7, 8]], [[9, 10], [1, 8]]]
    own = {'take1': {'keypoints': [mice] * FRAMES, 'annotations': rows}}
    content = {'vocabulary': NAMES, 'sequences': own}
    return text(folder / 'user_train.json', [json.dumps(content)])


TOOLS['calms21 of MABe'] = (mabe, {'fps': FPS})
