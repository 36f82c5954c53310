"""Expected spellings written by hand from the evidence rules; the real numbers are public companies' own."""

import duckdb
import pyarrow as pa
import pytest

from orchestration.matching.standardise import (
    companies,
    contact_points,
    identifiers,
    persons,
    places,
    standardise,
)
from orchestration.matching.standardise.roles import guess_entity, guess_roles
from orchestration.matching.standardise.text import blank_to_null, plain_words, sorted_words


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as connection:
        yield connection


def value_of(con, builder, text, *args):
    return con.execute(f"SELECT {builder('v', *args)} FROM (SELECT ?::VARCHAR AS v)", [text]).fetchone()[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Société Générale S.A. ", "societe generale sa"),
        ("L'Oréal", "l oreal"),
        ("L’Oréal", "l oreal"),
        ("Œuvre & Cœur", "oeuvre coeur"),
        ("GROẞE Straße", "grosse strasse"),
        ("Иванов", "иванов"),
        ("--- !", None),
        ("", None),
    ],
)
def test_plain_words_fold_accents_and_punctuation(con, text, expected):
    assert value_of(con, plain_words, text) == expected


@pytest.mark.parametrize("text", ["", "  ", "N/A", "n.a.", "-", "???", "Unknown", "NULL", "inconnu"])
def test_what_people_type_for_nothing_is_null(con, text):
    assert value_of(con, blank_to_null, text) is None


@pytest.mark.parametrize("text", ["Nana", "Ненад", "0123", "Annex"])
def test_a_value_that_resembles_nothing_is_kept(con, text):
    assert value_of(con, blank_to_null, text) == text


@pytest.mark.parametrize(
    ("text", "core", "form"),
    [
        ("ETS. Dupont & Cie SARL", "dupont compagnie", "sarl"),
        ("S.A.R.L. Dupont", "dupont", "sarl"),
        ("Dupont S.A.S.U.", "dupont", "sasu"),
        ("Müller Maschinenbau GmbH & Co. KG", "muller maschinenbau", "gmbh"),
        ("Acme Widgets Limited", "acme widgets", "ltd"),
        ("Acme Intl. Pty Ltd", "acme international", "ltd"),
        ("Rossi e Figli S.p.A.", "rossi e figli", "spa"),
        ("Construcciones García, S.L.", "construcciones garcia", "sl"),
        ("De Vries B.V.", "de vries", "bv"),
        ("Janssens BVBA", "janssens", "srl"),
        ("Kowalski Sp. z o.o.", "kowalski", "spzoo"),
        ("Silva & Filhos, Lda", "silva filhos", "lda"),
        ("The Bank of Scotland plc", "bank scotland", "plc"),
        ("SARL", "sarl", None),
        ("Société Générale", "generale", None),
        ("Sasha Foods", "sasha foods", None),
        ("AG", "ag", None),
    ],
)
def test_a_company_name_gives_its_core_and_its_legal_form(con, text, core, form):
    assert value_of(con, lambda v: companies.company_core_name(plain_words(v)), text) == core
    assert value_of(con, lambda v: companies.company_legal_form(plain_words(v)), text) == form


@pytest.mark.parametrize(
    ("text", "given", "family"),
    [
        ("Martin, Jean-Marie", "jeanmarie", "martin"),
        ("Jean Martin", "jean", "martin"),
        ("Dr. Anne D'Arc", "anne", "darc"),
        ("Mme Élise de la Cruz", "elise", "delacruz"),
        ("Martin", None, "martin"),
    ],
)
def test_a_full_name_gives_given_and_family_name(con, text, given, family):
    assert value_of(con, persons.given_of_full, text) == given
    assert value_of(con, persons.family_of_full, text) == family


def test_particles_and_hyphens_do_not_make_another_name(con):
    for text in ("de la Cruz", "De La Cruz", "DELACRUZ"):
        assert value_of(con, persons.family_name, text) == "delacruz"
    assert value_of(con, persons.family_core, "van der berg") == "berg"
    assert value_of(con, persons.family_core, "von") == "von"


def test_nicknames_stay_different(con):
    assert value_of(con, persons.given_name, "Bill") != value_of(con, persons.given_name, "William")


def test_swapped_names_have_one_key_in_every_way_of_writing_them():
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES ('a', '', 'Jean', 'Martin', NULL), ('b', '', 'MARTIN', 'Jean', "
            "NULL), ('c', '', NULL, NULL, 'Martin, Jean')) AS v(record_key, source, g, f, n)"
        )
        standardise(con, "t", {"given_name": "g", "family_name": "f", "full_name": "n"})
        rows = con.execute("SELECT name_key, given, family FROM standardised ORDER BY node").fetchall()
    assert [row[0] for row in rows] == ["jean martin"] * 3
    assert rows[2][1:] == ("jean", "martin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("552 100 554", "552100554"),
        ("55210055400013", "552100554"),
        ("552100554.0", "552100554"),
        ("552100555", None),
        ("000000000", None),
        ("123456782", None),
        ("00000000000000", None),
        ("abc", None),
        ("35600000000048", "356000000"),
    ],
)
def test_a_siren_is_nine_digits_that_satisfy_luhn_and_no_sentinel(con, text, expected):
    assert value_of(con, identifiers.siren, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("732 829 320 00074", "73282932000074"),
        ("73282932000075", None),
        ("35600000000048", "35600000000048"),
        ("35600000049837", "35600000049837"),  # La Poste: digits sum to a multiple of 5, Luhn fails
        ("35600000049838", None),
    ],
)
def test_a_siret_is_checked_with_the_exception_of_la_poste(con, text, expected):
    assert value_of(con, identifiers.siret, text) == expected


def test_vat_numbers_are_checked_country_by_country():
    table = identifiers.vat_numbers(
        pa.array(
            ["FR 40 303 265 045", "FR40303265046", "DE136695976", "DE136695978", "FR00000000000", None, "x"]
        )
    )
    found = dict(zip(table["value"].to_pylist(), table["vat_number"].to_pylist(), strict=True))
    assert found == {
        "FR 40 303 265 045": "FR40303265045", "FR40303265046": None, "DE136695976": "DE136695976",
        "DE136695978": None, "FR00000000000": None, "x": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Jean.Martin+Salon@Acme.FR", "jean.martin@acme.fr"),
        ("mailto:a@b.fr", "a@b.fr"),
        (" <a@b.fr>; ", "a@b.fr"),
        ("not an address", None),
        ("a@b", None),
    ],
)
def test_an_address_loses_its_tag(con, text, address):
    assert value_of(con, contact_points.email_address, text) == address


@pytest.mark.parametrize(
    ("address", "generic"),
    [("contact@a.fr", True), ("compta2@a.fr", True), ("info-fr@a.fr", True), ("jean.info@a.fr", False)],
)
def test_generic_mailboxes_come_from_the_seed(con, address, generic):
    assert value_of(con, contact_points.is_generic_mailbox, address) is generic


def test_a_domain_stands_one_label_above_the_public_suffix():
    hosts = ["www.acme.co.uk", "shop.acme.fr", "gmail.com", "co.uk", "foo.myshopify.com", "a.b.asso.fr"]
    table = contact_points.registered_domains(pa.array(hosts))
    rows = {row["host"]: (row["domain"], row["is_shared"]) for row in table.to_pylist()}
    assert rows["www.acme.co.uk"] == ("acme.co.uk", False)
    assert rows["shop.acme.fr"] == ("acme.fr", False)
    assert rows["gmail.com"] == ("gmail.com", True)
    assert rows["co.uk"][0] is None
    assert rows["foo.myshopify.com"][0] in ("foo.myshopify.com", "myshopify.com")


@pytest.mark.parametrize(
    ("text", "host"),
    [("https://www.Acme.fr/contact?x=1", "acme.fr"), ("jean@acme.fr", "acme.fr"), ("acme", None)],
)
def test_a_host_is_read_from_web_and_mail_addresses(con, text, host):
    assert value_of(con, contact_points.host_name, text) == host


def test_phones_are_e164_where_the_region_reads_them_and_digits_elsewhere(con):
    for text in ("01 42 68 53 00", "+33 1 42 68 53 00", "0033142685300", "+33 (0)1 42 68 53 00"):
        assert value_of(con, contact_points.phone_number, text, "FR") == "+33142685300"
    assert value_of(con, contact_points.phone_number, "(310) 246-1501", None) == "3102461501"
    assert value_of(con, contact_points.phone_number, "12345", None) is None
    assert value_of(con, contact_points.phone_number, "0000000000", None) is None


@pytest.mark.parametrize(
    ("text", "number", "street"),
    [
        ("12 bis, av. Foch", "12", "avenue foch"),
        ("12, rue de l'Église", "12", "rue de l eglise"),
        ("Hauptstr. 7a", "7", "haupt street"),
        ("435 S. La Cienega Blvd.", "435", "south la cienega boulevard"),
        ("10 Downing St", "10", "downing street"),
        ("854 7th Ave.  between 54th and 55th Sts.", "854", "7th avenue"),
        ("854 Seventh Ave.", "854", "7th avenue"),
        ("2 rue Neuve, angle rue Haute", "2", "rue neuve"),
        ("Near Street 5", "5", "near street"),
        ("Tour Maine Montparnasse", None, "tour maine montparnasse"),
    ],
)
def test_an_address_line_gives_number_and_street(con, text, number, street):
    assert value_of(con, places.street_number, text) == number
    assert value_of(con, places.street_name, text) == street


@pytest.mark.parametrize(
    ("text", "code"),
    [("F-75008", "75008"), ("90210-1234", "90210"), ("sw1a 1aa", "SW1A1AA"), ("75008.0", "75008")],
)
def test_postal_codes_are_one_spelling(con, text, code):
    assert value_of(con, places.postal_code, text) == code


def test_cities_lose_cedex_and_district(con):
    assert value_of(con, places.city_name, "PARIS LA DÉFENSE CEDEX 12") == "paris la defense"
    assert value_of(con, places.city_name, "Lyon 3e") == "lyon"
    assert value_of(con, places.city_name, "Saint-Étienne") == value_of(con, places.city_name, "St Etienne")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1985-03-07", "1985-03-07"),
        ("19850307", "1985-03-07"),
        ("07/03/1985", "1985-03-07"),
        ("12/25/1985", "1985-12-25"),
        ("1985-03-07 00:00:00", "1985-03-07"),
        ("0001-01-01", None),
        ("31/02/1985", None),
    ],
)
def test_dates_of_birth_are_read_day_first(con, text, date):
    assert value_of(con, places.birth_date, text) == date


def test_sorted_words_ignore_word_order(con):
    assert value_of(con, sorted_words, "beta alpha") == "alpha beta"


def test_records_get_only_the_columns_of_their_roles_and_nodes_by_key():
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES "
            "('b', 's', 'ACME S.A.', 'FR40303265045', 'www.acme.fr', 'contact@gmail.com'), "
            "('a', 's', 'N/A', NULL, NULL, 'x@acme.fr')) AS v(record_key, source, n, vat, web, mail)"
        )
        roles = {"name": "n", "vat_number": "vat", "website": "web", "email": "mail"}
        columns = standardise(con, "t", roles, "FR")
        rows = con.sql("SELECT * FROM standardised ORDER BY node").to_arrow_table().to_pylist()
    assert "city" not in columns
    assert [row["record_key"] for row in rows] == ["a", "b"]
    assert rows[0]["name"] is None and rows[0]["email_domain"] == "acme.fr"
    assert rows[1]["name"] == "acme" and rows[1]["legal_form"] == "sa" and rows[1]["domain"] == "acme.fr"
    assert rows[1]["email_domain"] is None and rows[1]["is_generic_email"] is True
    assert rows[1]["siren"] == "303265045"


def test_roles_are_guessed_from_column_names():
    assert guess_roles(["rec_id", "given_name", "surname", "date_of_birth", "soc_sec_id", "postcode"], "person") == {
        "record_key": "rec_id", "given_name": "given_name", "family_name": "surname",
        "birth_date": "date_of_birth", "national_id": "soc_sec_id", "postal_code": "postcode",
    }  # fmt: skip
    assert guess_roles(["Id", "Site name", "Address", "Zip", "Phone"], "site") == {
        "record_key": "Id", "name": "Site name", "address": "Address", "postal_code": "Zip", "phone": "Phone",
    }  # fmt: skip
    assert guess_roles(["dob", "birth_place", "postcode_home"], "person") == {
        "birth_date": "dob", "city": "birth_place", "postal_code": "postcode_home",
    }  # fmt: skip
    assert guess_entity(["firstName", "lastName", "x"]) == "person"
    assert guess_entity(["name", "addr", "city", "phone", "type"]) == "site"
    assert guess_entity(["id", "name"]) == "organisation"
