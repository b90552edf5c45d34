"""The grammar of definition statements and commands: text in, structs out. Names are not looked up here.

Source: contracts/semantic.md, 5 and 6.4
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from tessera.kernel.errors import Invalid
from tessera.semantic.lexer import Token, place, tokens_of
from tessera.semantic.ontology_model import (
    DATASOURCE,
    Bridge,
    BridgeEnd,
    Concept,
    ConceptMapping,
    Definition,
    Logic,
    Measure,
    Property,
    Relationship,
    View,
)

#: Every type that a property may have, by the word and its spelling for the warehouse.
TYPES: dict[str, str] = {
    "string": "TEXT", "varchar": "TEXT", "char": "TEXT", "text": "TEXT",
    "tinyint": "SMALLINT", "smallint": "SMALLINT", "int": "INTEGER", "integer": "INTEGER", "bigint": "BIGINT",
    "float": "DOUBLE", "double": "DOUBLE", "decimal": "DECIMAL(38, 6)",
    "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP", "time": "TIME", "binary": "BLOB",
    "array": "TEXT", "map": "TEXT", "struct": "TEXT", "uniontype": "TEXT",
}  # fmt: skip
MAXIMUM_NAME = 128
_FORBIDDEN_IN_NAMES = ".[]*"


class CreateOntology(Struct, frozen=True):
    """CREATE [OR REPLACE] ONTOLOGY."""

    name: str
    description: str
    replace: bool


class Create(Struct, frozen=True):
    """CREATE of anything inside an ontology. `property_types` are the types that a concept states for its elements."""

    definition: Definition
    replace: bool
    property_types: dict[str, str] = field(default_factory=dict)
    measure_types: dict[str, str] = field(default_factory=dict)


class AlterOntology(Struct, frozen=True):
    """ALTER ONTOLOGY … SET DESCRIPTION / SET CONFIG."""

    name: str
    description: str | None = None
    setting: tuple[str, str] | None = None


class AlterTag(Struct, frozen=True):
    """ALTER CONCEPT | PROPERTY | ONTOLOGY VIEW … UPDATE TAG / DROP TAG (`value` None)."""

    kind: Literal["concept", "property", "view"]
    name: str
    tag: str
    value: str | None


class Drop(Struct, frozen=True):
    """DROP of an ontology or of anything in it."""

    kind: Literal["ontology", "property", "measure", "concept", "mapping", "view"]
    name: str
    if_exists: bool


Statement = CreateOntology | Create | AlterOntology | AlterTag | Drop


def parse_definition(text: str) -> Statement:
    """One definition statement.

    Raises:
        Invalid: the text is outside the grammar; the message says line, column, what stands there and what would be
            right.
    """
    return _Parser(text).statement()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.at = 0

    # -- tokens ------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def next(self) -> Token:
        token = self.now
        if token.kind != "end":
            self.at += 1
        return token

    def accept(self, *words: str) -> bool:
        """Take the words if they all come next."""
        if all(self.peek(number).is_word(word) for number, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def accept_mark(self, mark: str) -> bool:
        if self.now.is_mark(mark):
            self.at += 1
            return True
        return False

    def expect(self, *words: str) -> str:
        if self.now.is_word(*words):
            return self.next().value.upper()
        raise self.wrong(" or ".join(words))

    def expect_mark(self, mark: str) -> None:
        if not self.accept_mark(mark):
            raise self.wrong(f'"{mark}"')

    def wrong(self, expected: str) -> Invalid:
        token = self.now
        found = "the statement ends" if token.kind == "end" else f'found "{self.text[token.start : token.end]}"'
        return Invalid(f"{place(self.text, token.start)}: expected {expected}, {found}", code="syntax")

    def name(self, what: str) -> str:
        token = self.now
        if not token.is_name:
            raise self.wrong(f"the name of {what}")
        self.next()
        bad = [mark for mark in _FORBIDDEN_IN_NAMES if mark in token.value]
        if bad or not token.value.strip() or len(token.value) > MAXIMUM_NAME or "\x00" in token.value:
            raise Invalid(
                f'{place(self.text, token.start)}: "{token.value[:60]}" is no name for {what}: a name has 1 to '
                f"{MAXIMUM_NAME} characters and none of . [ ] *",
                code="syntax",
            )
        return token.value

    def string(self, what: str) -> str:
        if self.now.kind != "string":
            raise self.wrong(f"{what} as a string in single quotes")
        return self.next().value

    def names(self, what: str) -> list[str]:
        self.expect_mark("(")
        found = [self.name(what)]
        while self.accept_mark(","):
            found.append(self.name(what))
        self.expect_mark(")")
        return found

    def type(self) -> str:
        token = self.now
        if token.kind != "word":
            raise self.wrong("a type")
        word = token.value.lower()
        if word not in TYPES:
            raise Invalid(
                f'{place(self.text, token.start)}: unknown type "{token.value}"; types are {", ".join(TYPES)}',
                code="syntax",
            )
        self.next()
        if not self.accept_mark("("):
            return word
        sizes = [self.whole_number()]
        while self.accept_mark(","):
            sizes.append(self.whole_number())
        self.expect_mark(")")
        return f"{word}({','.join(str(size) for size in sizes)})"

    def whole_number(self) -> int:
        if self.now.kind != "number" or not self.now.value.isdigit():
            raise self.wrong("a whole number")
        return int(self.next().value)

    def description(self) -> str:
        if not self.accept("DESCRIPTION"):
            return ""
        self.accept_mark("=")
        return self.string("the description")

    def tags(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if not self.accept("WITH", "TAGS"):
            return found
        self.expect_mark("(")
        while True:
            tag = self.tag_name()
            self.expect_mark("=")
            found[tag] = self.string("the tag's value")
            if not self.accept_mark(","):
                break
        self.expect_mark(")")
        return found

    def tag_name(self) -> str:
        """Names of tags may hold a dot: `api.name`, quoted or not."""
        if not self.now.is_name:
            raise self.wrong("the name of a tag")
        name = self.next().value
        while self.accept_mark("."):
            name += "." + self.next().value
        return name

    def rest(self, what: str) -> str:
        """All that is left, as it was written."""
        if self.now.kind == "end":
            raise self.wrong(what)
        start = self.now.start
        self.at = len(self.tokens) - 1
        return self.text[start : self.tokens[-2].end]

    def end(self) -> None:
        if self.now.kind != "end":
            raise self.wrong("the end of the statement")

    # -- statements --------------------------------------------------------------------------------------------------

    def statement(self) -> Statement:
        word = self.expect("CREATE", "ALTER", "DROP")
        found = {"CREATE": self.create, "ALTER": self.alter, "DROP": self.drop}[word]()
        self.end()
        return found

    def create(self) -> Statement:
        replace = self.accept("OR", "REPLACE")
        if self.accept("ONTOLOGY", "VIEW") or self.accept("VIEW"):
            return Create(self.view(is_cube=False), replace)
        if self.accept("ONTOLOGY", "CUBE"):
            return Create(self.view(is_cube=True), replace)
        word = self.expect("ONTOLOGY", "PROPERTY", "MEASURE", "CONCEPT", "MAPPING")
        if word == "ONTOLOGY":
            return CreateOntology(self.name("an ontology"), self.description(), replace)
        if word == "PROPERTY":
            return Create(self.property(), replace)
        if word == "MEASURE":
            return Create(self.measure(), replace)
        if word == "CONCEPT":
            return self.concept(replace)
        return Create(self.mapping(), replace)

    def property(self) -> Property:
        name = self.name("a property")
        is_multi = self.accept("MULTIVALUE")
        type_ = self.type()
        description, tags = self.description(), self.tags()
        logic = None
        if self.accept("AS"):
            self.expect("SELECT")
            logic = self.rest("an expression")
        return Property(name=name, type=type_, is_multi=is_multi, description=description, tags=tags, logic=logic)

    def measure(self) -> Measure:
        name, type_ = self.name("a measure"), self.type()
        description, tags = self.description(), self.tags()
        self.expect("AS")
        self.expect("SELECT")
        cut = self.top_level("WHERE")
        if cut is None:
            return Measure(
                name=name, type=type_, description=description, tags=tags, logic=self.rest("an aggregate expression")
            )
        if cut == self.at:
            raise self.wrong("an aggregate expression")
        logic = self.text[self.now.start : self.tokens[cut - 1].end]
        self.at = cut + 1
        return Measure(
            name=name, type=type_, description=description, tags=tags, logic=logic, where=self.rest("a condition")
        )

    def top_level(self, word: str) -> int | None:
        """Index of the keyword outside of all brackets, from here on."""
        depth = 0
        for index in range(self.at, len(self.tokens)):
            token = self.tokens[index]
            if token.is_mark("("):
                depth += 1
            elif token.is_mark(")"):
                depth -= 1
            elif depth == 0 and token.is_word(word):
                return index
        return None

    def concept(self, replace: bool) -> Create:
        made = Concept(name=self.name("a concept"))
        types: dict[str, str] = {}
        measures: dict[str, str] = {}
        if self.accept_mark("("):
            while not self.accept_mark(")"):
                self.element(made, types, measures)
                if not self.accept_mark(","):
                    self.expect_mark(")")
                    break
        self.expect("INHERITS")
        made.parents = self.names("a concept")
        made.description, made.tags = self.description(), self.tags()
        if self.accept("FROM"):
            schema = self.expect_schema()
            self.expect_mark(".")
            base = self.name("a concept")
            self.expect("WHERE")
            made.logic = Logic(schema=schema, base=base, condition=self.rest("a condition"))
        return Create(made, replace, types, measures)

    def expect_schema(self) -> str:
        if self.now.is_name and self.now.value.lower() in ("timbr", "dtimbr"):
            return self.next().value.lower()
        raise self.wrong("timbr or dtimbr")

    def element(self, made: Concept, types: dict[str, str], measures: dict[str, str]) -> None:
        if self.now.is_word("PRIMARY") and self.peek().is_word("KEY"):
            self.at += 2
            made.primary_key = self.names("a property")
        elif self.now.is_word("LABEL") and self.peek().is_mark("("):
            self.next()
            made.label = self.names("a property")
        elif self.now.is_word("CONSTRAINT") and self.peek().is_name and self.peek(2).kind == "word":
            self.next()
            made.relationships.append(self.relationship())
        else:
            name = self.name("a property")
            if self.accept("MEASURE"):
                measures[name] = self.type()
                made.measures.append(name)
            else:
                types[name] = self.type()
                made.properties.append(name)

    def relationship(self) -> Relationship:
        name = self.name("a relationship")
        if self.accept("MULTIREFERENCE"):
            made = Relationship(name=name, target=self.name("a concept"))
        else:
            sources, target, targets = self.foreign_key()
            made = Relationship(name=name, target=target, source_properties=sources, target_properties=targets)
        if self.accept("INVERSEOF"):
            made.inverse = self.name("a relationship")
        if self.accept("TRANSITIVE"):
            made.transitivity = 0
            if self.accept_mark("("):
                made.transitivity = self.whole_number()
                self.expect_mark(")")
        made.description = self.description()
        return made

    def foreign_key(self) -> tuple[list[str], str, list[str]]:
        self.expect("FOREIGN")
        self.expect("KEY")
        sources = self.names("a property")
        self.expect("REFERENCES")
        target = self.name("a concept")
        start = self.now.start
        targets = self.names("a property")
        if len(sources) != len(targets):
            raise Invalid(
                f"{place(self.text, start)}: FOREIGN KEY lists {len(sources)} and REFERENCES {len(targets)} names; "
                "both need the same number",
                code="syntax",
            )
        return sources, target, targets

    def mapping(self) -> Definition:
        name = self.name("a mapping")
        if self.accept("INTO"):
            concepts = self.names("a concept") if self.now.is_mark("(") else [self.name("a concept")]
            datasource, query = self.using_and_query()
            return ConceptMapping(name=name, concepts=concepts, datasource=datasource, query=query)
        if not self.now.is_mark("("):
            raise self.wrong('INTO, or "(" with two constraints')
        self.next()
        ends = [self.bridge_end()]
        self.expect_mark(",")
        ends.append(self.bridge_end())
        self.accept_mark(",")
        self.expect_mark(")")
        datasource, query = self.using_and_query()
        return Bridge(name=name, ends=ends, datasource=datasource, query=query)

    def bridge_end(self) -> BridgeEnd:
        self.expect("CONSTRAINT")
        name = self.name("a relationship")
        columns, concept, properties = self.foreign_key()
        return BridgeEnd(relationship=name, columns=columns, concept=concept, properties=properties)

    def using_and_query(self) -> tuple[str, str]:
        datasource = self.name("a datasource") if self.accept("USING") else DATASOURCE
        if self.now.is_word("WITHOUT"):
            raise Invalid(
                f"{place(self.text, self.now.start)}: WITHOUT PARSING is not possible here: the text of a mapping is "
                "always checked before it reaches the warehouse",
                code="syntax",
            )
        self.expect("AS")
        return datasource, self.rest("a query")

    def view(self, *, is_cube: bool) -> View:
        name = self.name("a cube" if is_cube else "a view")
        datasource = self.name("a datasource") if self.accept("USING") else DATASOURCE
        description, tags = self.description(), self.tags()
        self.expect("AS")
        return View(
            name=name, is_cube=is_cube, datasource=datasource, description=description, tags=tags,
            query=self.rest("a query"),
        )  # fmt: skip

    def alter(self) -> Statement:
        if self.accept("ONTOLOGY", "VIEW") or self.accept("VIEW"):
            return self.alter_tag("view")
        word = self.expect("ONTOLOGY", "CONCEPT", "PROPERTY")
        if word == "CONCEPT":
            return self.alter_tag("concept")
        if word == "PROPERTY":
            return self.alter_tag("property")
        name = self.name("an ontology")
        self.expect("SET")
        if self.accept("CONFIG"):
            setting = self.name("a setting")
            self.expect_mark("=")
            return AlterOntology(name, setting=(setting, self.string("the setting's value")))
        if not self.now.is_word("DESCRIPTION"):
            raise self.wrong("DESCRIPTION or CONFIG")
        return AlterOntology(name, description=self.description())

    def alter_tag(self, kind: Literal["concept", "property", "view"]) -> AlterTag:
        name = self.name(f"a {kind}")
        if self.accept("UPDATE", "TAG"):
            tag = self.tag_name()
            self.expect_mark("=")
            return AlterTag(kind, name, tag, self.string("the tag's value"))
        if not self.accept("DROP", "TAG"):
            raise self.wrong("UPDATE TAG or DROP TAG")
        return AlterTag(kind, name, self.tag_name(), None)

    def drop(self) -> Drop:
        kind: Literal["ontology", "property", "measure", "concept", "mapping", "view"]
        if self.accept("ONTOLOGY", "VIEW") or self.accept("ONTOLOGY", "CUBE") or self.accept("VIEW"):
            kind = "view"
        else:
            word = self.expect("ONTOLOGY", "PROPERTY", "MEASURE", "CONCEPT", "MAPPING", "VIEW")
            kind = word.lower()  # type: ignore[assignment]
        return Drop(kind, self.if_exists_name(kind), self._if_exists)

    _if_exists = False

    def if_exists_name(self, kind: str) -> str:
        self._if_exists = self.accept("IF", "EXISTS")
        return self.name(f"the {kind}")
