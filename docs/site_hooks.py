"""What MkDocs does not do by itself for the site: pages and links outside of docs/.

Pages lie on the site as in the repository, but for docs/, which is its root. The API
reference has a page for each folder of the five packages, and the page of the commands
is made from their help. Each notebook becomes a page with the outputs that are kept in
it.
"""

import argparse
import ast
import base64
import json
import posixpath
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any
from unittest.mock import patch

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from mmskelseg.commands.share import Share
from mmskelseg.converters.precog import ConvertPRECOG
from mmskelseg_io.files.annotations import load_annotations, videos_of_split
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.poses import Poses, write_npz

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = [ROOT / 'mmskelseg', *sorted(ROOT.glob('packages/*/mmskelseg_*/'))]
_PAGES = ('SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md')
OUTSIDE = [ROOT / name for name in _PAGES]
OUTSIDE += sorted(ROOT.glob('configs/*/README.md'))
OUTSIDE += sorted(ROOT.glob('benchmarks/studies/*.md'))
OUTSIDE += sorted(ROOT.glob('projects/*/*.md'))
STUDIES = ('benchmarks/', 'projects/')
NOTEBOOKS = sorted(ROOT.glob('docs/tutorials/*.ipynb'))
# Not of ours, and only for those who miss a package.
WITHOUT_REFERENCE = ('stand_ins',)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Complete the navigation, and take the repository's address from pyproject."""
    project = (ROOT / 'pyproject.toml').read_text('utf-8')
    config.repo_url = re.findall(r"^Repository = '(.*)'$", project, re.M)[0]
    config.repo_name = config.repo_url.rpartition('/')[2]
    outside = [outside_path(path) for path in OUTSIDE]
    pages: dict[str, list] = {
        'api': [
            {name: [f'api/{room}.md' for room in own]} for name, own in rooms().items()
        ],
        'configs': [p for p in outside if p.startswith('configs/')],
        'studies': [p for p in outside if p.startswith(STUDIES)],
    }
    config.nav = [filled(item, pages) for item in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add pages outside of docs/, of notebooks, of commands and of the reference."""
    for path in OUTSIDE:
        text = path.read_text('utf-8')
        files.append(File.generated(config, outside_path(path), content=text))
    for path in NOTEBOOKS:
        page, pictures = notebook_page(path, f'{config.repo_url}/blob/main/')
        made: dict[str, str | bytes] = {f'{path.stem}.md': page, **pictures}
        for name, content in made.items():
            files.append(File.generated(config, f'tutorials/{name}', content=content))
    for room in chain.from_iterable(rooms().values()):
        text = reference(room)
        files.append(File.generated(config, f'api/{room}.md', content=text))
    files.append(File.generated(config, 'commands.md', content=command_page()))
    files.append(File.generated(config, 'precog.html', content=demonstration()))
    return files


def demonstration() -> str:
    """Return the page that runs `precog`, with a recording of a person new to it."""
    events = PrintedEvents()
    with TemporaryDirectory() as name:
        folder = Path(name)
        file = ConvertPRECOG(out=folder, layout='body12').run(events)
        (video, *_) = videos_of_split(load_annotations(file), 'test', file)
        joints = video['keypoint'], video['keypoint_score'], 'body12'
        sample = folder / f'{video["frame_dir"]}.npz'
        write_npz(Poses(*joints, fps=video['fps']), sample)
        page = folder / 'precog.html'
        Share(files=['precog'], page=page, sample=sample).run(events)
        return page.read_text('utf-8')


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Let links to files of the repository lead to pages of the site, or to GitHub."""
    if page.is_homepage:
        page.meta['hide'] = ['navigation', 'toc']
    here = page.file.src_uri
    # Guides come before modules and studies.
    boost = 0.5 if here.startswith(('api/', *STUDIES)) else 2
    page.meta.setdefault('search', {'boost': boost})
    source = here if (ROOT / here) in OUTSIDE else f'docs/{here}'

    def moved(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ''
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        on_site = re.sub(r'\.ipynb$', '.md', path.removeprefix('docs/'))
        if files.get_file_from_path(on_site):
            new = posixpath.relpath(on_site, posixpath.dirname(here) or '.')
        elif (ROOT / path).exists():
            new = f'{config.repo_url}/blob/main/{path}'
        else:
            # Left as it is: MkDocs reports it.
            new = target
        return f']({new}{anchor})'

    return re.sub(r'\]\(((?!\w+:)[^)#\s]+)(#[^)\s]+)?\)', moved, markdown)


class DocstringMarkdown(griffe.Extension):
    """Turns what Sphinx or doctest read in docstrings into Markdown."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Fence the examples, and take the roles off names."""
        if obj.docstring:
            text = re.sub(r':[a-z]+:`[~.]*', '`', obj.docstring.value)
            examples = re.compile(r'^( *)(>>> .*(?:\n\1\S.*)*)', re.M)
            obj.docstring.value = examples.sub(r'\1```pycon\n\1\2\n\1```', text)


def outside_path(path: Path) -> str:
    """Return where a file of the repository lies on the site."""
    return path.relative_to(ROOT).as_posix()


def notebook_page(path: Path, address: str) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as Markdown, and its pictures by their names beside the page.

    Args:
        path: The notebook.
        address: What links to files of the repository begin with. They are whole in
            notebooks, which people open elsewhere, and relative on the site.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in json.loads(path.read_text('utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown':
            parts.append(source.replace(f']({address}', '](../../'))
            continue
        language = 'bash' if source.startswith(('!', '%%')) else 'python'
        parts.append(f'```{language}\n{source}\n```')
        for output in cell['outputs']:
            data = output.get('data', {})
            if 'image/png' in data:
                name = f'{path.stem}_{len(pictures) + 1}.png'
                pictures[name] = base64.b64decode(data['image/png'])
                parts.append(f'![Picture made by the cell above]({name})')
            else:
                text = ''.join(output.get('text', data.get('text/plain', '')))
                parts.append(f'```text\n{text.rstrip()}\n```')
    return '\n\n'.join(parts), pictures


class HelpAskedError(Exception):
    """Raised where a command would print its help."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def command_page() -> str:
    """Return the page of all commands: the list, and the help of each."""
    lines = ['# Commands', '', '| `mmskelseg` | To |', '|---|---|']
    names = names_in(parser_of([]))
    for name, text in names.items():
        lines.append(f'| [`{name}`](#mmskelseg-{name}) | {text} |')
    for name in names:
        parser = parser_of([name])
        lines += command_part(parser, '##')
        for inner in names_in(parser):
            lines += command_part(parser_of([name, inner]), '###')
    return '\n'.join(lines)


def names_in(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the commands that the end of a help lists, with a line for each."""
    if (parser.epilog or 'examples').startswith('examples'):
        return {}
    return dict(re.findall(r'^ +(\S+) {2,}(.*)$', parser.epilog or '', re.M))


def parser_of(words: list[str]) -> argparse.ArgumentParser:
    """Return the parser that prints the help of a command."""
    from mmskelseg_io.jobs import main

    def show(parser: argparse.ArgumentParser, file: object = None) -> None:
        raise HelpAskedError(parser)

    with patch.object(argparse.ArgumentParser, 'print_help', show):
        try:
            main([*words, '--help'])
        except HelpAskedError as asked:
            return asked.parser
    raise ValueError(f'{words} have no help.')


def command_part(parser: argparse.ArgumentParser, level: str) -> Iterator[str]:
    """Yield the help of a command, and of its parts, as lines of Markdown."""
    yield from ('', f'{level} {parser.prog}', '')
    yield from help_text(parser.description or '', parser.prog)
    parts: list[argparse.ArgumentParser] = []
    for group in parser._action_groups:
        rows = []
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                parts += action.choices.values()
            elif action.help and not isinstance(action, argparse._HelpAction):
                rows.append(argument_row(action, parser.prog))
        if rows and not names_in(parser):
            title = (group.title or '').removeprefix('positional ')
            yield from ('', f'| {title[:1].upper()}{title[1:]} | |', '|---|---|', *rows)
    if parser.epilog and not names_in(parser):
        examples = parser.epilog % {'prog': parser.prog}
        examples = dedent(examples.partition('\n')[2]).strip()
        yield from ('', '```bash', examples, '```')
    for part in parts:
        yield from command_part(part, f'{level}#')


def argument_row(action: argparse.Action, prog: str) -> str:
    """Return an argument as a row of a table: its name and value, and its help."""
    value = action.metavar or ('' if action.nargs == 0 else action.dest.upper())
    meaning = argparse.HelpFormatter(prog)._expand_help(action)
    if action.choices and not action.metavar:
        value = 'NAME'
        meaning += f'. One of {", ".join(map(str, action.choices))}'
    dots = ' ...' if action.nargs in ('+', '*') else ''
    if action.nargs == '?':
        value = f'[{value}]'
    names = ', '.join(action.option_strings) or action.dest
    shown = f'{names} {value}' if action.option_strings else f'{value or names}'
    return f'| `{escaped(shown + dots)}` | {linked(escaped(meaning))} |'


def help_text(text: str, prog: str) -> Iterator[str]:
    """Yield the lines of a help, with what is indented in it as code."""
    for block in re.split(r'\n{2,}', (text % {'prog': prog}).strip('\n')):
        if block.startswith('  '):
            language = 'bash' if block.lstrip().startswith('mmskelseg') else 'text'
            yield from ('', f'```{language}', dedent(block), '```')
        else:
            yield from ('', linked(block.replace('<', '&lt;')))


def escaped(text: str) -> str:
    """Return a text for a cell of a table."""
    return ' '.join(text.split()).replace('|', '\\|')


def linked(text: str) -> str:
    """Return a text in which pages that it names are links."""
    return re.sub(r'\bdocs/([\w/]+)\.md', r'[\1](\1.md)', text)


def filled(item: object, pages: dict[str, list]) -> object:
    """Return an entry of the navigation with pages in place of their folder."""
    if isinstance(item, dict):
        return {key: filled(value, pages) for key, value in item.items()}
    if isinstance(item, list):
        return [filled(value, pages) for value in item]
    return pages.get(item, item) if isinstance(item, str) else item


def rooms() -> dict[str, list[str]]:
    """Return the folders and modules of each package that have a page."""
    return {
        package.name: [
            f'{package.name}.{path.stem}'
            for path in sorted(package.iterdir())
            if (path.suffix == '.py' or is_package(path)) and path.stem[0] != '_'
        ]
        for package in PACKAGES
        if is_package(package)
    }


def is_package(path: Path) -> bool:
    """Return whether a path is a folder with Python modules."""
    return (path / '__init__.py').is_file()


def reference(room: str) -> str:
    """Return the page of a room: what it is for, and each of its modules."""
    (package,) = (p for p in PACKAGES if p.name == room.partition('.')[0])
    path = package / room.partition('.')[2]
    lines = [f'# {room}', '']
    for module in modules(path if is_package(path) else path.with_suffix('.py')):
        name = name_of(module)
        tree = ast.parse(module.read_text('utf-8'))
        if name != room:
            lines += [f'## {name}', '']
        # Their own names only: what they import is documented where it is written.
        own = [
            node.name
            for node in tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
            and not node.name.startswith('_')
        ]
        lines += [
            f'::: {name}',
            '    options:',
            f'      members: {own or "false"}',
            '      show_root_heading: false',
            '      show_root_toc_entry: false',
            '',
        ]
        exported = exports(tree, module) if module.name == '__init__.py' else {}
        if exported:
            # Optional, since constants have no entry to lead to.
            links = ', '.join(
                f'<autoref identifier="{place}" optional><code>{word}</code></autoref>'
                for word, place in exported.items()
            )
            lines += [f'To import from here: {links}.', '']
    return '\n'.join(lines)


def name_of(module: Path) -> str:
    """Return the dotted name of the file of a module."""
    (package,) = (p for p in PACKAGES if p in module.parents)
    parts = module.relative_to(package.parent).with_suffix('').parts
    return '.'.join(parts).removesuffix('.__init__')


def modules(path: Path) -> Iterator[Path]:
    """Yield the files of a room, a package before its modules."""
    if path.suffix == '.py':
        yield path
        return
    yield path / '__init__.py'
    for child in sorted(path.iterdir()):
        if child.suffix == '.py' and not child.name.startswith('_'):
            yield child
        elif is_package(child) and child.name not in WITHOUT_REFERENCE:
            yield from modules(child)


def exports(tree: ast.Module, package: Path) -> dict[str, str]:
    """Return what a package forwards, with where it is documented."""
    here = name_of(package)
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '__all__':
            names = [e.value for e in ast.walk(node) if isinstance(e, ast.Constant)]
            return {name: f'{here}.{name}' for name in names if isinstance(name, str)}
    if 'part_finder' not in ast.unparse(tree):
        return {}
    return {
        node.name: f'{name_of(module)}.{node.name}'
        for module in modules(package.parent)
        for node in ast.parse(module.read_text('utf-8')).body
        if isinstance(node, ast.ClassDef)
        and any('register_module' in ast.unparse(d) for d in node.decorator_list)
    }
