"""How each column of a contract is filled from a profiled file: mapping keys that are proved, questions for the rest.

What does NOT belong here: reading the file (drafting.py) and YAML (writing.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from ingest.assistant.clocks import ClockCheck, check_clock
from ingest.assistant.columns import WORDS_FALSE, WORDS_TRUE, Keys, Profile
from ingest.assistant.contract_match import Match, is_proved, looks_like, matches_of
from ingest.assistant.dates import DateProof, prove_dates
from ingest.assistant.numbers import prove_numbers
from ingest.assistant.questions import Decision, Interview, Question, Said, said
from ingest.assistant.spelling import header_names, normalised, value_names
from ingest.assistant.table import Table
from ingest.casting import FALSE_WORDS, TRUE_WORDS
from ingest.contract import Column, Contract, load_contracts
from ingest.errors import ConfigurationError
from ingest.expressions import compile_expression
from ingest.strict_yaml import nearest

# Worth a question about columns that only look right: without them records cannot be dated, joined or counted.
IMPORTANT = {
    "created_at",
    "modified_at",
    "occurred_at",
    "email",
    "phone",
    "mobile",
    "amount",
    "net_amount",
    "owner_id",
}
FULL = 0.5  # part of the rows that such a column fills at least
NONE, JOURNAL, EVERY = "none", "journal", "hash: *"
IS_DELETED = Column("is_deleted", "boolean", False, (), None, "", 0)


@dataclass
class ColumnPlan:
    """One column of the contract: mapping keys with values or open decisions, and the evidence beside them."""

    name: str
    keys: dict[str, Any] = field(default_factory=dict)
    map_notes: dict[str, Said] = field(default_factory=dict)
    notes: list[Said] = field(default_factory=list)
    open: Decision | None = None


@dataclass
class Needs:
    """What the defaults of the mapping have to say, found while columns are filled."""

    zones: list[ClockCheck] = field(default_factory=list)
    local_times: list[str] = field(default_factory=list)
    phones: list[Profile] = field(default_factory=list)
    has_phone: bool = False
    currency_signs: set[str] = field(default_factory=set)
    has_currency: bool = False
    missing: dict[str, int] = field(default_factory=dict)


class Filling:
    """Fills the columns of one contract; `plans` in the order of the contract, `unmatched` optional names."""

    def __init__(
        self,
        table: Table,
        profiles: list[Profile],
        keys: Keys,
        contract: Contract,
        interview: Interview,
        is_named: bool,
        n_totals: int,
    ) -> None:
        self.table, self.profiles, self.candidates = table, profiles, keys
        self.contract, self.interview, self.is_named = contract, interview, is_named
        self.headers = [p.name for p in profiles]
        self.plans: list[ColumnPlan] = []
        self.unmatched: list[str] = []
        self.needs = Needs()
        self.n_totals = n_totals
        self.epochs = [p for p in profiles if p.votes.get("epoch", 0) >= 0.9]
        self._proofs: dict[int, DateProof | None] = {}
        self._loose: list[Profile] | None = None

    def fill(self) -> None:
        """Decide every column."""
        for column in (*self.contract.columns, IS_DELETED):
            if column.name.endswith("_precision"):
                continue
            plan = self._key_plan() if column.name == "source_record_id" else self._plan(column)
            if plan is None:
                self.unmatched.append(column.name)
            else:
                self.plans.append(plan)

    # ------------------------------------------------------------ where a column comes from

    def _plan(self, column: Column) -> ColumnPlan | None:
        found = matches_of(self.contract, column, self.profiles, self.is_named)
        plan = ColumnPlan(column.name)
        if is_proved(found):
            plan.notes.append(found[0].said)
            self._from(plan, column, {"source": found[0].header})
            return plan
        if not found:
            found = self._lookalikes(column)
        if not found and not column.required and not self._tells_what_an_id_names(column):
            return None
        if not found and column.name == "currency":
            return None  # defaults.currency stands for it
        return self._asked(plan, column, found)

    def _lookalikes(self, column: Column) -> list[Match]:
        """Columns that match nothing, with values of the type of `column`: worth a question, no claim."""
        if column.name not in IMPORTANT and not (column.required and column.type == "enum"):
            return []
        if self._loose is None:
            matched = {
                match.at
                for other in (*self.contract.columns, IS_DELETED)
                for match in matches_of(self.contract, other, self.profiles, self.is_named)
            }
            self._loose = [
                p for p in self.profiles if p.name and p.at not in matched and 1 - p.share_empty >= FULL
            ]
        return [
            Match(column.name, p.at, p.name, 0.0, False, self._looks(column, p))
            for p in self._loose
            if looks_like(column, p) and not self._is_called_otherwise(column, p)
        ]

    def _is_called_otherwise(self, column: Column, profile: Profile) -> bool:
        """True for a header that other contracts know as another column: Créé le is no modified_at."""
        spelled = normalised(profile.name)
        known = {
            name
            for contract in load_contracts()
            for name, spellings in header_names(contract).items()
            if self.is_named and spelled in spellings
        }
        return bool(known) and column.name not in known

    def _looks(self, column: Column, profile: Profile) -> Said:
        """What a column that may be `column` holds: its values where they are few, how its dates are written."""
        if column.type == "enum":
            values = ", ".join(f"{text} ({n})" for text, n in profile.values[:12])
            return said("few_values", values=values)
        proof = self._proof(profile.at) if column.type in ("date", "timestamp") else None
        if proof is None:
            return profile.said
        layouts = " | ".join(
            " ; ".join(each) for each in ([proof.formats] if proof.formats else proof.options)
        )
        return said(
            "looks_dated" if proof.formats else "looks_dated_open", facts=profile.said, formats=layouts
        )

    def _tells_what_an_id_names(self, column: Column) -> bool:
        """True for person_type where the file has a person_id: without the type the id names nobody."""
        names = {f"{column.name.removesuffix('_type')}_id"} if column.name.endswith("_type") else set()
        return any(
            matches_of(self.contract, other, self.profiles, self.is_named)
            for other in self.contract.columns
            if other.name in names
        )

    def _asked(self, plan: ColumnPlan, column: Column, found: list[Match]) -> ColumnPlan | None:
        options = [m.header for m in found]
        if not any(m.score for m in found):
            options += [f"const: {value}" for value in column.values]
        if not column.required:
            options.append(NONE)
        if column.type == "boolean" and not found:
            options += self._converted(column)
            options += ["const: false", "const: true"]
        asked = said(
            "ask_column" if column.required else "ask_optional", column=column.name, what=column.description
        )
        evidence = tuple(said("candidate", header=m.header, why=m.said) for m in found[:6])
        question = Question(
            self._key(column.name), asked, evidence, tuple(options), self._is_origin, is_free=True
        )
        decision = self.interview.decide(question, None)
        plan.notes += list(decision.evidence)
        if decision.is_open:
            plan.open = decision
            self._note_local_times(column, found)
            self.needs.has_currency = self.needs.has_currency or column.name == "currency"
        elif decision.best == NONE:
            return None
        else:
            self._from(plan, column, self._origin(decision.best))
        return plan

    def _note_local_times(self, column: Column, found: list[Match]) -> None:
        """The zone is asked for a column that may be dated by local times, too."""
        for match in found if column.type == "timestamp" else ():
            proof = self._proof(match.at) if not match.score else None
            if proof and proof.is_local and match.header not in self.needs.local_times:
                self.needs.local_times.append(match.header)

    def _converted(self, column: Column) -> list[str]:
        """The condition that a status which maps to converted gives, for is_converted."""
        status = next((p for p in self.plans if p.name == "status" and "source" in p.keys), None)
        if column.name != "is_converted" or status is None:
            return []
        mapped = status.keys.get("map", {})
        words = [text for text, value in mapped.items() if value == "converted"]
        if not words:
            return []
        listed = ", ".join("'" + w.replace("'", "''") + "'" for w in words)
        name = status.keys["source"].replace('"', '""')
        return [f"expr: case when \"{name}\" in ({listed}) then 'true' else 'false' end"]

    def _key(self, column: str) -> str:
        return f"tables.{self.contract.name}.columns.{column}"

    def _is_origin(self, answer: str) -> bool:
        try:
            origin = self._origin(answer)
        except yaml.YAMLError:
            return False
        if "expr" in origin:
            try:
                compile_expression(origin["expr"], self._known_header, "answer")
            except ConfigurationError:
                return False
        return bool(origin) and all(name in self.headers for name in origin.get("hash", []))

    def _known_header(self, name: str) -> str:
        if name not in self.headers:
            raise ConfigurationError(
                "E-ING-109", "answer", key=name, nearest=nearest(name, self.headers) or "-"
            )
        return '"c0"'

    def _origin(self, answer: str) -> dict[str, Any]:
        """Mapping keys of an answer: a header, `const: x`, `expr: sql`, `hash: A, B` or `hash: *`."""
        if answer in self.headers:
            return {"source": answer}
        kind, colon, text = answer.partition(":")
        text = text.strip()
        if not colon or not text:
            return {}
        if kind == "const":
            value = yaml.safe_load(text)
            return {"const": value} if isinstance(value, str | int | float | bool) else {}
        if kind == "expr":
            return {"expr": text}
        if kind == "hash":
            names = list(dict.fromkeys(self.headers)) if text == "*" else [n.strip() for n in text.split(",")]
            return {"hash": [n for n in names if n] or self.headers, "occurrence": True}
        return {}

    # ------------------------------------------------------------ the key

    def _key_plan(self) -> ColumnPlan:
        column = self.contract.column("source_record_id")
        plan = ColumnPlan(column.name)
        named = [m for m in matches_of(self.contract, column, self.profiles, self.is_named) if m.by_name]
        unique = [self.headers[at] for at in self.candidates.single]
        pairs = [f"{self.headers[a]} + {self.headers[b]}" for a, b in self.candidates.pairs]
        plan.notes.append(
            said("key_candidates", single=", ".join(unique) or "-", pairs=", ".join(pairs) or "-")
        )
        first = [m for m in named if m.header in unique]
        if len(first) == 1:
            plan.notes.append(first[0].said)
            plan.keys = {"source": first[0].header, "required": True}
            return plan
        for match in named:
            profile = self.profiles[match.at]
            plan.notes.append(
                said("not_unique", header=match.header, distinct=profile.n_distinct, rows=profile.n_rows)
            )
        options = [m.header for m in first] + [m.header for m in named if m not in first]
        options += [header for header in unique if header not in options]
        options += [f"hash: {self.headers[a]}, {self.headers[b]}" for a, b in self.candidates.pairs]
        if self.headers:
            options.append(EVERY)
        question = Question(
            self._key(column.name), said("ask_key"), tuple(plan.notes), tuple(dict.fromkeys(options)), self._is_origin,
            is_free=True,
        )  # fmt: skip
        decision = self.interview.decide(question, None)
        if decision.is_open:
            plan.open = decision
        else:
            plan.keys = self._origin(decision.best)
            plan.notes.append(said("answered"))
        return plan

    # ------------------------------------------------------------ how a value is read

    def _from(self, plan: ColumnPlan, column: Column, origin: dict[str, Any]) -> None:
        plan.keys.update(origin)
        if column.name == "currency":
            self.needs.has_currency = True
        self.needs.has_phone = self.needs.has_phone or column.type == "phone"
        if "source" not in origin:
            if column.type == "timestamp":
                self.needs.local_times.append(column.name)
            return
        profile = self.profiles[self.headers.index(origin["source"])]
        plan.notes.append(profile.said)
        for text, n in profile.missing.items():
            self.needs.missing[text] = max(n, self.needs.missing.get(text, 0))
        reader: dict[str, Callable[[ColumnPlan, Column, Profile], None]] = {
            "date": self._date, "timestamp": self._date, "decimal": self._number, "integer": self._number,
            "boolean": self._boolean, "enum": self._enum, "phone": self._phone,
        }  # fmt: skip
        if column.type in reader and profile.n_filled:
            reader[column.type](plan, column, profile)

    def _phone(self, plan: ColumnPlan, column: Column, profile: Profile) -> None:
        self.needs.phones.append(profile)

    def _proof(self, at: int) -> DateProof | None:
        if at not in self._proofs:
            self._proofs[at] = prove_dates(self.table, at)
        return self._proofs[at]

    def _date(self, plan: ColumnPlan, column: Column, profile: Profile) -> None:
        if profile.votes["epoch"] >= 0.9:
            (longest,) = self.table.row(
                f"SELECT max(length({self.table.column(profile.at)})) FROM {self.table.sample}"
            )
            plan.keys["type"] = "epoch_ms" if longest == 13 else "epoch_s"
            return
        if profile.votes["excel_serial"] >= 0.9:
            plan.keys["type"] = "excel_serial"
            self.needs.local_times.append(profile.name)
            return
        proof = self._proof(profile.at)
        key = f"{self._key(column.name)}.formats"
        if proof is None:
            question = Question(
                key, said("ask_formats", header=profile.name), (), (), _is_format, is_free=True
            )
            plan.keys["formats"] = self.interview.decide(question, ["iso"], lambda answer: [answer])
            return
        plan.notes += list(proof.evidence)
        clock = self._clock(profile.at, proof)
        if clock:
            plan.notes.append(clock.said)
        if column.type == "timestamp" and not proof.has_clock:
            plan.keys["type"] = "date"
            plan.notes.append(said("day_only"))
        if proof.formats or clock:
            plan.keys["formats"] = list(proof.formats or (clock.formats if clock else ()))
        else:
            options = tuple(" ; ".join(formats) for formats in proof.options)
            evidence = proof.evidence + self._orders_elsewhere(profile.at)
            question = Question(
                key, said("ask_order", header=profile.name), evidence, options, _is_format, is_free=True
            )
            plan.keys["formats"] = self.interview.decide(question, [], lambda answer: answer.split(" ; "))
        if column.type == "timestamp" and proof.is_local:
            self.needs.local_times.append(profile.name)
            if clock:
                self.needs.zones.append(clock)

    def _clock(self, at: int, proof: DateProof) -> ClockCheck | None:
        options = (proof.formats,) if proof.formats else proof.options
        if not proof.is_local:
            return None
        for epoch in self.epochs:
            found = check_clock(self.table, at, epoch.at, options)
            if found:
                return found
        return None

    def _orders_elsewhere(self, at: int) -> tuple[Said, ...]:
        """What other columns of the file prove: a hint for whoever decides, no proof for this one."""
        found = []
        for profile in self.profiles:
            if profile.at != at and profile.votes.get("date", 0) >= 0.9 and len(found) < 3:
                proof = self._proof(profile.at)
                if proof and proof.order in ("dmy", "mdy"):
                    found.append(said("order_elsewhere", header=profile.name, order=proof.order.upper()))
        return tuple(found)

    def _number(self, plan: ColumnPlan, column: Column, profile: Profile) -> None:
        proof = prove_numbers(self.table, profile.at)
        plan.notes += list(proof.evidence)
        if "€" in proof.strip or "EUR" in proof.strip:
            self.needs.currency_signs.add("EUR")
        if column.name == "probability" and self._is_percent(profile, proof.decimal):
            mark = f"replace(x, '{proof.decimal}', '.')" if proof.decimal == "," else "x"
            name = '"' + profile.name.replace('"', '""') + '"'
            bare = mark.replace("x", f"replace({name}, '%', '')", 1)
            plan.keys = {"expr": f"cast(try_cast(trim({bare}) as decimal(9,4)) / 100 as varchar)"}
            plan.notes.append(said("percent"))
            return
        if proof.is_open:
            question = Question(
                f"{self._key(column.name)}.decimal",
                said("ask_decimal", header=profile.name),
                proof.evidence,
                (",", "."),
            )
            decided = self.interview.decide(question, ".")
            plan.keys["decimal"] = decided
            if not decided.is_open:
                plan.keys["thousands"] = proof.thousands or ("." if decided.best == "," else ",")
        elif proof.decimal:
            plan.keys["decimal"] = proof.decimal
        if proof.thousands and not proof.is_open:
            plan.keys["thousands"] = proof.thousands
        if proof.strip:
            plan.keys["strip"] = list(proof.strip)
        if self.contract.name == "erp_invoice" and column.name in (
            "net_amount",
            "tax_amount",
            "gross_amount",
        ):
            self._sign(plan, column, profile)

    def _sign(self, plan: ColumnPlan, column: Column, profile: Profile) -> None:
        """Credit notes are negative in the contract: where the file writes them positive, the type gives the sign."""
        kind = next((p for p in self.plans if p.name == "document_type" and "source" in p.keys), None)
        mapped = kind.keys.get("map", {}) if kind else {}
        words = [text for text, value in mapped.items() if value == "credit_note"]
        if kind is None or not words:
            plan.notes.append(said("no_credit_note"))
            return
        listed = ", ".join("'" + w.replace("'", "''") + "'" for w in words)
        amount, type_at = self.table.column(profile.at), self.headers.index(kind.keys["source"])
        n, negative = self.table.row(
            f"SELECT count({amount}), count(*) FILTER (contains({amount}, '-')) FROM {self.table.all_rows} "
            f"WHERE {self.table.column(type_at)} IN ({listed}) AND regexp_matches({amount}, '[1-9]')"
        )
        evidence = said("credit_notes", n=n, negative=negative)
        plan.notes.append(evidence)
        if not n or negative == n:
            return
        type_name, name = (h.replace('"', '""') for h in (kind.keys["source"], profile.name))
        turned = f'case when "{type_name}" in ({listed}) then \'-\' || "{name}" else "{name}" end'
        if negative:
            question = Question(self._key(column.name), said("ask_sign", header=profile.name), (evidence,),
                                (profile.name, f"expr: {turned}"))  # fmt: skip
            decided = self.interview.decide(question, profile.name)
            if decided.is_open:
                plan.open = decided
                return
            if decided.best == profile.name:
                return
        del plan.keys["source"]
        plan.keys = {"expr": turned, **plan.keys}

    def _is_percent(self, profile: Profile, decimal: str | None) -> bool:
        column = self.table.column(profile.at)
        number = f"try_cast(replace(replace({column}, '%', ''), ',', '.') AS DOUBLE)"
        (largest,) = self.table.row(f"SELECT max({number}) FROM {self.table.all_rows}")
        return largest is not None and 1 < largest <= 100

    def _boolean(self, plan: ColumnPlan, column: Column, profile: Profile) -> None:
        values = [text for text, _ in profile.values if text not in profile.missing]
        if values and all(v.lower() in (*TRUE_WORDS, *FALSE_WORDS) for v in values):
            return
        words = {v: "true" if v.lower() in WORDS_TRUE else "false" for v in values
                 if v.lower() in (*WORDS_TRUE, *WORDS_FALSE)}  # fmt: skip
        self._mapped(plan, column, profile, words, ("true", "false"))

    def _enum(self, plan: ColumnPlan, column: Column, profile: Profile) -> None:
        known = value_names(self.contract.name, column.name)
        found = {text: known[normalised(text)] for text, _ in profile.values if normalised(text) in known}
        self._mapped(plan, column, profile, found, column.values)

    def _mapped(
        self,
        plan: ColumnPlan,
        column: Column,
        profile: Profile,
        found: dict[str, str],
        targets: tuple[str, ...],
    ) -> None:
        """The map of a closed list: known spellings filled, the others asked with the nearest value."""
        if not profile.values:
            question = Question(
                f"{self._key(column.name)}.map", said("ask_long_list", n=profile.n_distinct, header=profile.name),
                (), (), lambda answer: False, is_free=True,
            )  # fmt: skip
            self.interview.open_questions.append(question)
            plan.keys["map"] = Decision({}, (), question)
            return
        mapped: dict[str, Any] = {}
        for text, n in profile.values:
            if text in profile.missing:
                continue
            if text in found:
                mapped[text] = found[text]
                plan.map_notes[text] = said("value_known", n=n)
                continue
            near = nearest(text, targets)
            ordered = ([near] if near else []) + [v for v in targets if v != near]
            question = Question(
                f"{self._key(column.name)}.map.{text}", said("ask_value", header=profile.name, value=text, n=n), (),
                (*ordered, JOURNAL),
            )  # fmt: skip
            decided = self.interview.decide(question, near)
            if decided.is_open:
                mapped[text] = decided
            elif decided.best != JOURNAL:
                mapped[text] = decided.best
            plan.map_notes[text] = said("value_seen", n=n)
        n = profile.n_rows - profile.n_filled
        if n > self.n_totals and column.required:
            question = Question(
                f"{self._key(column.name)}.map.", said("ask_value", header=profile.name, value="", n=n), (),
                (*targets, JOURNAL),
            )  # fmt: skip
            decided = self.interview.decide(question, None)
            if decided.is_open or decided.best != JOURNAL:
                mapped[""] = decided if decided.is_open else decided.best
            plan.map_notes[""] = said("value_seen", n=n)
        plan.keys["map"] = mapped


def _is_format(answer: str) -> bool:
    from ingest.date_formats import check_formats

    try:
        check_formats(answer.split(" ; "))
    except ValueError:
        return False
    return bool(re.search(r"%|iso", answer))
