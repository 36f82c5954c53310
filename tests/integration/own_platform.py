"""A second mail platform of a generated company, with the company's own mapping: it tells replies and soft bounces.

SendGrid, which the demo generator writes, tells neither. What does NOT belong here: what the figures should be (the
oracles recompute them from the rows).
"""

import csv
from pathlib import Path

MAPPING = """version: 1
source: {system: sequencer, domain: emailing}
defaults: {timezone: UTC}
files:
  steps:
    path: "{date}/steps.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Step, Message, Recipient, Event, At, Seller]
tables:
  email_event:
    from: steps
    columns:
      source_record_id: {source: Step, required: true}
      message_id: {source: Message}
      recipient_email: {source: Recipient}
      event_type: {source: Event, map: {Sent: sent, Delivered: delivered, Reply: replied, Soft bounce: bounced_soft}}
      occurred_at: {source: At, formats: [iso]}
      sender_email: {source: Seller}
      is_automated: {const: false}
"""
MONTHS = ("2026-03", "2026-04", "2026-05", "2026-06")
RECIPIENTS = 40


def add_own_platform(company: Path) -> None:
    """One mail a month to the first leads of the CRM: of nine one bounces softly, of the others one in four answers."""
    with (company / "extracts/crm/2026-03/Lead.csv").open(encoding="utf-8", newline="") as lines:
        addresses = sorted({row["Email"].lower() for row in csv.DictReader(lines) if "@" in row["Email"]})
    with (company / "extracts/crm/2026-03/User.csv").open(encoding="utf-8", newline="") as lines:
        seller = [row["Email"] for row in csv.DictReader(lines)][1]
    for month in MONTHS:
        folder = company / "extracts" / "sequencer" / month
        folder.mkdir(parents=True)
        with (folder / "steps.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(["Step", "Message", "Recipient", "Event", "At", "Seller"])
            for number, address in enumerate(addresses[:RECIPIENTS]):
                told = [("Sent", "09:00")]
                told += [("Soft bounce", "09:01")] if number % 9 == 4 else [("Delivered", "09:01")]
                told += [("Reply", "15:30")] if number % 9 != 4 and number % 4 == 1 else []
                for event, time in told:
                    message = f"{month}-{number}"
                    writer.writerow(
                        [f"{message}-{event}", message, address, event, f"{month}-10T{time}:00Z", seller]
                    )
    (company / "sequencer.yml").write_text(MAPPING, encoding="utf-8")
    with (company / "company.yml").open("a", encoding="utf-8") as declared:
        declared.write("  - {instance: sequencer, mapping: sequencer.yml, folder: sequencer}\n")
