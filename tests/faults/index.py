"""The faults that are promised to be survived: what is expected of the daemon, and the tests that show it."""

from collections.abc import Mapping
from typing import TypeAlias

from tests.faults.forge_faults import FORGE_FAULTS

Row: TypeAlias = tuple[str, str, tuple[str, ...]]
"""(fault, what is expected, node ids of the tests)."""

_DAEMON = "tests/faults/test_daemon_faults.py"
_LEDGER = "tests/faults/test_ledger_faults.py"
_TELEMETRY = "tests/faults/test_telemetry_faults.py"
_STORM = "tests/faults/test_storm.py"
_DURABILITY = "tests/daemon/ledger/test_durability.py"
_SQLITE = "tests/daemon/ledger/test_sqlite.py"
_KILLED = (
    "tests/stories/test_killed.py::test_killed_around_every_write_it_ends_the_same",
    "tests/stories/test_acceptance.py::test_the_story_ends_the_same_whenever_the_daemon_is_killed",
    "tests/faults/kills/test_kills.py::test_killed_before_and_after_each_call_of_every_step",
    "tests/faults/test_merge_faults.py::test_killed_around_the_merge_it_is_merged_once",
)
_KILLS = "tests/faults/kills/test_kills.py"
_STEPS = ("detect", "diagnose", "draft", "prove", "propose", "watch", "learn")

OWN_FAULTS: Mapping[int, Row] = {
    **{
        number: (
            f"kill -9 during {step}",
            "another life goes on from there; nothing is lost, nothing done twice",
            _KILLED,
        )
        for number, step in enumerate(_STEPS, start=1)
    },
    8: (
        "kill -9 at any moment, again and again",
        "nothing is lost, nothing is done twice, no step is half written",
        (
            f"{_KILLS}::test_killed_at_random_moments",
            f"{_DURABILITY}::test_kill_9_at_any_moment_loses_nothing_and_leaves_no_half_step",
        ),
    ),
    9: (
        "SIGTERM in the middle of a trial, or while something never answers",
        "within 5 s it has ended, its lease is free and its container is gone",
        (
            f"{_DAEMON}::test_sigterm_in_the_middle_of_a_trial",
            f"{_DAEMON}::test_sigterm_while_something_never_answers",
        ),
    ),
    10: (
        "it stands still for longer than its lease",
        "another daemon goes on; what the sleeper writes when it wakes is refused",
        (
            f"{_DURABILITY}::test_a_process_that_stood_still_longer_than_its_lease_writes_no_more",
            f"{_DAEMON}::test_a_daemon_that_stood_still_too_long_is_fenced_when_it_wakes",
        ),
    ),
    11: (
        "two daemons on one store",
        "they share the work; no case, notice or step is there twice; different settings are said",
        (
            f"{_KILLS}::test_killed_at_random_moments",  # each life has another daemon beside it
            f"{_DAEMON}::test_two_daemons_on_one_store_do_nothing_twice",
            f"{_DURABILITY}::test_two_processes_make_one_ledger_and_never_hold_the_same_case_at_once",
        ),
    ),
    12: (
        "the disk is full",
        "polling goes on, receivers are told directly, and all goes on when there is room",
        (
            f"{_LEDGER}::test_a_full_disk_is_told_directly_and_all_goes_on_when_there_is_room",
            "tests/daemon/alerts/test_last_resort.py::test_a_short_refusal_wakes_nobody_and_a_long_one_everybody_once",
            f"{_SQLITE}::test_a_full_disk_is_waited_out",
        ),
    ),
    13: (
        "another process keeps the store locked",
        "it waits; polling goes on, and nothing is lost",
        (
            f"{_LEDGER}::test_a_store_that_another_process_locks_is_waited_for",
            f"{_SQLITE}::test_a_locked_ledger_is_waited_for_and_then_tried_later",
        ),
    ),
    14: (
        "the store is damaged, of a newer version, or on a read-only disk",
        "it refuses to start with one sentence that says what to do, and changes nothing",
        (
            f"{_LEDGER}::test_a_store_that_cannot_be_used_is_refused_at_the_start_and_left_as_it_is",
            f"{_LEDGER}::test_a_read_only_disk_is_refused_at_the_start",
        ),
    ),
    15: (
        "the wall clock is set by an hour, back or forth",
        "polling goes on at its pace, and nothing waits for an hour that comes twice",
        (
            f"{_DAEMON}::test_a_wall_clock_that_is_set_keeps_nobody_waiting",
            f"{_DURABILITY}::test_a_clock_that_is_wrong_by_an_hour_breaks_no_lease_of_a_server_and_no_fence_anywhere",
        ),
    ),
    16: (
        "Prometheus is stopped, or answers 503",
        "its signals are blind, a human hears of it once; afterwards the gap is no anomaly",
        (
            f"{_TELEMETRY}::test_a_prometheus_that_stops_is_blind_and_its_gap_is_no_anomaly",
            f"{_TELEMETRY}::test_a_prometheus_that_misbehaves_is_blind_and_costs_little",
        ),
    ),
    17: (
        "Prometheus stalls, or answers with 200 MB",
        "it is given up after the time-out or at the cap, and costs little memory",
        (
            f"{_TELEMETRY}::test_a_prometheus_that_misbehaves_is_blind_and_costs_little",
            f"{_TELEMETRY}::test_the_bounds_are_those_that_are_promised",
            f"{_TELEMETRY}::test_an_alertmanager_that_floods_costs_little",
            "tests/signals/test_prometheus.py::test_nobody_holds_it_up",
            "tests/signals/test_loki.py::test_nothing_holds_it_up_or_fills_it",
        ),
    ),
    18: (
        "Loki answers 429",
        "it is left alone for as long as it asks; no line is missed, none counts twice",
        (
            f"{_TELEMETRY}::test_a_loki_that_asks_to_be_left_alone_is_and_no_line_is_missed_or_counted_twice",
            "tests/daemon/test_tail.py::test_ten_thousand_lines_count_ten_thousand_times",
        ),
    ),
    35: (
        "a receiver of alerts is down",
        "what it missed waits, over a restart too; the others hear of it",
        (
            f"{_TELEMETRY}::test_a_receiver_that_is_down_loses_nothing_and_another_one_hears_of_it",
            "tests/daemon/alerts/test_delivery.py::test_a_receiver_that_is_down_is_tried_later_and_less_and_less_often",
        ),
    ),
    36: (
        "a thousand anomalies in one minute",
        "few cases, every anomaly in one or suppressed; caps hold; the daemon keeps its pace",
        (
            f"{_STORM}::test_a_thousand_series_of_ten_services_are_ten_cases_while_the_daemon_keeps_its_pace",
            f"{_STORM}::test_a_thousand_signals_of_one_service_are_one_case_of_a_readable_size",
            f"{_STORM}::test_a_storm_of_pull_requests_is_held_by_the_caps",
        ),
    ),
}

FAULTS: Mapping[int, Row] = {**OWN_FAULTS, **FORGE_FAULTS}
