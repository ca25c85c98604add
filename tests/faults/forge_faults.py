"""The faults of forge, git, language model and Docker: what is expected of the daemon, and the tests that show it."""

from collections.abc import Mapping
from typing import TypeAlias

Row: TypeAlias = tuple[str, str, tuple[str, ...]]
"""(fault, what is expected, node ids of the tests)."""

_FORGE = "tests/faults/test_forge_faults.py"
_GIT = "tests/faults/test_git_faults.py"
_MODEL = "tests/faults/test_model_faults.py"
_DOCKER = "tests/faults/test_docker_faults.py"

FORGE_FAULTS: Mapping[int, Row] = {
    19: (
        "the forge answers 403: a secondary rate limit",
        "it waits as long as it was asked to; other cases go on",
        (
            f"{_FORGE}::test_a_secondary_rate_limit_is_waited_out_and_others_go_on",
            "tests/contracts/test_forge_pull_requests.py::test_a_secondary_rate_limit_says_when_to_come_back",
        ),
    ),
    20: (
        "the forge answers 401: the token expired or was rotated",
        "a new token is tried at once; a refused one is not sent again and again; a human is told; nothing escalates",
        (
            f"{_FORGE}::test_a_token_that_is_refused_is_waited_for_told_and_not_hammered",
            f"{_FORGE}::test_a_refused_token_is_tried_again_now_and_then_and_another_one_at_once",
            "tests/remediation/forge/test_secrets.py::test_a_rotated_token_is_seen_at_the_next_call",
        ),
    ),
    21: (
        "the forge answers 409 or 422: it is there already",
        "it looks, and adopts its own pull request",
        (f"{_FORGE}::test_a_pull_request_that_somebody_was_quicker_to_open_is_adopted",),
    ),
    22: (
        "the forge does what was asked, and its answer gets lost",
        "nothing is done a second time",
        (
            f"{_FORGE}::test_answers_that_get_lost_on_the_way_are_never_asked_for_twice",
            "tests/contracts/test_forge_pull_requests.py::test_a_pull_request_whose_answer_got_lost_is_not_opened_twice",
            "tests/contracts/test_forge_comments.py::test_a_comment_whose_answer_got_lost_is_not_made_twice",
            "tests/remediation/forge/test_push.py::test_a_push_whose_answer_got_lost_is_adopted",
            "tests/contracts/test_forge_merging.py::test_a_merge_whose_answer_got_lost_is_adopted",
        ),
    ),
    23: (
        "a push is rejected, or a human force-pushes the branch",
        "what somebody else did is never overwritten; a human is asked, or is followed and told of it",
        (
            f"{_GIT}::test_a_branch_that_a_human_makes_between_the_look_and_the_push_is_left_alone",
            f"{_GIT}::test_a_branch_that_a_human_force_pushed_is_never_overwritten",
            "tests/stories/test_bad_input.py::test_a_branch_that_somebody_else_made_is_never_overwritten",
        ),
    ),
    24: (
        "a human closes or edits the pull request on the way",
        "the daemon stops there; a closed one is a remembered no",
        (
            f"{_FORGE}::test_a_pull_request_that_is_closed_before_its_answer_came_is_a_no",
            "tests/stories/test_the_loop.py::test_a_closed_pull_request_is_a_remembered_no",
            "tests/stories/test_bad_input.py::test_a_humans_commit_on_the_branch_is_left_alone_and_followed",
        ),
    ),
    25: (
        "the base moves, or conflicts",
        "the change is made and tried again on the new base; where it cannot be, it is stale, and a human's",
        (
            f"{_GIT}::test_a_change_whose_base_moved_is_tried_again_on_the_new_one",
            f"{_GIT}::test_a_change_whose_lines_were_changed_meanwhile_is_stale_and_a_humans",
            "tests/stories/test_an_edit.py::test_an_edit_follows_its_base_where_nobody_changed_the_same_lines",
        ),
    ),
    26: (
        "the repository is archived, renamed or deleted",
        "its case is parked with the reason, and not tried for ever; others go on",
        (
            f"{_FORGE}::test_a_repository_that_is_archived_renamed_or_deleted_parks_its_case_and_no_other",
            "tests/remediation/forge/test_push.py::test_a_redirect_is_not_followed_with_the_token",
        ),
    ),
    27: (
        "a webhook gets lost",
        "the poll sees it within one cycle",
        (f"{_FORGE}::test_a_merge_is_seen_within_one_cycle_without_any_webhook",),
    ),
    28: (
        "the model answers 429 or 529, or not at all",
        "the next step asks the next provider, or it is waited for; the caps hold, whatever may have been paid",
        (
            f"{_MODEL}::test_a_busy_server_is_waited_for_as_long_as_it_asks_and_costs_nothing",
            f"{_MODEL}::test_an_answer_that_never_comes_is_for_later_and_counts_in_full",
            f"{_MODEL}::test_while_the_first_provider_is_away_the_next_one_mends_it",
            "tests/remediation/model/test_money.py::test_a_cap_of_two_cents_holds_through_every_kind_of_failure",
            "tests/remediation/model/test_failover.py",
            "tests/remediation/model/test_fuzz.py",
        ),
    ),
    29: (
        "the model's answers cannot be used, three times",
        "a human is asked, and told what is known without it",
        (
            f"{_MODEL}::test_a_model_that_only_answers_rubbish_is_given_up",
            f"{_MODEL}::test_an_edit_that_is_rubbish_three_times_is_given_up",
            f"{_MODEL}::test_a_model_that_is_of_no_help_leaves_the_case_to_a_human_with_the_reason",
        ),
    ),
    30: (
        "the budget is spent",
        "no model is asked, which is told once; detection and playbooks go on, and drafts when there is money again",
        (
            f"{_MODEL}::test_with_the_money_spent_drafts_stop_and_detection_and_playbooks_go_on",
            f"{_MODEL}::test_the_days_money_is_told_once_and_the_case_goes_on_when_there_is_some",
            f"{_MODEL}::test_a_question_that_may_cost_more_than_its_cap_is_not_asked",
        ),
    ),
    31: (
        "the Docker engine is gone, or hangs",
        "cases wait; nothing of a trial runs on the host",
        (
            f"{_DOCKER}::test_an_engine_that_is_killed_in_the_middle_of_a_trial_is_waited_for",
            f"{_DOCKER}::test_an_engine_that_hangs_is_waited_for",
            f"{_DOCKER}::test_what_a_killed_daemon_left_is_gone_within_seconds_of_its_restart",
            "tests/sandbox/test_docker.py::test_without_an_engine_the_case_waits",
            "tests/sandbox/test_docker.py::test_an_engine_that_hangs_is_no_engine",
        ),
    ),
    32: (
        "a container hangs, and cannot be removed",
        "it is left aside, its case goes on, and it is removed later",
        (
            f"{_DOCKER}::test_a_container_that_cannot_be_removed_holds_nothing_up",
            f"{_DOCKER}::test_a_container_whose_command_never_ends_and_that_cannot_be_removed_is_an_error",
        ),
    ),
    33: (
        "a trial runs out of memory",
        "that is no word against the change",
        (
            f"{_DOCKER}::test_what_runs_out_of_memory_is_no_failed_change",
            "tests/sandbox/test_attacks.py::test_memory_for_itself_and_for_a_child",
        ),
    ),
    34: (
        "a test comes and goes by itself",
        "what differs between runs of a tree is left out, and named; nothing is proved that does not show each time",
        (
            f"{_DOCKER}::test_a_flaky_test_is_no_difference",
            "tests/remediation/test_prove.py::test_a_flaky_test_is_left_out_and_named",
            "tests/remediation/test_prove.py::test_what_comes_and_goes_is_never_proved",
            "tests/remediation/test_prove.py::test_a_new_test_that_comes_and_goes_proves_nothing",
            "tests/remediation/test_prove_in_docker.py::test_a_reproduction_that_fails_every_other_time_is_never_proved",
        ),
    ),
    37: (
        "an upgrade with open cases",
        "they are migrated, and none is stranded",
        ("tests/daemon/ledger/test_upgrades.py::test_none_is_stranded_and_nothing_that_is_owed_is_forgotten",),
    ),
}

SANDBOX_LIMITS: Mapping[str, str] = {
    "1 GB of output": f"{_DOCKER}::test_a_gigabyte_of_output_is_a_bounded_record",
    "a fork bomb": "tests/sandbox/test_attacks.py::test_a_fork_bomb",
    "a full disk": "tests/sandbox/test_attacks.py::test_disk",
}
"""What untrusted code may use up, and the tests that show where that ends."""
