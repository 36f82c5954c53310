"""Small extracts in the documented layout of vendors of whom no real file is at hand, with planted values.

Each function returns {path below extracts/: bytes}. Two locales of one vendor carry the same facts.
What does NOT belong here: what must come out of them (test_vendor_layouts.py).
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any


def table(
    header: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ",", encoding: str = "utf-8"
) -> bytes:
    """One delimited file, CRLF, every value with a separator in it quoted."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    if header:
        writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def hubspot(locale: str) -> dict[str, bytes]:
    """Three contacts (a lead, a customer, a subscriber), a company and two deals."""
    english = locale == "en"
    contacts = (
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Lifecycle Stage,Create Date,"
        "Last Modified Date,Original Source,Associated Company,Associated Company IDs,Associated Deal IDs"
        if english
        else "ID de fiche d'informations,Prénom,Nom,E-mail,Numéro de téléphone,Propriétaire du contact,Statut du lead,"
        "Phase du cycle de vie,Date de création,Date de la dernière modification,Source d'origine,"
        "Entreprise associée,ID d'entreprises associées,ID de transactions associées"
    )
    new, customer, subscriber = (
        ("New", "Customer", "Subscriber") if english else ("Nouveau", "Client", "Abonné")
    )
    rows = [
        ["101", "Ada", "Lune", "Ada@Lune.example", "01 23 45 67 89", "Jo Vente", new, "Lead",
         "2026-03-29 01:30", "2026-06-01 08:00", "Organic", "Lune SA;Soleil", "501;502", ""],
        ["102", "Bob", "Mars", "bob@mars.example", "", "Jo Vente", "", customer,
         "2026-06-10 09:14", "2026-06-11 10:00", "Paid", "", "", "901;902"],
        ["103", "Cy", "Vent", "cy@vent.example", "", "", "", subscriber,
         "2026-01-10 09:14", "2026-01-10 09:14", "Paid", "", "", ""],
    ]  # fmt: skip
    companies = (
        "Record ID,Company name,Website URL,Company owner,Create Date"
        if english
        else "ID de fiche d'informations,Nom de l'entreprise,URL du site web,Propriétaire de l'entreprise,"
        "Date de création"
    )
    deals = (
        "Record ID,Deal Name,Deal Stage,Amount,Deal owner,Pipeline,Create Date,Close Date,Associated Company IDs,"
        "Associated Contact IDs"
        if english
        else "ID de fiche d'informations,Nom de la transaction,Phase de la transaction,Montant,"
        "Propriétaire de la transaction,Pipeline,Date de création,Date de fermeture,ID d'entreprises associées,"
        "ID de contacts associés"
    )
    won, proposal = ("Closed won", "Proposal") if english else ("Fermée gagnée", "Proposition")
    deal_rows = [
        ["901", "Licences", won, "1200.50", "Jo Vente", "Sales", "2026-06-10 10:00", "2026-06-20 17:45", "501", "102"],
        ["902", "Support", proposal, "", "Al Nord", "Sales", "2026-06-11 10:00", "2026-09-30 00:00", "", "102"],
    ]  # fmt: skip
    return {
        "2026-06/contacts.csv": table(contacts.split(","), rows),
        "2026-06/companies.csv": table(
            companies.split(","), [["501", "Lune SA", "lune.example", "Jo Vente", "2025-12-01 12:00"]]
        ),
        "2026-06/deals.csv": table(deals.split(","), deal_rows),
    }


def pipedrive(locale: str) -> dict[str, bytes]:
    """Two deals, one person with two addresses in one cell, one activity done and one to do."""
    english = locale == "en"
    deal = (
        "Deal - ID,Deal - Title,Deal - Value,Deal - Currency of value,Deal - Stage,Deal - Status,"
        "Deal - Creation date,Deal - Update time,Deal - Won time,Deal - Lost time,Deal - Lost reason,"
        "Deal - Expected close date,Deal - Owner,Deal - Organization,Deal - Contact person"
        if english
        else "Affaire - ID,Affaire - Titre,Affaire - Valeur,Affaire - Devise de la valeur,Affaire - Étape,"
        "Affaire - Statut,Affaire - Date de création,Affaire - Date de mise à jour,Affaire - Date de gain,"
        "Affaire - Date de perte,Affaire - Raison de la perte,Affaire - Date de clôture prévue,"
        "Affaire - Propriétaire,Affaire - Organisation,Affaire - Personne à contacter"
    )
    organization = (
        "Organization - ID,Organization - Name,Organization - Owner,Organization - Creation date,"
        "Organization - Update time"
        if english
        else "Organisation - ID,Organisation - Nom,Organisation - Propriétaire,Organisation - Date de création,"
        "Organisation - Date de mise à jour"
    )
    person = (
        "Person - ID,Person - Name,Person - First name,Person - Last name,Person - Email,Person - Phone,"
        "Person - Organization,Person - Owner,Person - Creation date,Person - Update time"
        if english
        else "Personne - ID,Personne - Nom,Personne - Prénom,Personne - Nom de famille,Personne - E-mail,"
        "Personne - Téléphone,Personne - Organisation,Personne - Propriétaire,Personne - Date de création,"
        "Personne - Date de mise à jour"
    )
    activity = (
        "Activity - ID,Activity - Subject,Activity - Type,Activity - Due date,Activity - Done,"
        "Activity - Marked as done time,Activity - Owner,Activity - Deal,Activity - Contact person,"
        "Activity - Organization"
        if english
        else "Activité - ID,Activité - Objet,Activité - Type,Activité - Date d'échéance,Activité - Terminée,"
        "Activité - Date de réalisation,Activité - Propriétaire,Activité - Affaire,"
        "Activité - Personne à contacter,Activité - Organisation"
    )
    won, is_open = ("Won", "Open") if english else ("Gagné", "Ouvert")
    call, done, todo = ("Call", "Done", "To do") if english else ("Appel", "Terminé", "À faire")
    return {
        "2026-06/deals.csv": table(
            deal.split(","),
            [
                ["7", "Licences", "1200", "EUR", "Closing", won, "2026-05-02 08:00:00", "2026-06-20 09:00:00",
                 "2026-06-20 09:00:00", "", "", "2026-06-30", "Jo Vente", "Lune SA", "Ada Lune"],
                ["8", "Support", "", "USD", "Demo", is_open, "2026-06-02 08:00:00", "2026-06-02 08:00:00",
                 "", "", "", "2026-09-30", "Jo Vente", "Nobody knows", ""],
            ],
        ),
        "2026-06/organizations.csv": table(
            organization.split(","), [["3", "Lune SA", "Jo Vente", "2026-01-01 00:00:00", "2026-01-02 00:00:00"]]
        ),
        "2026-06/people.csv": table(
            person.split(","),
            [["5", "Ada Lune", "Ada", "Lune", "ada@lune.example, ada@home.example", "+33123456789, 0611223344",
              "Lune SA", "Jo Vente", "2026-01-01 10:00:00", "2026-01-02 00:00:00"]],
        ),
        "2026-06/activities.csv": table(
            activity.split(","),
            [
                ["21", "First", call, "2026-06-03", done, "2026-06-03 14:05:00", "Jo Vente",
                 "Licences", "Ada Lune", "Lune SA"],
                ["22", "Second", call, "2026-07-03", todo, "", "Jo Vente", "Licences", "Ada Lune", "Lune SA"],
            ],
        ),
    }  # fmt: skip


def sellsy() -> dict[str, bytes]:
    """Two opportunities: a won one of 12 345,60 € and an open one without an amount."""
    header = (
        "Identifiant;Nom de l'opportunité;Société liée;Contact responsable;Source;Pipeline;Étape;Probabilité;"
        "Montant potentiel;Statut;Date de création;Date d'échéance;Collaborateur affecté;Note"
    )
    rows = [
        ["OPP-1", "Licences", "Lune SA", "Ada Lune", "Salon", "Ventes", "Signature", "90 %", "12 345,60 €", "Gagnée",
         "03/05/2026", "20/06/2026", "Jo Vente", "à livrer; vite"],
        ["OPP-2", "Support", "Lune SA", "", "", "Ventes", "Découverte", "10 %", "", "Ouverte", "04/06/2026",
         "30/09/2026", "Al Nord", ""],
    ]  # fmt: skip
    return {"2026-06/opportunites.csv": table(header.split(";"), rows, ";", "cp1252")}


def odoo() -> dict[str, bytes]:
    """A lead, a won and an archived opportunity, an invoice, its refund and a supplier invoice."""
    leads = (
        "id,name,type,partner_id/id,partner_name,contact_name,email_from,phone,source_id,user_id/id,team_id,"
        "stage_id,probability,expected_revenue,date_open,date_closed,date_deadline,lost_reason_id,active,"
        "create_date,write_date"
    )
    partners = (
        "id,name,is_company,parent_id/id,ref,company_registry,vat,email,phone,mobile,function,website,"
        "country_id/code,zip,city,user_id/id,create_date,write_date"
    )
    moves = (
        "id,name,partner_id/id,move_type,state,payment_state,invoice_date,invoice_date_due,currency_id,"
        "amount_untaxed_signed,amount_tax_signed,amount_total_signed,reversed_entry_id/id,write_date"
    )
    lead = "__export__.crm_lead_{}_a1"
    return {
        "2026-06/User (res.users).csv": table(
            ["id", "name", "login", "active", "write_date"],
            [["base.user_admin", "Jo Vente", "jo@own.example", "True", "2026-01-01 00:00:00"]],
        ),
        "2026-06/Contact (res.partner).csv": table(
            partners.split(","),
            [
                ["p1", "Lune SA", "True", "", "C0042", "552 100 554 00013", "FR40552100554", "", "+33123456789", "", "",
                 "lune.example", "FR", "01000", "Bourg", "base.user_admin", "2025-01-01 10:00:00",
                 "2026-01-01 10:00:00"],
                ["p2", "Ada Lune", "False", "p1", "", "", "", "ada@lune.example", "", "0611223344",
                 "CTO", "", "FR", "", "",
                 "base.user_admin", "2025-01-02 10:00:00", "2026-01-01 10:00:00"],
            ],
        ),
        "2026-06/Lead (crm.lead).csv": table(
            leads.split(","),
            [
                [lead.format(1), "Web form", "lead", "", "Mars SARL", "Bob Mars", "bob@mars.example",
                 "", "Web", "", "", "New",
                 "10.0", "0.0", "2026-06-02 08:00:00", "", "", "", "True",
                 "2026-06-01 09:00:00", "2026-06-01 09:00:00"],
                [lead.format(2), "Licences", "opportunity", "p1", "", "", "", "", "Web", "base.user_admin", "", "Won",
                 "100.0", "1200.5", "2026-05-02 08:00:00", "2026-06-20 09:00:00", "2026-06-30", "", "True",
                 "2026-05-01 09:00:00", "2026-06-20 09:00:00"],
                [lead.format(3), "Support", "opportunity", "p1", "", "", "", "", "Web", "base.user_admin", "",
                 "Proposition", "0.0", "300.0", "", "2026-06-21 09:00:00", "", "Too expensive",
                 "False", "2026-05-03 09:00:00",
                 "2026-06-21 09:00:00"],
            ],
        ),
        "2026-06/Journal Entry (account.move).csv": table(
            moves.split(","),
            [
                ["m1", "FAC/2026/0001", "p1", "out_invoice", "posted", "paid", "2026-06-05", "2026-07-05", "EUR",
                 "1000.0", "200.0", "1200.0", "", "2026-06-05 10:00:00"],
                ["m2", "RFAC/2026/0001", "p1", "out_refund", "posted", "not_paid", "2026-06-08", "2026-06-08", "EUR",
                 "-100.0", "-20.0", "-120.0", "m1", "2026-06-08 10:00:00"],
                ["m3", "BILL/2026/0001", "p9", "in_invoice", "posted", "paid", "2026-06-09", "2026-06-09", "EUR",
                 "-50.0", "-10.0", "-60.0", "", "2026-06-09 10:00:00"],
                ["m4", "MISC/2026/0001", "", "entry", "posted", "", "", "", "EUR", "0.0", "0.0", "0.0", "",
                 "2026-06-09 10:00:00"],
            ],
        ),
    }  # fmt: skip


def dolibarr(locale: str) -> dict[str, bytes]:
    """An invoice paid in two parts (two rows) and a credit note."""
    header = (
        "IdCompany,CompanyName,Zip,Town,CountryCode,ProfId1,ProfId2,CustomerAccountancyCode,VATIntra,InvoiceId,"
        "InvoiceRef,InvoiceDateCreation,DateInvoice,DateDue,TotalHT,TotalVAT,TotalTTC,InvoicePaid,InvoiceStatus,"
        "PaymentId,AmountPayment,DatePayment"
        if locale == "en"
        else "Id tiers,Nom tiers,Code postal,Ville,Code pays,SIREN,SIRET,Code comptable client,Numéro de TVA,"
        "Id facture,Réf. facture,Date création facture,Date facturation,Date échéance,Total HT,Total TVA,"
        "Total TTC,Facture payée,Statut facture,Id paiement,Montant paiement,Date paiement"
    )
    company = ["12", "Lune SA", "01000", "Bourg", "FR", "", "55210055400013", "411LUNE", "FR40552100554"]
    invoice = ["31", "FA2606-0001", "2026-06-05", "2026-06-05", "2026-07-05", "1000", "200", "1200", "1", "2"]
    credit = ["32", "AV2606-0001", "2026-06-08", "2026-06-08", "2026-06-08", "-100", "-20", "-120", "0", "1"]
    rows = [
        [*company, *invoice, "71", "700", "2026-06-20"],
        [*company, *invoice, "72", "500", "2026-06-28"],
        [*company, *credit, "", "", ""],
    ]
    return {"2026-06/export_factures.csv": table(header.split(","), rows)}


def aircall() -> dict[str, bytes]:
    """An answered outbound call (40 s ringing, 60 s talk), a voicemail, an abandoned one, one still running."""
    base = {
        "user": {"email": "jo@own.example"},
        "number": {"digits": "+33 1 80 00 00 00"},
        "missed_call_reason": None,
    }
    start = 1780300800  # 2026-06-01 08:00:00 UTC
    calls = [
        {"id": 9000000000000001, "direction": "outbound", "status": "done", "started_at": start,
         "answered_at": start + 40, "ended_at": start + 100, "duration": 100, "voicemail": None,
         "raw_digits": "+33 1 23 45 67 89"},
        {"id": 9000000000000002, "direction": "inbound", "status": "done", "started_at": start + 200,
         "answered_at": None, "ended_at": start + 230, "duration": 30, "voicemail": "a recording",
         "raw_digits": "+33 6 11 22 33 44"},
        {"id": 9000000000000003, "direction": "inbound", "status": "done", "started_at": start + 300,
         "answered_at": None, "ended_at": start + 310, "duration": 10, "voicemail": None,
         "raw_digits": "anonymous", "missed_call_reason": "short_abandoned", "user": None},
        {"id": 9000000000000004, "direction": "inbound", "status": "answered", "started_at": start + 400,
         "answered_at": start + 405, "ended_at": None, "duration": 0, "voicemail": None, "raw_digits": "+33611223344"},
    ]  # fmt: skip
    return {"2026-06/calls.json": json.dumps([base | call for call in calls]).encode()}


def ringover() -> dict[str, bytes]:
    """An outbound answered call and an inbound voicemail."""
    calls = [
        {"cdr_id": 1, "call_id": "11", "direction": "OUT", "is_answered": True, "last_state": "ANSWERED",
         "start_time": "2026-06-01T08:00:00.12Z", "answered_time": "2026-06-01T08:00:20Z",
         "end_time": "2026-06-01T08:02:20Z", "incall_duration": 120, "total_duration": 140,
         "contact_number": "33123456789", "from_number": "33180000000", "to_number": "33123456789",
         "user": {"email": "jo@own.example"}},
        {"cdr_id": 2, "call_id": "12", "direction": "IN", "is_answered": True, "last_state": "VOICEMAIL",
         "start_time": "2026-06-01T09:00:00Z", "answered_time": None, "end_time": "2026-06-01T09:00:30Z",
         "incall_duration": 0, "total_duration": 30, "contact_number": "33611223344",
         "from_number": "33611223344", "to_number": "33180000000", "user": None},
    ]  # fmt: skip
    return {"2026-06/calls.json": json.dumps(calls).encode()}


def threecx() -> dict[str, bytes]:
    """An outbound call of 1 h 01 min 05 s, an inbound one left in the voice mail, an internal one never answered."""

    def line(history: str, call: str, talk: str, start: str, answer: str, end: str, why: str, a: str, b: str,
             dn_a: str, dn_b: str, dialled: str, kind_a: str, kind_b: str, final: str) -> list[str]:  # fmt: skip
        return [history, call, talk, start, answer, end, why, a, b, dn_a, dn_b, dialled, "", "", "",
                "", "", "", "", "Chain: a;b", kind_a, kind_b, final, "", "", "", ""]  # fmt: skip

    rows = [
        line("H1", "C1", "01:01:05", "2026/06/01 08:00:00", "2026/06/01 08:00:10", "2026/06/01 09:01:15",
             "TerminatedByDst", "Ext.101", "0123456789", "Ext.101", "10000", "0123456789", "Extension", "Line", "Line"),
        line("H2", "C2", "00:00:12", "2026/06/01 10:00:00", "2026/06/01 10:00:20", "2026/06/01 10:00:32",
             "TerminatedBySrc", "0611223344", "Ext.101", "10000", "Ext.101", "", "Line", "Extension", "VoiceMail"),
        line("H3", "C3", "", "2026/06/01 11:00:00", "", "2026/06/01 11:00:15", "TerminatedBySrc", "Ext.101",
             "Ext.102", "Ext.101", "Ext.102", "102", "Extension", "Extension", "Extension"),
    ]  # fmt: skip
    return {"2026-06/cdr.log": table([], rows)}


def google_calendar() -> dict[str, bytes]:
    """A meeting at 10:00 Paris time, which is 08:00 UTC in June, and an all-day event."""
    header = "Subject,Start Date,Start Time,End Date,End Time,All Day Event,Description,Location,Private"
    rows = [
        ["Demo", "06/04/2026", "10:00 AM", "06/04/2026", "11:30 AM", "False", "", "Room, 2", "False"],
        ["Off", "06/05/2026", "", "06/05/2026", "", "True", "", "", "True"],
    ]
    return {"2026-06/calendar.csv": table(header.split(","), rows)}


def outlook(locale: str) -> dict[str, bytes]:
    """The same two events in both locales; 4 June is written 6/4/2026 and 04/06/2026."""
    english = locale == "en"
    header = (
        "Subject,Start Date,Start Time,End Date,End Time,All day event,Reminder on/off,Reminder Date,"
        "Reminder Time,Meeting Organizer,Required Attendees,Optional Attendees,Meeting Resources,"
        "Billing Information,Categories,Description,Location,Mileage,Priority,Private,Sensitivity,Show time as"
        if english
        else "Objet,Début,Heure de début,Fin,Heure de fin,Journée entière,Rappel actif/inactif,Date de rappel,"
        "Heure du rappel,Organisateur de la réunion,Participants obligatoires,Participants facultatifs,"
        "Ressources de la réunion,Informations de facturation,Catégories,Description,Emplacement,Kilométrage,"
        "Priorité,Privé,Critère de diffusion,Disponibilité"
    )
    day, start, end, off = (
        ("6/4/2026", "10:00:00 AM", "11:30:00 AM", "6/5/2026")
        if english
        else ("04/06/2026", "10:00:00", "11:30:00", "05/06/2026")
    )
    midnight, true, false = ("12:00:00 AM", "True", "False") if english else ("00:00:00", "Vrai", "Faux")
    rest = ["", "", "", "", "", "Normal", false, "Normal"]
    rows = [
        ["Démo", day, start, day, end, false, true, day, start, "jo@own.example",
         "Ada Lune;Bob Mars <Bob@Mars.example>", "jo@own.example; 'al@own.example'", "",
         *rest, "1"],
        ["Off", off, midnight, off, midnight, true, false, "", "", "Jo Vente", "", "", "", *rest, "3"],
    ]  # fmt: skip
    return {"2026-06/calendar.csv": table(header.split(","), rows, encoding="cp1252")}


def dynamics365() -> dict[str, bytes]:
    """A qualified and a disqualified lead, a won opportunity, a merged account."""
    files = {
        "systemuser": [
            "systemuserid,fullname,internalemailaddress,title,parentsystemuserid,isdisabled,modifiedon",
            ["u1", "Jo Vente", "jo@own.example", "AE", "", "False", "2026-01-01T00:00:00Z"],
        ],
        "account": [
            "accountid,name,accountnumber,parentaccountid,masterid,websiteurl,numberofemployees,address1_country,"
            "address1_postalcode,address1_city,telephone1,ownerid,createdon,modifiedon",
            ["a1", "Lune SA", "411LUNE", "", "", "lune.example", "250", "France", "01000", "Bourg", "+33123456789",
             "u1", "2025-01-01T10:00:00Z", "2026-01-01T10:00:00Z"],
            ["a2", "Lune", "", "", "a1", "", "", "France", "", "", "", "u1", "2025-01-01T10:00:00Z",
             "2026-01-01T10:00:00Z"],
        ],
        "contact": [
            "contactid,parentcustomerid,masterid,firstname,lastname,emailaddress1,telephone1,mobilephone,jobtitle,"
            "donotemail,donotphone,ownerid,createdon,modifiedon",
            ["c1", "a1", "", "Ada", "Lune", "ada@lune.example", "", "0611223344", "CTO", "True", "False", "u1",
             "2025-01-02T10:00:00Z", "2026-01-01T10:00:00Z"],
        ],
        "lead": [
            "leadid,firstname,lastname,companyname,emailaddress1,telephone1,mobilephone,address1_country,"
            "leadsourcecode,statecode,parentaccountid,parentcontactid,qualifyingopportunityid,donotemail,donotphone,"
            "ownerid,createdon,modifiedon",
            ["l1", "Ada", "Lune", "Lune SA", "ada@lune.example", "", "", "France", "8", "1", "a1", "c1", "o1", "False",
             "False", "u1", "2026-05-01T09:00:00Z", "2026-05-02T09:00:00Z"],
            ["l2", "Bob", "Mars", "Mars", "bob@mars.example", "", "", "Suisse", "100000", "2", "", "", "", "False",
             "False", "u1", "2026-05-03T09:00:00Z", "2026-05-04T09:00:00Z"],
        ],
        "opportunity": [
            "opportunityid,parentaccountid,name,stepname,statecode,estimatedvalue,actualvalue,isocurrencycode,"
            "closeprobability,estimatedclosedate,actualclosedate,ownerid,createdon,modifiedon",
            ["o1", "a1", "Licences", "4-Close", "1", "1000.00", "1200.50", "EUR", "90", "2026-06-30", "2026-06-20",
             "u1", "2026-05-02T09:00:00Z", "2026-06-20T09:00:00Z"],
        ],
    }  # fmt: skip
    return {f"2026-06/{name}.csv": table(rows[0].split(","), rows[1:]) for name, rows in files.items()}


def dynamics365_with_labels() -> dict[str, bytes]:
    """Labels of one code: for leads in one language, for another table, and of code 8 in two languages."""
    rows = [
        ["lead", "leadsourcecode", "100000", "1033", "Trade fair", "1"],
        ["account", "leadsourcecode", "100000", "1033", "Of an account", "1"],
        ["lead", "industrycode", "100000", "1033", "Of an industry", "1"],
        ["lead", "leadsourcecode", "8", "1033", "Web", "2"],
        ["lead", "leadsourcecode", "8", "1036", "Internet", "2"],
    ]
    header = ["objecttypecode", "attributename", "attributevalue", "langid", "value", "displayorder"]
    return {**dynamics365(), "2026-06/stringmap.csv": table(header, rows)}


def marketing_cloud_zip() -> dict[str, bytes]:
    """The same extract as it comes: a zip, in which one file has no event and one was not selected."""
    files = {path.partition("/")[2]: content for path, content in marketing_cloud().items()}
    header = files["Sent.csv"].split(b"\r\n")[0] + b"\r\n"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, "Unsubs.csv": header}.items():
            archive.writestr(f"extract/{name}", content)
    return {"2026-06-30_tracking.zip": target.getvalue()}


def google_calendar_api() -> dict[str, bytes]:
    """A meeting with two people and a room, one occurrence moved of a series, and an all-day event."""
    meeting = {
        "id": "e1", "iCalUID": "e1@google.com", "status": "confirmed", "organizer": {"email": "jo@own.example"},
        "start": {"dateTime": "2026-06-04T10:00:00+02:00"}, "end": {"dateTime": "2026-06-04T11:30:00+02:00"},
        "sequence": 1, "updated": "2026-06-01T08:00:00.000Z",
        "attendees": [
            {"email": "Ada@Lune.example", "displayName": "Ada", "responseStatus": "accepted"},
            {"email": "jo@own.example", "organizer": True, "responseStatus": "needsAction"},
            {"email": "room@own.example", "resource": True, "responseStatus": "accepted"},
        ],
    }  # fmt: skip
    moved = {
        "id": "s1_20260610T080000Z", "iCalUID": "s1@google.com", "status": "cancelled",
        "originalStartTime": {"dateTime": "2026-06-10T10:00:00+02:00"},
        "start": {"dateTime": "2026-06-11T10:00:00+02:00"}, "sequence": 0,
    }  # fmt: skip
    off = {"id": "d1", "status": "confirmed", "start": {"date": "2026-06-05"}, "end": {"date": "2026-06-06"}}
    lines = [json.dumps(event) for event in (meeting, moved, off)]
    return {"2026-06/events.jsonl": "".join(f"{line}\n" for line in lines).encode()}


def odoo_with_lines() -> dict[str, bytes]:
    """An invoice of two lines and a note, its refund of one line and a supplier invoice; their cells stand once."""
    header = (
        "id,name,partner_id/id,move_type,state,payment_state,invoice_date,invoice_date_due,currency_id,"
        "amount_untaxed_signed,amount_tax_signed,amount_total_signed,reversed_entry_id/id,write_date,"
        "invoice_line_ids/id,invoice_line_ids/sequence,invoice_line_ids/display_type,invoice_line_ids/product_id/id,"
        "invoice_line_ids/quantity,invoice_line_ids/price_unit,invoice_line_ids/price_subtotal"
    )
    others = [""] * 14

    def move(key: str, name: str, kind: str, net: str) -> list[str]:
        return [key, name, "p1", kind, "posted", "paid", "2026-06-05", "2026-07-05", "EUR", net, "0.0", net, "",
                "2026-06-05 10:00:00"]  # fmt: skip

    rows = [
        [
            *move("m1", "FAC/1", "out_invoice", "1000.0"),
            "l1",
            "10",
            "product",
            "pr1",
            "2.0",
            "300.0",
            "600.0",
        ],
        [*others, "l2", "20", "", "pr2", "1.0", "400.0", "400.0"],
        [*others, "l3", "30", "line_note", "", "0.0", "0.0", "0.0"],
        [
            *move("m2", "RFAC/1", "out_refund", "-100.0"),
            "l4",
            "10",
            "product",
            "pr1",
            "1.0",
            "100.0",
            "100.0",
        ],
        [*move("m3", "BILL/1", "in_invoice", "-50.0"), "l5", "10", "product", "pr1", "1.0", "50.0", "50.0"],
    ]
    plain = {path: content for path, content in odoo().items() if "account.move" not in path}
    return {**plain, "2026-06/Journal Entry (account.move) lines.csv": table(header.split(","), rows)}


def marketing_cloud() -> dict[str, bytes]:
    """One message sent, opened and clicked twice in one second on two links; another one bounced hard."""
    common = "ClientID,SendID,SubscriberKey,EmailAddress,SubscriberID,ListID,EventDate,EventType"
    tail = "BatchID,TriggeredSendExternalKey"
    ada = ["1", "900", "K1", "Ada@Lune.example", "11", "5"]
    bob = ["1", "900", "K2", "bob@mars.example", "12", "5"]
    when = "6/1/2026 8:00:00 PM"
    return {
        "2026-06/Sent.csv": table(
            f"{common},{tail}".split(","), [[*ada, when, "Sent", "1", ""], [*bob, when, "Sent", "1", ""]]
        ),
        "2026-06/Opens.csv": table(
            f"{common},{tail}".split(","), [[*ada, "12/1/2026 8:00:00 PM", "Open", "1", ""]]
        ),
        "2026-06/Clicks.csv": table(
            f"{common},SendURLID,URLID,URL,Alias,{tail}".split(","),
            [
                [*ada, "6/1/2026 8:10:00 PM", "Click", "1", "1", "https://own.example/a", "", "1", ""],
                [*ada, "6/1/2026 8:10:00 PM", "Click", "2", "2", "https://own.example/b", "", "1", ""],
            ],
        ),
        "2026-06/Bounces.csv": table(
            f"{common},BounceCategory,SMTPCode,BounceReason,{tail}".split(","),
            [[*bob, "6/1/2026 8:00:05 PM", "Bounce", "Hard bounce", "550", "user unknown", "1", ""]],
        ),
    }
