"""The ethogram: tiers of classes, with their keys, colours, groups and descriptions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from mmskelseg_io.files.typed import typed
from mmskelseg_io.labels import ClassInfo
from mmskelseg_io.messages.errors import UserError, check_name, shown, unlike
from mmskelseg_io.structures.tiers import Tier

_TEXTS = ('key', 'color', 'description', 'group')
#: The id of a class that the page adds.
NEW = -1
# The most classes of a tier, with those that were deleted.
_MOST = 2000


def check_number(classes: int, tier: str) -> None:
    """Raise a UserError if a tier would have too many classes."""
    if classes > _MOST:
        raise UserError(
            f'The tier {tier!r} would have {classes} classes or more, but at most '
            f'{_MOST} are allowed; check that the file lists classes, not segments.'
        )


@dataclass(frozen=True)
class LabelClass:
    """A class, to which labels refer by its id, whatever its name and place.

    Attributes:
        key: The key chosen for it, a character or F1 to F12; '' is the next free one.
        color: Such as ``#0072b2``; '' is that of its id.
        group: What it is shown with.
    """

    id: int = NEW
    name: str = ''
    key: str = ''
    color: str = ''
    description: str = ''
    group: str = ''

    def info(self, tier: str) -> ClassInfo:
        """Return what files of other tools have of it."""
        return ClassInfo(self.name, tier, **{t: getattr(self, t) for t in _TEXTS})


@dataclass(frozen=True)
class LabelTier:
    """A tier of labels.

    Attributes:
        name: '' for the only one.
        classes: In the order in which they are shown and learnt.
        background: The id of the background class.
        kind: ``states``, or ``points`` for moments, which last a frame and may share
            it. Models learn states alone.
        made: How many classes it has ever had; ids are below. No id is given twice,
            since undoing may bring back labels of a class that was deleted.
    """

    name: str
    classes: tuple[LabelClass, ...] = ()
    background: int | None = None
    made: int = 0
    kind: Literal['states', 'points'] = 'states'

    @classmethod
    def of(
        cls,
        name: str,
        classes: Iterable[str],
        background: int | None = None,
        colors: Mapping[str, str] | None = None,
    ) -> 'LabelTier':
        """Return a tier with classes of these names."""
        paints = colors or {}
        own = tuple(
            LabelClass(k, one, color=paints.get(one, ''))
            for k, one in enumerate(classes)
        )
        return cls(name, own, background, len(own))

    @property
    def is_points(self) -> bool:
        """Whether it has moments."""
        return self.kind == 'points'

    @property
    def names(self) -> dict[int, str]:
        """The names of the classes by their ids."""
        return {one.id: one.name for one in self.classes}

    @property
    def ids(self) -> dict[str, int]:
        """The ids of the classes by their names."""
        return {one.name: one.id for one in self.classes}

    def with_class(self, name: str) -> 'LabelTier':
        """Return the tier with a further class.

        Raises:
            UserError: If there are too many.
        """
        check_number(self.made + 1, self.name)
        classes = (*self.classes, LabelClass(self.made, name))
        return replace(self, classes=classes, made=self.made + 1)

    def plain(self) -> Tier:
        """Return the tier as a data set states it, with ids in the order of classes."""
        ids = list(self.names)
        other = None if self.background is None else ids.index(self.background)
        colors = {one.name: one.color for one in self.classes if one.color}
        return Tier(self.name, tuple(self.ids), other, slice(0, len(ids)), colors)

    def as_dict(self) -> dict[str, Any]:
        """Return what a file has of it."""
        classes = [
            {key: value for key, value in asdict(one).items() if value != ''}
            for one in self.classes
        ]
        return {**asdict(self), 'classes': classes}


@dataclass(frozen=True)
class Edit:
    """The tiers before and after a change of the ethogram."""

    before: Sequence[LabelTier]
    after: Sequence[LabelTier]

    def as_dict(self) -> dict[str, Any]:
        """Return what a file has of it."""
        return {
            side: [tier.as_dict() for tier in tiers]
            for side, tiers in (('before', self.before), ('after', self.after))
        }

    def between(
        self, tiers: Sequence[LabelTier], wanted: Sequence[LabelTier]
    ) -> list[LabelTier]:
        """Return the wanted ones, the tiers of one side, as they follow from others.

        Classes and tiers that files have added since stay, and no id is given anew.
        """
        found = []
        for i, (now, tier) in enumerate(zip(tiers, wanted, strict=False)):
            made = max(side[i].made for side in (self.before, self.after) if side[i:])
            classes = [*tier.classes]
            for one in now.classes:
                if one.id >= made:
                    while one.name in {other.name for other in classes}:
                        one = replace(one, name=f'{one.name} 2')
                    classes.append(one)
            made = max(now.made, tier.made)
            found.append(replace(tier, classes=tuple(classes), made=made))
        since = tiers[max(len(self.before), len(self.after)) :]
        return [*found, *wanted[len(tiers) :], *since]


def read_tiers(given: Any, place: str) -> list[LabelTier]:
    """Return the tiers that a file states, after checking them.

    Raises:
        UserError: If one of its values does not fit.
    """
    tiers: list[LabelTier] = []
    where = place.removesuffix(': ')
    remedy = 'restore it from a backup'
    for i, tier in enumerate(typed(given, list[LabelTier], where, remedy, 'tiers')):
        where = f'{place}tiers[{i}]'
        classes = tuple(_class(one, one.id) for one in tier.classes)
        ids, made = [one.id for one in classes], tier.made
        if len({*ids}) < len(ids) or not all(0 <= k < made for k in ids):
            expected = f'different ones from 0 to {made - 1}'
            raise UserError(unlike(f'{where}.classes, ids', ids, expected, remedy))
        tiers.append(replace(tier, classes=classes))
    check_tiers(tiers, place)
    return tiers


def edited_tiers(tiers: Sequence[LabelTier], given: Any) -> list[LabelTier]:
    """Return tiers as the page wants them, with new ids for new classes.

    Tiers without classes may be missing at the end.

    Raises:
        UserError: If one of its values does not fit, or another tier is missing.
    """
    given = typed(given, list[LabelTier], 'the request', 'reload the page', 'tiers')
    if any(tier.classes for tier in tiers[len(given) :]):
        raise UserError(
            f'{len(given)} of {len(tiers)} tiers were sent, and another has classes; '
            'reload the page.'
        )
    found = []
    for i, wish in enumerate(given):
        tier = tiers[i] if tiers[i:] else LabelTier('', kind=wish.kind)
        classes, made = [], tier.made
        for one in wish.classes:
            if one.id not in (NEW, *tier.names):
                expected = f'one of {shown([*tier.names])}'
                raise UserError(unlike('class', one.id, expected))
            classes.append(_class(one, made if one.id == NEW else one.id))
            made += one.id == NEW
        kept = {one.id for one in classes}
        other = tier.background if tier.background in kept else None
        own = tuple(classes)
        found.append(LabelTier(wish.name.strip(), own, other, made, tier.kind))
    check_tiers(found)
    return found


def _class(given: LabelClass, number: int) -> LabelClass:
    """Return a class of a file or of the page, with an id."""
    texts = {text: ' '.join(getattr(given, text).split()) for text in _TEXTS}
    texts['color'] = texts['color'].lower()
    return LabelClass(number, given.name.strip(), **texts)


def check_tiers(tiers: Sequence[LabelTier], place: str = '') -> None:
    """Raise a UserError unless tiers are consistent; messages begin with a place."""
    names = [tier.name for tier in tiers]
    states = [tier.name for tier in tiers if not tier.is_points]
    nameless = names.count('') > (states == [''])
    if not states or len({*names}) < len(names) or nameless:
        expected = 'at least one of states, each with its own'
        raise UserError(unlike(f'{place}the names of tiers', names, expected))
    for i, tier in enumerate(tiers):
        where = f'{place}tiers[{i}]' if place else 'The tier'
        check_name(tier.name, f'{where}.name')
        check_number(max(tier.made, len(tier.classes)), tier.name)
        where = f'{where}.classes: ' if place else ''
        for one in tier.classes:
            one.info('').check(where)
        for text in ('name', 'key'):
            counts = Counter(getattr(one, text) for one in tier.classes)
            for value, count in counts.items():
                if value and count > 1:
                    raise UserError(
                        f'{where}{count} classes have the {text} {value!r}; give each '
                        'its own.'
                    )
        if tier.background is not None and tier.background not in tier.names:
            what, expected = f'{place}tiers[{i}].background', shown([*tier.names])
            raise UserError(unlike(what, tier.background, f'one of the ids {expected}'))


def points_tier(names: Iterable[str]) -> LabelTier:
    """Return the tier of point events."""
    return replace(LabelTier.of('points', names), kind='points')


def with_infos(
    tiers: Sequence[LabelTier], infos: Sequence[ClassInfo], notes: list[str]
) -> list[LabelTier]:
    """Return tiers of a new project, with the classes that files state before others.

    If there is one without a name, files with several name them; see :func:`add_infos`.
    """
    if [tier.name for tier in tiers] == [''] and len(_stated_tiers(infos)) > 1:
        tiers = [LabelTier('')]
    found = []
    for tier in add_infos(tiers, infos, notes):
        of_tier = [one.name for one in infos if one.tier == tier.name]
        stated = [*dict.fromkeys([*of_tier, *(one.name for one in infos)]), *tier.ids]
        own = sorted(tier.classes, key=lambda one: stated.index(one.name))
        found.append(replace(tier, classes=tuple(own)))
    return found


def add_infos(
    tiers: Sequence[LabelTier], infos: Iterable[ClassInfo], notes: list[str]
) -> list[LabelTier]:
    """Return tiers with what files state of classes, where it is not known.

    Tiers are added if files state several. A class that states none of the tiers
    belongs to one that has it, else to the first. What differs from a known class, and
    keys that another class of the tier has, are noted and left out.
    """
    infos, found = [*infos], [*tiers]
    names = [tier.name for tier in found]
    missing = [name for name in _stated_tiers(infos) if name not in names]
    if missing and '' in names:
        i = names.index('')
        name = 'actions' if found[i].made else missing.pop(0)
        found[i] = replace(found[i], name=name)
    found += [LabelTier(name) for name in missing]
    points = next((i for i, tier in enumerate(found) if tier.is_points), len(found))
    if any(one.kind == 'point' for one in infos) and points == len(found):
        found.append(points_tier([]))
    states = [i for i, tier in enumerate(found) if not tier.is_points]
    for info in infos:
        named = [i for i in states if info.tier == found[i].name]
        having = [i for i in states if info.name in found[i].ids]
        i = points if info.kind == 'point' else [*named, *having, states[0]][0]
        found[i] = _with_info(found[i], info, notes)
    return found


def _stated_tiers(infos: Iterable[ClassInfo]) -> list[str]:
    """Return the tiers that files state, if there are several."""
    stated = [*dict.fromkeys(one.tier for one in infos if one.kind == 'state')]
    return stated if len(stated) > 1 and '' not in stated else []


def _with_info(tier: LabelTier, info: ClassInfo, notes: list[str]) -> LabelTier:
    """Return a tier with what a file states of a class."""
    if info.name not in tier.ids:
        tier = tier.with_class(info.name)
    known = tier.ids[info.name]
    keys = {one.key: one.name for one in tier.classes if one.id != known}
    classes = []
    for one in tier.classes:
        for text in _TEXTS if one.id == known else ():
            here, there = getattr(one, text), getattr(info, text)
            if here and there not in ('', here):
                kept = f'the {text} {here!r}, not the {there!r} of the file'
                notes.append(f'the class {info.name!r} keeps {kept}')
            elif there and text == 'key' and there in keys:
                lacks = f'lacks its key {there!r}, which {keys[there]!r} has'
                notes.append(f'the class {info.name!r} {lacks}')
            else:
                one = replace(one, **{text: here or there})
        classes.append(one)
    return replace(tier, classes=tuple(classes))
