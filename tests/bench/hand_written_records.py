"""Hand-written script, first part: CRM and ERP files to accounts, leads, opportunities, invoice lines and MRR.

Accounts are one cluster per registration number, VAT number, accounting code, CRM merge, web domain, or name with
country and head count; persons are joined on one key, the first they have of personal e-mail, mobile and phone.
What does NOT belong here: calls, mails and meetings (hand_written_events), marts (hand_written_marts).
"""

from pathlib import Path

import duckdb

from tests.bench.hand_written_files import (
    CRM_NULLS,
    ERP_NULLS,
    OWN_DOMAIN,
    amount,
    csv,
    day,
    in_utf8,
    latest,
    local_day,
    typed_phone,
    utc,
)

SIZE_BAND = """case when {0} between 1 and 99 then 'smb' when {0} between 100 and 999 then 'mid'
    when {0} >= 1000 then 'enterprise' else 'unknown' end"""
STAGES = """(values ('Prospecting', 'prospecting', 1), ('Qualification', 'qualification', 2), ('Meeting', 'meeting', 3),
    ('Needs Analysis', 'needs_defined', 4), ('Proposal/Price Quote', 'proposal', 5),
    ('Negotiation/Review', 'negotiation', 6), ('Closed Won', 'won', 7), ('Closed Lost', 'lost', 0))
    as stages (stage_name, stage_code, stage_rank)"""
#: A deleted record counts only when it was merged into another.
LIVE = "(IsDeleted is distinct from 'true' or MasterRecordId is not null)"


def files(extracts: str, out: Path) -> list[str]:
    """The newest version of every CRM and ERP record, typed; dim_products, dim_dates and the monthly rates."""
    crm, erp = f"{extracts}/crm/*", f"{extracts}/erp/*"

    def crm_file(name: str) -> str:
        return csv(f"{crm}/{name}.csv", nulls=CRM_NULLS)

    def erp_file(name: str, encoding: str = "latin-1") -> str:
        path = f"{erp}/{name}*.csv"
        if encoding == "utf-8":
            path = in_utf8(path, out / "utf8", name)
        return csv(path, delimiter=";", encoding=encoding, nulls=ERP_NULLS)

    modified = "try_cast(LastModifiedDate as timestamp)"
    person = f"""lower(trim(Email)) as email, {typed_phone("Phone")} as phone, {typed_phone("MobilePhone")} as mobile,
        coalesce(HasOptedOutOfEmail = 'true', false) or coalesce(DoNotCall = 'true', false) as is_opted_out,
        try_cast(CreatedDate as timestamp) as created_at, {modified} as modified_at"""
    ours = f"split_part(email, '@', 2) is distinct from '{OWN_DOMAIN}'"
    changed = day('"Modifié le"')
    return [
        latest(
            "users",
            crm_file("User"),
            "Id, lower(trim(Email)) as email, lower(Extension) as extension, IsActive = 'true' as is_active",
            "Id",
            "LastModifiedDate",
        ),
        # What telephony and mail call a seller; a handle of two active ones names nobody.
        """create temp table handles as
        select handle, case when count(*) filter (where is_active) = 1 then min(Id) filter (where is_active)
            when count(*) = 1 then min(Id) end as rep_id
        from (select extension as handle, Id, is_active from users union select email, Id, is_active from users)
        where handle is not null group by handle""",
        latest(
            "leads",
            crm_file("Lead"),
            f"""Id, {LIVE} as is_live, MasterRecordId, nullif(trim(Company), '') as company, {person},
            left(regexp_replace(SIREN__c, '[^0-9]', '', 'g'), 9) as siren, CountryCode as country_code,
            try_cast(NumberOfEmployees as bigint) as employees, OwnerId, LeadSource as lead_source,
            case when LeadSource in ('Web', 'Webinar', 'Content Download', 'Inbound Call') then 'inbound'
                when LeadSource in ('Cold Call', 'Purchased List', 'LinkedIn Prospecting') then 'outbound'
                when LeadSource in ('Partner Referral', 'Reseller') then 'partner' end as channel_code,
            case Status when 'Closed - Converted' then 1 when 'Qualified' then 2 when 'Nurturing' then 3
                when 'Working - Contacted' then 4 when 'Attempted' then 5 when 'Open - Not Contacted' then 6
                else 7 end as status_rank, TimeZone__c as timezone,
            coalesce(IsConverted = 'true', false) as is_converted, try_cast(ConvertedDate as date) as converted_on,
            ConvertedAccountId, ConvertedOpportunityId""",
            "Id",
            "LastModifiedDate",
        ),
        f"delete from leads where not is_live or not ({ours})",
        latest(
            "contacts",
            crm_file("Contact"),
            f"Id, AccountId, {LIVE} as is_live, {person}",
            "Id",
            "LastModifiedDate",
        ),
        f"delete from contacts where not is_live or not ({ours})",
        latest(
            "accounts",
            crm_file("Account"),
            f"""Id, {LIVE} as is_live, MasterRecordId, Name, ParentId,
            left(regexp_replace(SIREN__c, '[^0-9]', '', 'g'), 9) as siren,
            VATNumber__c as vat, AccountancyCode__c as code, NumberOfEmployees, Industry, BillingPostalCode, BillingCity,
            BillingCountryCode, OwnerId, IsStrategic__c = 'true' as is_strategic, {modified} as modified_at,
            regexp_extract(lower(Website), '([a-z0-9-]+[.][a-z]+)/?$', 1) as domain,
            try_cast(CreatedDate as timestamp) as created_at""",
            "Id",
            "LastModifiedDate",
        ),
        "delete from accounts where not is_live",
        latest(
            "opportunities",
            crm_file("Opportunity"),
            """Id, IsDeleted = 'true' as is_deleted, AccountId, StageName, try_cast(Amount as decimal(18, 4)) as amount,
            upper(CurrencyIsoCode) as currency, OwnerId, LossReason__c as lost_reason,
            case Type when 'New Business' then 'new' when 'Expansion' then 'expansion' when 'Renewal' then 'renewal'
                else 'other' end as opportunity_type_code,
            case StageName when 'Closed Won' then 'won' when 'Closed Lost' then 'lost' else 'open' end as status_code,
            try_cast(CreatedDate as timestamp) as opened_at,
            case when StageName in ('Closed Won', 'Closed Lost') then try_cast(CloseDate as date) end as closed_on,
            try_cast(LastModifiedDate as timestamp) as modified_at""",
            "Id",
            "LastModifiedDate",
        ),
        "delete from opportunities where is_deleted",
        latest(
            "customers",
            erp_file("clients", "utf-8"),
            f"""\"Code client" as code, "Raison sociale" as name, left(SIREN, 9) as siren, "N° TVA" as vat,
            lower(split_part(Email, '@', 2)) as domain, Pays, "Code postal", Ville,
            "Société du groupe" = 'Oui' as is_intercompany, {day('"Date création"')} as created_on,
            cast({day('"Date modification"')} as timestamp) as modified_at""",
            '"Code client"',
            day('"Date modification"'),
        ),
        latest(
            "invoices",
            erp_file("factures"),
            f"""\"N° pièce" as document, "Code client" as customer, {day('"Date"')} as invoiced_on,
            upper(Devise) as currency, Statut as status,
            case Type when 'Facture' then 'invoice' when 'Avoir' then 'credit_note' when 'Acompte' then 'advance'
                when 'Ajustement' then 'adjustment' else 'unknown' end as document_type_code""",
            '"N° pièce"',
            changed,
            """Sens <> 'Fournisseur' and "N° pièce" <> 'TOTAL'""",
        ),
        latest(
            "lines",
            erp_file("lignes_factures"),
            f"""\"N° pièce" as document, "N° pièce" || '/' || "N° ligne" as line_id, "Code article" as product,
            case Type when 'Avoir' then -1 else 1 end * {amount('"Montant HT"')} as net_amount,
            case "Récurrent" when 'Oui' then true when 'Non' then false end as is_recurring""",
            '"N° pièce", "N° ligne"',
            changed,
            "Sens <> 'Fournisseur'",
        ),
        latest(
            "subscriptions",
            erp_file("abonnements"),
            f"""\"N° contrat" as contract, "Code client" as customer, "Code article" as product, Statut as status,
            {day('"Début"')} as started_on, {day('"Fin"')} as ended_on, upper(Devise) as currency, coalesce(Test = 'Oui', false) as is_test,
            try_cast("Période (mois)" as bigint) as months, {amount('"Montant"')} as unit_amount,
            {amount('"Quantité"')} as quantity, {amount('"Remise"')} as discount""",
            '"N° contrat"',
            changed,
        ),
        f"""create temp table dim_products as
        select "Code article" as product_id, any_value("Code article") as product_code,
            arg_max("Désignation", filename) as product_name, arg_max(Famille, filename) as product_family,
            arg_max("Récurrent", filename) = 'Oui' as is_recurring
        from {erp_file("articles", "utf-8")} group by "Code article"
        union all select 'unknown', 'unknown', 'unknown', 'unknown', false""",
        # One rate a month, kept until a month has a newer one; the last month's holds for what is dated after it.
        f"""create temp table rates as
        with given as (
            select De as currency, date_trunc('month', {day('"Date"')}) as month, arg_max({amount("Taux", 8)}, filename) as rate
            from {erp_file("taux_change")} where Vers = 'EUR' group by all)
        select currency, rate, unnest(range(month, coalesce(lead(month) over (partition by currency order by month),
            date '2026-07-01'), interval 1 month)) as month
        from given""",
        """create temp table dim_dates as
        select cast(d as date) as date_day, cast(date_trunc('month', d) as date) as period_month,
            cast(date_trunc('week', d) as date) as iso_week_start_on,
            cast(date_trunc('quarter', d) as date) as quarter_start_on,
            cast(year(d) as integer) as year_number, isodow(d) > 5 as is_weekend
        from generate_series(date '2010-01-01', date '2035-12-31', interval 1 day) as days (d)""",
    ]


#: A company's name in one spelling, without its legal form.
NAME_KEY = (
    "trim(regexp_replace(regexp_replace(lower(strip_accents(name)), '[^a-z0-9]+', ' ', 'g'), "
    "' (sa|sas|sasu|sarl|eurl|gmbh|ag|ltd|limited|plc|inc|llc|bv|nv|srl|spa|sl)$', ''))"
)

COMPANIES = [
    # One row a record that names a company; sort_key prefers CRM accounts, then ERP customers, then the newest lead.
    """create temp table companies as
    with records as (
        select Id as record, 1 as rank, modified_at, Name as name, siren, vat, code, domain,
            MasterRecordId as link, ParentId as parent, BillingCountryCode as country, BillingPostalCode as postal_code,
            BillingCity as city, Industry as industry, try_cast(NumberOfEmployees as bigint) as employees, is_strategic,
            false as is_customer, OwnerId as owner, cast(created_at as date) as first_seen_on
        from accounts
        union all
        select code, 2, modified_at, name, siren, vat, code, domain, null, null, Pays, "Code postal", Ville, null, null,
            false, true, null, created_on
        from customers
        union all
        select Id, 3, modified_at, company, siren, null, null, split_part(email, '@', 2),
            coalesce(MasterRecordId, ConvertedAccountId), null, country_code, null, null, null, employees,
            false, false, OwnerId, cast(created_at as date)
        from leads where company is not null)
    select * replace (
            coalesce(siren, case when vat like 'FR%' and length(vat) = 13 then right(vat, 9) end) as siren,
            case when domain not in ('', 'freemail.example', 'webmail.example') then domain end as domain,
            case when employees > 0 then employees end as employees),
        row_number() over () as node, rank * 10000000000 - coalesce(epoch(modified_at), 0) as sort_key
    from records""",
    # A domain leads to a company unless it is the domain of several (a group, a group's shared site).
    f"""create temp table company_keys as
    with domains as (
        select domain from companies where domain is not null
        group by domain having max(coalesce(siren, vat)) is not distinct from min(coalesce(siren, vat))),
    keys as (
        select node, hash('siren', siren) as key from companies where siren is not null
        union all select node, hash('vat', vat) from companies where vat is not null
        union all select node, hash('code', code) from companies where code is not null
        union all select node, hash('record', link) from companies where link is not null
        union all select node, hash('record', record) from companies where record in (select link from companies)
        union all select node, hash('domain', domain, {NAME_KEY}) from companies semi join domains using (domain)
        -- A name alone is no key; with the country and the head count it is.
        union all select node, hash('name', {NAME_KEY}, upper(country), employees) from companies
        where employees > 1 and country is not null and {NAME_KEY} like '% %')
    select node, key, node as label from keys""",
]

GOLDEN = [
    """create temp table golden as
    select coalesce(label, node) as label, min(record) as account_id, arg_min(name, sort_key) as account_name,
        arg_min(siren, sort_key) as registration_number, arg_min(vat, sort_key) as vat_number,
        arg_min(upper(country), sort_key) as country_code, arg_min(postal_code, sort_key) as postal_code,
        arg_min(city, sort_key) as city, arg_min(industry, sort_key) as industry,
        arg_min(employees, sort_key) as employee_count, bool_or(coalesce(is_strategic, false)) as is_strategic,
        bool_or(is_customer) as is_customer, arg_min(owner, sort_key) as owner_rep_id, arg_min(parent, sort_key) as parent,
        count(*) as n_source_records, min(first_seen_on) as first_seen_on
    from companies left join (select distinct node, label from company_keys) as labels using (node)
    group by coalesce(label, node)""",
    """create temp table account_of as
    select record, account_id
    from companies left join (select distinct node, label from company_keys) as labels using (node)
    inner join golden on coalesce(labels.label, companies.node) = golden.label""",
]

ACCOUNTS = [
    """create temp table dim_accounts as
    with roots as (
        select account_id, root_id from group_periods where kind_code = 'legal' and valid_from <= date '2026-06-30'
            and coalesce(valid_to, date '9999-12-31') > date '2026-06-30')
    select golden.* exclude (label, parent, owner_rep_id, n_source_records, first_seen_on),
        """
    + SIZE_BAND.format("employee_count")
    + """ as size_band_code,
        'grp_' || coalesce(root_id, golden.account_id) as group_id, coalesce(users.Id, 'unknown') as owner_rep_id,
        n_source_records, first_seen_on
    from golden left join roots using (account_id) left join users on golden.owner_rep_id = users.Id
    union all by name
    select 'unknown' as account_id, 'unknown' as account_name, false as is_strategic, false as is_customer,
        'unknown' as size_band_code, 'unknown' as group_id, 'unknown' as owner_rep_id, 0 as n_source_records""",
    """create temp table persons as
    with people as (
        select Id as id, email, phone, mobile, AccountId as company, is_opted_out, 1 as rank, modified_at from contacts
        union all
        select Id, email, phone, mobile, case when company is null then ConvertedAccountId else Id end, is_opted_out, 2,
            modified_at
        from leads)
    select id, email, phone, mobile, account_id, is_opted_out,
        rank * 10000000000 - coalesce(epoch(modified_at), 0) as sort_key, min(id) over (
            partition by coalesce(case when email not like 'contact@%' then email end, mobile, phone, id)) as person_id
    from people left join account_of on people.company = account_of.record""",
    """create temp table person_accounts as
    select person_id, arg_min(account_id, sort_key) as account_id, bool_or(is_opted_out) as is_opted_out
    from persons group by person_id""",
    # A number or address that several persons share names nobody, but still their account when it is one.
    """create temp table points as
    select value, case when min(person_id) = max(person_id) then min(person_id) end as person_id,
        case when min(account_id) = max(account_id) then min(account_id) end as account_id
    from (select email as value, person_id from persons where email is not null
        union all select phone, person_id from persons where phone is not null
        union all select mobile, person_id from persons where mobile is not null)
    inner join person_accounts using (person_id) group by value""",
    # The CRM dates a conversion by the day: it is the first instant of that day.
    """create temp table fct_leads as
    with golden_leads as (
        select person_id, min(leads.created_at) as created_at, bool_or(is_converted) as is_converted,
            min(converted_on) filter (where is_converted) as converted_on, min(status_rank) as status_rank,
            arg_min(channel_code, leads.created_at) as channel_code,
            arg_min(lead_source, leads.created_at) as lead_source,
            arg_min(country_code, leads.created_at) as country_code,
            arg_min(timezone, leads.created_at) as timezone,
            arg_min(employees, leads.created_at) filter (where employees > 0) as employees,
            arg_min(OwnerId, leads.created_at) as rep_id,
            arg_min(ConvertedOpportunityId, leads.created_at) as opportunity_id, count(*) as n_source_rows
        from leads inner join persons on leads.Id = persons.id group by person_id)
    select 'lea_' || person_id as lead_id, person_id, coalesce(account_id, 'unknown') as account_id,
        coalesce(users.Id, 'unknown') as rep_id, coalesce(channel_code, 'unknown') as channel_code, lead_source,
        case when size_band_code <> 'unknown' then size_band_code else """
    + SIZE_BAND.format("employees")
    + """ end
            as size_band_code,
        coalesce(upper(golden_leads.country_code), dim_accounts.country_code) as country_code, timezone,
        ['converted', 'qualified', 'nurturing', 'contacted', 'attempted', 'new', 'disqualified'][status_rank]
            as status_code,
        created_at, """
    + f"{local_day('created_at')} as created_on, false as is_created_day_only, is_converted, "
    + f"{utc('converted_on')} as converted_at, converted_on, "
    + """converted_on is not null as is_converted_day_only,
        opportunity_id, cast(null as bigint) as n_touches_declared, is_opted_out, n_source_rows
    from golden_leads inner join person_accounts using (person_id) left join dim_accounts using (account_id)
    left join users on rep_id = users.Id""",
]

BUSINESS = [
    # Opened at an instant, closed on a day: days are compared.
    """create temp table fct_opportunities as
    with converted as (
        select ConvertedOpportunityId as Id, min('lea_' || person_id) as lead_id
        from leads inner join persons on leads.Id = persons.id where ConvertedOpportunityId is not null group by all),
    dated as (select *, """
    + f"{local_day('opened_at')} as opened_on, {utc('closed_on')} as closed_at"
    + """ from opportunities)
    select dated.Id as opportunity_id, coalesce(account_of.account_id, 'unknown') as account_id,
        coalesce(group_id, 'unknown') as group_id, coalesce(lead_id, 'unknown') as lead_id,
        coalesce(users.Id, 'unknown') as rep_id, opportunity_type_code, stage_code, status_code, dated.currency, amount,
        cast(amount * case dated.currency when 'EUR' then 1 else rate end as decimal(18, 4)) as amount_reporting,
        cast(case dated.currency when 'EUR' then 1 else rate end as decimal(18, 8)) as exchange_rate,
        opened_at, opened_on, closed_at, closed_on,
        case when closed_on >= opened_on then cast(closed_on - opened_on as decimal(18, 4)) end as sales_cycle_days,
        status_code = 'open' as is_open, status_code = 'won' as is_won, status_code = 'lost' as is_lost, lost_reason,
        coalesce(size_band_code, 'unknown') as size_band_code
    from dated left join """
    + STAGES
    + """ on StageName = stage_name
    left join account_of on AccountId = account_of.record left join dim_accounts using (account_id)
    left join converted on dated.Id = converted.Id left join users on OwnerId = users.Id
    left join rates on dated.currency = rates.currency
        and least(date_trunc('month', coalesce(closed_on, opened_on)), date '2026-06-01') = rates.month""",
    """create temp table fct_invoice_lines as
    select line_id as invoice_line_id, lines.document as invoice_id, invoices.document as document_number,
        coalesce(document_type_code, 'unknown') as document_type_code, coalesce(account_of.account_id, 'unknown')
            as account_id,
        coalesce(group_id, 'unknown') as group_id, coalesce(product_id, 'unknown') as product_id, invoiced_on,
        invoices.currency, net_amount, cast(case invoices.currency when 'EUR' then 1 else rate end as decimal(18, 8))
            as exchange_rate,
        cast(net_amount * case invoices.currency when 'EUR' then 1 else rate end as decimal(18, 4))
            as net_amount_reporting,
        coalesce(is_intercompany, false) as is_intercompany,
        coalesce(lines.is_recurring, dim_products.is_recurring, false) as is_recurring
    from lines left join invoices on lines.document = invoices.document
    left join customers on invoices.customer = customers.code
    left join account_of on invoices.customer = account_of.record left join dim_accounts using (account_id)
    left join dim_products on lines.product = dim_products.product_id
    left join rates on invoices.currency = rates.currency
        and least(date_trunc('month', invoiced_on), date '2026-06-01') = rates.month
    where coalesce(invoices.status, '') not in ('Brouillon', 'Annulée')""",
    # The last started of a customer's subscriptions to one product counts: an upgrade does not close the former one.
    """create temp table account_months as
    with spans as (
        select *, unnest(range(date_trunc('month', started_on),
            least(coalesce(date_trunc('month', ended_on), date '2026-07-01'), date '2026-07-01'), interval 1 month)) as month,
            cast(coalesce(quantity, 1) * unit_amount - coalesce(discount, 0) as double) / months as monthly_amount
        from subscriptions where not is_test and status <> 'Essai' and months > 0),
    counted as (
        select * from spans qualify row_number() over (
            partition by customer, coalesce(product, contract), month order by started_on desc, contract desc) = 1)
    select coalesce(account_id, 'unknown') as account_id, cast(counted.month as date) as period_month,
        cast(coalesce(sum(cast(monthly_amount * case counted.currency when 'EUR' then 1 else rate end as decimal(18, 4))),
            0) as decimal(18, 4)) as mrr
    from counted left join account_of on counted.customer = account_of.record
    left join rates on counted.currency = rates.currency and counted.month = rates.month
    group by all having mrr <> 0""",
    """create temp table fct_mrr_movements as
    with sides as (
        select account_id, period_month, cast(0 as decimal(18, 4)) as opening, mrr as closing from account_months
        union all
        select account_id, cast(period_month + interval 1 month as date), mrr, 0 from account_months
        where period_month < date '2026-06-01'),
    sums as (
        select account_id, period_month, sum(opening) as opening, sum(closing) as closing from sides group by all),
    moved as (
        select *, closing - opening as delta, case
            when opening = 0 and period_month = min(period_month) over (partition by account_id) then 'new'
            when opening = 0 then 'reactivation' when closing = 0 then 'churn'
            when closing > opening then 'expansion' else 'contraction' end as movement
        from sums)
    select account_id || '/' || strftime(period_month, '%Y-%m') as account_month_key, account_id, size_band_code,
        period_month, cast(opening as decimal(18, 4)) as opening_mrr,
        """
    + ", ".join(
        f"cast(case movement when '{m}' then delta else 0 end as decimal(18, 4)) as {m}_mrr"
        for m in ("new", "reactivation", "expansion", "contraction", "churn")
    )
    + """, cast(closing as decimal(18, 4)) as closing_mrr
    from moved inner join dim_accounts using (account_id)""",
]


def stages(extracts: str) -> list[str]:
    """The open stages and when each opportunity entered one."""
    return [
        f"create temp table funnel as select stage_code, stage_rank from {STAGES} where stage_rank between 1 and 6",
        f"""create temp table stage_entries as
        with history as (
            select OpportunityId as Id, StageName, min(try_cast(CreatedDate as timestamp)) as first_at,
                max(try_cast(CreatedDate as timestamp)) as last_at
            from {csv(f"{extracts}/crm/*/OpportunityHistory.csv")} group by all),
        last_known as (select Id, max(last_at) as last_at from history group by Id)
        select Id as opportunity_id, stage_rank, min(happened_at) as entered_at
        from (
            select Id, StageName, first_at as happened_at from history
            union all
            select Id, StageName, greatest(
                coalesce({utc("closed_on")}, case when last_at is not null then modified_at end, opened_at),
                coalesce(last_at, opened_at))
            from opportunities left join last_known using (Id)) as entered
        inner join {STAGES} on StageName = stage_name
        group by all""",
    ]


def join_companies(con: duckdb.DuckDBPyConnection) -> None:
    """Gives every record of company_keys the smallest node of its cluster: the minimum spreads until it rests."""
    moved = 1
    while moved:
        con.execute(
            """create or replace temp table spread as
            with by_key as (select key, min(label) as label from company_keys group by key)
            select node, min(by_key.label) as label from company_keys inner join by_key using (key) group by node"""
        )
        moved = con.execute(
            "select count(*) from company_keys inner join spread using (node) where company_keys.label > spread.label"
        ).fetchone()[0]
        con.execute(
            """create or replace temp table company_keys as
            select node, key, spread.label from company_keys inner join spread using (node)"""
        )
