"""When Dagster runs a cycle by itself: on the third of the month, when the extracts of the month are there.

Off until someone turns it on; `etalon run` from cron does the same.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg


def monthly_schedule(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """The monthly run of `cycle`, 05:00 Europe/Paris on the third."""
    return dg.ScheduleDefinition(
        name="monthly_cycle",
        job=job,
        cron_schedule="0 5 3 * *",
        execution_timezone="Europe/Paris",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )


def monthly_partitions(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """The same for a job with a partition a month: it launches the month that has just ended."""

    @dg.schedule(
        name="monthly_cycle",
        job=job,
        cron_schedule="0 5 3 * *",
        execution_timezone="Europe/Paris",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    def launch(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        ended = context.scheduled_execution_time.replace(day=1) - timedelta(days=1)
        return dg.RunRequest(partition_key=f"{ended:%Y-%m}")

    return launch
