"""The language in which resource types are declared.

A type is a class below `Resource`; its fields are class attributes made by `text()`, `number()`, `ref()` and so on; its
state machine is a small table of arrows (`machine`). From that alone derive: schema documents per role and
validation (`api/`), tables and columns (`store/tables.py`), links and valid actions in every answer, the UI's forms.

The same class is the typed row: reading a field of an instance gives the stored value (None where it is null). Python
names are snake_case, names on the wire camelCase; `wire_name` is the only place that converts.
Next in the flow: `resources/`, which uses this language, and `store/tables.py`, which reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, overload

T = TypeVar("T")
R = TypeVar("R", bound="Resource")

ROLES = (
    "project",
    "user",
    "readonly",
    "admin",
    "service",
    "agent",
    "agentRegister",
    "token",
    "register",
    "superadmin",
)
"""Every view of the API. `owner`, `member` are `project`; `restricted` and `readAdmin` narrow `project`, `admin`."""
PEOPLE = ("project", "user", "readonly", "admin", "service")
"""Everybody but machines that register, report or log somebody in."""
MEMBERS = ("project", "service")
ADMINS = ("admin", "service")
AGENTS = ("agent",)
OPERATOR = ("superadmin",)

READ = dict.fromkeys(PEOPLE, "r")
"""Everybody may look."""
MANY = READ | dict.fromkeys(MEMBERS, "crud")
"""Members make as many of them as they like."""
ONCE = READ | dict.fromkeys(MEMBERS, "cr")
"""Members make them; nobody changes them afterwards. Also what is sent to an action, or inside of something else."""
ANYONE = READ | dict.fromkeys(("project", "user", "admin", "service"), "cr")
"""The same, made by everybody who may do more than look."""
ADMIN_ONLY = dict.fromkeys(ADMINS, "r")
REPORTED = READ | {"agent": "cr"}
"""Agents make them: what they saw. The others look."""

ABSENT: Any = object()
"""In what a type computes: this field is left out of the answer."""

Desired = Literal["desired", "observed", "volatile"]


def wire_name(name: str) -> str:
    """Return the camelCase name of the wire for a snake_case one (`account_id` -> `accountId`)."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def plural_of(name: str) -> str:
    """Return the plural of a type's name as the v1 API forms it."""
    if name in ("registry", "identity"):
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "ch", "x")) else "s")


class Field(Generic[T]):
    """One field of a type.

    type: schema type as on the wire ("string", "reference[host]", "array[enum]", ...).
    create, update: who may set it: True for every role that may write, or the roles themselves.
    read: roles that see it; None for all that see the type, () for nobody (internal to the server).
    column: a column of its own, hence filterable and sortable; otherwise it lives in the row's JSON document. In a type
    without rows: filterable and sortable all the same.
    part: "desired" (set by the API), "observed" (set by reports and reconcilers), "volatile" (never journaled).
    secret: the journal says only that it changed, answers show null, and it is stored sealed (`store/vault.py`).
    hashed: its type stores a hash of it, which is not sealed. secret_if: whether it is secret in a row of these values.
    computed: not stored, or not as it is shown. matched: what a filter's value is compared as.
    filter_as: schema type whose filter modifiers apply, if not its own ("array": only `eq`).
    indexed: rows are looked up by it; None: if it is the id of something.
    """

    def __init__(
        self,
        type: str,
        *,
        create: bool | tuple[str, ...] = False,
        update: bool | tuple[str, ...] = False,
        read: tuple[str, ...] | None = None,
        required: bool = False,
        nullable: bool = True,
        default: Any = None,
        options: tuple[str, ...] = (),
        min: int | None = None,
        max: int | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        valid_chars: str | None = None,
        invalid_chars: str | None = None,
        unique: bool = False,
        column: bool = False,
        indexed: bool | None = None,
        part: Desired = "desired",
        secret: bool = False,
        hashed: bool = False,
        secret_if: Callable[[Mapping[str, Any]], bool] | None = None,
        matched: Callable[[str], str] | None = None,
        read_on_create_only: bool = False,
        filter_as: str | None = None,
        wire: str | None = None,
        computed: bool = False,
    ) -> None:
        self.type = type
        self.create, self.update, self.read = create, update, read
        self.required, self.nullable, self.default, self.options = required, nullable, default, options
        self.min, self.max, self.min_length, self.max_length = min, max, min_length, max_length
        self.valid_chars, self.invalid_chars, self.unique = valid_chars, invalid_chars, unique
        self.column, self.indexed, self.part, self.secret = column, indexed, part, secret
        self.hashed, self.secret_if, self.matched = hashed, secret_if, matched
        self.read_on_create_only, self.filter_as, self.computed = read_on_create_only, filter_as, computed
        self.name = ""
        self.wire = wire or ""

    def __set_name__(self, owner: type[Resource], name: str) -> None:
        self.name = name
        self.wire = self.wire or wire_name(name)
        if self.column and self.max_length is None and name != "id":
            self.max_length = 255

    @overload
    def __get__(self, row: None, owner: type[Resource]) -> Field[T]: ...
    @overload
    def __get__(self, row: Resource, owner: type[Resource]) -> T: ...
    def __get__(self, row: Resource | None, owner: type[Resource]) -> Field[T] | T:
        if row is None:
            return self
        value: T = row.values.get(self.name)  # type: ignore[assignment]
        return value

    @property
    def modifiers(self) -> tuple[str, ...]:
        """Filter modifiers that its kind of value allows."""
        kind = self.filter_as or self.type.split("[")[0]
        if kind == "array":
            return ("eq",)
        if kind in ("string", "password"):
            return ("eq", "ne", "prefix", "like", "notlike", "null", "notnull")
        if kind in ("int", "date", "float"):
            return ("eq", "ne", "lt", "lte", "gt", "gte", "null", "notnull")
        return ("eq", "ne", "null", "notnull")

    @property
    def inner(self) -> str:
        """The schema type of what it holds: of its elements, if it is a list, a map or a reference."""
        return self.type.rpartition("[")[2].rstrip("]")

    @property
    def has_secrets(self) -> bool:
        """Whether it is secret, or clients may send a secret inside of it: a field of the type that is embedded."""
        within = registry.get(self.inner) if "reference[" not in self.type else None
        return self.secret or (within is not None and any(f.secret and f.create for f in within.fields.values()))

    @property
    def may_be_sealed(self) -> bool:
        """Whether there are rows in which it is stored sealed."""
        return (self.has_secrets and not self.hashed) or self.secret_if is not None

    def is_secret_in(self, values: Mapping[str, Any]) -> bool:
        """Say whether it is a secret, or has some inside, in a row with these values."""
        return self.has_secrets or (self.secret_if is not None and self.secret_if(values))

    def is_sealed_in(self, values: Mapping[str, Any]) -> bool:
        """Say whether it is stored sealed in a row with these values."""
        return self.is_secret_in(values) and not self.hashed

    @property
    def target(self) -> str | None:
        """Name of the type that a plain reference points at."""
        return self.type[len("reference[") : -1] if self.type.startswith("reference[") else None


def text(**rules: Any) -> Field[str]:
    """Declare a string; with `options` an enum."""
    return Field("enum" if rules.get("options") else "string", **rules)


def number(**rules: Any) -> Field[int]:
    """Declare an integer."""
    return Field("int", **rules)


def flag(**rules: Any) -> Field[bool]:
    """Declare a boolean."""
    return Field("boolean", **rules)


def date(**rules: Any) -> Field[int]:
    """Declare a moment: milliseconds since 1970 in rows, ISO text and a `TS` companion on the wire."""
    return Field("date", **rules)


def ref(target: str, **rules: Any) -> Field[int]:
    """Declare a reference to a resource: its number in rows, its id on the wire."""
    return Field(f"reference[{target}]", **rules)


def listing(of: str, **rules: Any) -> Field[list[Any]]:
    """Declare a list; `of` is the schema type of its elements."""
    return Field(f"array[{of}]", **rules)


def mapping(of: str, **rules: Any) -> Field[dict[str, Any]]:
    """Declare a map from text; `of` is the schema type of its values."""
    return Field(f"map[{of}]", **rules)


def document(**rules: Any) -> Field[Any]:
    """Declare free JSON."""
    return Field("json", **rules)


def embedded(type: str, **rules: Any) -> Field[dict[str, Any]]:
    """Declare an object of another type, stored inside this one."""
    return Field(type, **rules)


@dataclass(frozen=True)
class Arrow:
    """One line of a state machine: in one of `sources`, `process` leads through `via` to `to`, then maybe to `then`.
    internal: only the server begins it; it is no action."""

    process: str
    sources: tuple[str, ...]
    via: str
    to: str
    then: str | None = None
    internal: bool = False


@dataclass(frozen=True)
class Machine:
    """The processes of a type. `prefix` is what process names begin with in the API (`instance.start`)."""

    prefix: str
    arrows: tuple[Arrow, ...]

    @property
    def states(self) -> tuple[str, ...]:
        found = {s for a in self.arrows for s in (*a.sources, a.via, a.to)}
        return tuple(sorted(found))

    @property
    def processes(self) -> tuple[str, ...]:
        """The processes that a client may begin: each is an action."""
        return tuple(dict.fromkeys(a.process for a in self.arrows if not a.internal))

    def valid_in(self, process: str) -> tuple[str, ...]:
        """States in which a process may begin."""
        return tuple(s for a in self.arrows if a.process == process for s in a.sources)

    def arrow(self, process: str, state: str) -> Arrow | None:
        """The line that applies when `process` begins in `state`."""
        return next((a for a in self.arrows if a.process == process and state in a.sources), None)

    def arriving(self, state: str) -> Arrow | None:
        """The line whose transitional state this is; None for a state at rest."""
        return next((a for a in self.arrows if a.via == state), None)


def machine(prefix: str, table: str) -> Machine:
    """Read a state machine from lines `process: source source -> via -> to [then process]`; `(process): ...` is one
    that only the server begins."""
    arrows = []
    for line in filter(None, (line.strip() for line in table.splitlines())):
        process, _, rest = line.partition(":")
        name = process.strip().strip("()")
        sources, via, to = (part.strip() for part in rest.split("->"))
        to, _, then = to.partition(" then ")
        internal = name != process.strip()
        arrows.append(Arrow(name, tuple(sources.split()), via, to.strip(), then.strip() or None, internal))
    return Machine(prefix, tuple(arrows))


GENERIC = """
    create:     requested                                               -> registering       -> inactive
    activate:   inactive registering                                    -> activating        -> active
    deactivate: active activating updating-active updating-inactive     -> deactivating      -> inactive
    update:     inactive                                                -> updating-inactive -> inactive
    update:     active                                                  -> updating-active   -> active
    remove:     requested inactive registering updating-active updating-inactive -> removing -> removed
    purge:      removed                                                 -> purging           -> purged
"""
RESTORE = "restore: removed -> restoring -> inactive\n"


def generic(
    prefix: str, *, restore: bool = True, activate: bool = True, more: str = "", less: Iterable[str] = ()
) -> Machine:
    """The machine most types share. activate: `create` goes straight on to `activate`. more: further lines.
    less: processes whose lines are left out (because `more` brings its own)."""
    lines = [line for line in GENERIC.splitlines() if line.partition(":")[0].strip() not in set(less)]
    table = "\n".join(lines) + "\n" + (RESTORE if restore else "") + more
    if activate:
        table = table.replace("-> registering       -> inactive", "-> registering       -> inactive then activate")
    return machine(prefix, table)


def recorded(prefix: str) -> Machine:
    """The machine of what is written down once and does not change: events, labels."""
    return machine(
        prefix,
        """
        create: requested        -> creating -> created
        remove: created creating -> removing -> removed
        """,
    )


def internal(machine: Machine) -> Machine:
    """The same machine for rows that only the server moves: none of its processes is an action."""
    return Machine(machine.prefix, tuple(replace(arrow, internal=True) for arrow in machine.arrows))


@dataclass(frozen=True)
class Action:
    """An action of a type. input, output: type names. states, capability: further conditions for offering it.
    for_readers: members who may only look have it too. A process of the machine is an action by itself; declare one
    here to give it an input or a condition."""

    name: str
    input: str | None = None
    output: str | None = None
    states: tuple[str, ...] = ()
    capability: str | None = None
    for_readers: bool = False


@dataclass(frozen=True)
class Link:
    """A relation as `include` and `links` use it: rows of `target` whose `foreign` field is our id, or, when `own` is
    given, the one row whose id is in our field `own`. through: a relation by way of a third type (many to many): that
    type, its field with our id, its field with theirs. many: shown as a list."""

    name: str
    target: str
    own: str | None = None
    foreign: str | None = None
    through: tuple[str, str, str] | None = None
    many: bool = True


Loader = Callable[[Any, Any], Any]
Reconciler = Callable[[Any], Any]


@dataclass
class Behaviour:
    """The plain functions of a type; every one is optional.

    prepare(tx, values, caller) -> values: check and complete a new row.   created(tx, row): make what belongs to it.
    update(tx, row, values, caller) -> row: store changed fields.          delete(tx, row, caller) -> row.
    actions[name](tx, row, input, caller) -> resource or document.
    load(tx, row) -> view; reconcile(view) -> outcome.
    ahead(row): work out before the transaction of these two what takes long; remember it by what it follows from.
    presented(row, face) -> the row (of a type without rows) as which a row is shown.
    computed(row, face) -> {wire name: value}: fields that are not stored, or shown only to some; ABSENT leaves one out.
    links(row, face) -> {name: url}: links besides relations.  capabilities(read, row, caller) -> names.
    listed(read, caller, query) -> rows: the whole collection, for types whose visibility is a rule of their own
    (`answered_as` says if they are of another type).
    found(read, caller, raw id) -> row or None: the same for one row.
    create(tx, values, caller) -> row: makes a row otherwise than by the usual way of creation.
    downloads[link](read, row) -> (file name, media type, bytes): links that lead to a file.
    settled(tx, row): what else happens when a transition has ended.
    consult[what](read, row, values, caller) -> question or None: what others are asked before, since nothing is waited
    for in a transaction. what: `create`, `listed`, `found` or the name of an action; row: that of an action; values: as
    what was sent reads, of `listed` the query, of `found` the `id`. The question is a plain function that is run in a
    thread of its own; what it returns is in `caller.consulted` then.
    """

    prepare: Callable[[Any, dict[str, Any], Any], dict[str, Any]] | None = None
    created: Callable[[Any, Any], None] | None = None
    update: Callable[[Any, Any, dict[str, Any], Any], Any] | None = None
    delete: Callable[[Any, Any, Any], Any] | None = None
    actions: dict[str, Callable[[Any, Any, dict[str, Any], Any], Any]] = field(default_factory=dict)
    ahead: Callable[[Any], None] | None = None
    load: Loader | None = None
    reconcile: Reconciler | None = None
    presented: Callable[[Any, Any], Any] | None = None
    computed: Callable[[Any, Any], dict[str, Any]] | None = None
    links: Callable[[Any, Any], dict[str, str]] | None = None
    capabilities: Callable[[Any, Any, Any], Collection[str]] | None = None
    listed: Callable[[Any, Any, Mapping[str, str]], list[Any]] | None = None
    found: Callable[[Any, Any, str], Any] | None = None
    create: Callable[[Any, dict[str, Any], Any], Any] | None = None
    downloads: dict[str, Callable[[Any, Any], tuple[str, str, bytes]]] = field(default_factory=dict)
    settled: Callable[[Any, Any], None] | None = None
    consult: dict[str, Callable[[Any, Any, dict[str, Any], Any], Callable[[], Any] | None]] = field(
        default_factory=dict
    )


ResourceType: TypeAlias = "type[Resource]"

registry: dict[str, ResourceType] = {}
"""Every declared type by its API name, in reading order."""


class Resource:
    """A declared type and, as an instance, one of its rows.

    type: API name, and plural if the rule does not give it. parent: the base type it is a kind of.
    roles: role -> letters c(reate) r(ead) u(pdate) d(elete). narrow: role -> the only fields it sees.
    listable: False for types without a collection to GET. answered_as: type of what its reads give, if not its own.
    links: relations for `include` and `links` besides references: plurals of types whose rows refer to this one (or
    that it refers to), or whole `Link`s. scope: its ids begin the URLs of what is inside (`/v1/projects/1a5/...`).
    hidden: inherited fields it does not have. stored: it has rows. capability: what its process actions ask for.
    unserved: actions that are declared but not served by this version, hence never offered. served: False for a type
    whose effect is not built yet; what becomes of its rows is in `resources/unserved.py`. on_failure: process that
    leads to the error state. watched: states at rest in which the slow resync looks at a row too.
    plain_id: its ids are names, shown as they are. shows_secrets: answers may show its secrets; reading them is noted
    in the audit log. secret_links: its links whose URLs are secrets. appended: its rows are written once, by the server
    alone, and not journaled. window: its rows are made of another type's by the database (by a view that a migration
    makes); they are only read. added_to: of a type that was added at run time, the one that it is a kind of; its rows
    are of that class, and it is in no registry (`kind_of`). personal: administrators see only their own rows, too.
    unlisted: verbs of `roles` that schemas leave out, as clients of the v1 API know the type without them.
    """

    type: ClassVar[str] = ""
    plural: ClassVar[str] = ""
    roles: ClassVar[Mapping[str, str]] = READ
    narrow: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    listable: ClassVar[bool] = True
    answered_as: ClassVar[str] = ""
    links: ClassVar[Sequence[str | Link]] = ()
    secret_links: ClassVar[Sequence[str]] = ()
    hidden: ClassVar[Sequence[str]] = ()
    machine: ClassVar[Machine | None] = None
    actions: ClassVar[Sequence[Action]] = ()
    capability: ClassVar[str | None] = None
    unserved: ClassVar[Sequence[str]] = ()
    served: ClassVar[bool] = True
    plain_id: ClassVar[bool] = False
    window: ClassVar[bool] = False
    stored: ClassVar[bool] = False
    scope: ClassVar[bool] = False
    on_failure: ClassVar[str | None] = None
    watched: ClassVar[Sequence[str]] = ()
    fields: ClassVar[dict[str, Field[Any]]] = {}
    by_wire: ClassVar[dict[str, Field[Any]]] = {}
    shows_secrets: ClassVar[bool] = False
    appended: ClassVar[bool] = False
    personal: ClassVar[bool] = False
    unlisted: ClassVar[str] = ""
    added_to: ClassVar[ResourceType | None] = None
    base: ClassVar[ResourceType]
    children: ClassVar[list[ResourceType]]
    behaviour: ClassVar[Behaviour]

    __slots__ = ("values",)

    def __init_subclass__(cls, *, is_declared: bool = True) -> None:
        inherited: dict[str, Field[Any]] = {}
        for ancestor in reversed(cls.__mro__[1:]):
            if issubclass(ancestor, Resource):
                inherited.update(ancestor.__dict__.get("fields", {}))
        own = {n: f for n, f in cls.__dict__.items() if isinstance(f, Field)}
        cls.fields = {n: f for n, f in (inherited | own).items() if n not in cls.hidden}
        cls.by_wire = {f.wire: f for f in cls.fields.values()}
        cls.children = []
        parent = next((c for c in cls.__mro__[1:] if issubclass(c, Resource) and c.type), None)
        cls.base = parent.base if parent else cls
        if not is_declared:
            cls.plural, cls.added_to = plural_of(cls.type), parent
            return
        if "behaviour" not in cls.__dict__:
            cls.behaviour = Behaviour()
        if not cls.__dict__.get("type"):
            cls.type = ""
            return
        if not cls.__dict__.get("plural"):
            cls.plural = plural_of(cls.type)
        if parent:
            for ancestor in cls.__mro__[1:]:
                if issubclass(ancestor, Resource) and ancestor.type:
                    ancestor.children.append(cls)
        registry[cls.type] = cls

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    @classmethod
    def remove_delay_s(cls, read: Any) -> int:
        """Return the time between `removed` and `purged`, in which a row can be restored."""
        return 0

    def __repr__(self) -> str:
        return f"<{self.type} {self.values.get('id')} {self.values.get('name')} {self.values.get('state')}>"


@lru_cache(maxsize=256)
def kind_of(parent: str, name: str, fields: tuple[tuple[str, str], ...]) -> ResourceType:
    """Return a type that is added at run time: a kind of a declared one (by its name), with further fields (wire name,
    type) that everybody who may make it sets, and that are kept in the row's document."""
    more: dict[str, Any] = {
        f"added_{wire}": Field(type_, wire=wire, create=True, update=True) for wire, type_ in fields
    }
    made: ResourceType = type(name, (registry[parent],), {"type": name, "__slots__": (), **more}, is_declared=False)
    return made


def id_prefix(type_: ResourceType) -> str:
    """Return what ids of a type begin with: `1` and the first letter and capitals of its base type, in lower case."""
    return _prefix_of(type_.base.type)


@cache
def _prefix_of(name: str) -> str:
    return "1" + (name[0] + "".join(c for c in name[1:] if c.isupper())).lower()


def format_id(type_: ResourceType, raw: int | str) -> str:
    """Return the id of the wire for a stored one."""
    text = str(raw)
    if type_.plain_id:
        return text
    return id_prefix(type_) + (text if text[:1].isdigit() else "!" + text)


_ID = re.compile(r"1[a-z]+!?(.+)")


def parse_id(text: str) -> str | None:
    """Return the stored id for one of the wire, or None if it is none: a letter begins a plain id, `1` + letters a
    formatted one. The letters are not compared with the type, as in the original."""
    if text[:1].isalpha():
        return text
    found = _ID.fullmatch(text)
    return found.group(1) if found else None
