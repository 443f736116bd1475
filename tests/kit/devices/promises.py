"""Which test keeps which promise of docs/devices.md: the 21 rules of a driver, the 26 failures.

A test is `file::name`, below `tests/`. `AWAITED` are those of branches that are not merged yet.
"""

from __future__ import annotations

DEVICE = "venctl/drivers/test_device.py"
FAILURES = "venctl/drivers/test_failures.py"
CIRCUITS = "venctl/drivers/test_circuits.py"
PANEL = "venctl/drivers/test_panel.py"
HTTP = "venctl/drivers/links/test_http.py"
MODBUS = "venctl/drivers/links/test_modbus.py"
MQTT = "venctl/drivers/links/test_mqtt.py"
OCPP = "venctl/drivers/links/ocpp/test_failures.py"
BACNET = "venctl/drivers/links/bacnet/test_link.py"
CONTROL = "statemachine/device/test_control.py"
WATCH = "statemachine/device/test_watch.py"
EXTRACT = "statemachine/device/test_extract.py"
FORM = "statemachine/device/test_form.py"
WANTED = "statemachine/interlock/test_wanted_state.py"
PLAUSIBLE = "statemachine/curtail/test_plausible.py"
PROTECTION = "statemachine/curtail/test_protection.py"
FAULTS = "statemachine/decide/test_device_faults.py"
MAIN = "statemachine/decide/test_main_meter.py"
REAL = "system/test_real_circuits.py"
WHOLE = "system/test_real_failures.py"
SESSION = "venctl/commissioning/test_session.py"
JUDGEMENT = "statemachine/commissioning/test_judgement.py"
TEMPLATES = "venctl/devices/test_templates.py"

AWAITED = frozenset((OCPP, BACNET, SESSION, JUDGEMENT))

RULES: dict[int, tuple[str, ...]] = {
    1: (
        f"{DEVICE}::test_done_means_read_back",
        f"{FAILURES}::test_rule_1_a_device_that_says_ok_and_does_nothing_is_not_done",
    ),
    2: (
        f"{DEVICE}::test_a_release_is_tried_until_it_is_done",
        f"{WANTED}::test_pauses_double_up_to_a_minute_and_stay_there",
        f"{FAULTS}::test_after_a_restart_nothing_is_believed_that_was_held_until_it_is_confirmed",
        f"{FAULTS}::test_a_circuit_that_is_not_free_is_named_and_tried_for_ever",
    ),
    3: (
        f"{DEVICE}::test_every_off_of_an_event_carries_its_end_and_is_renewed_at_a_third",
        "statemachine/audit/test_bad_files.py::data/bad/no-lease.yaml",
    ),
    4: (
        "statemachine/audit/test_bad_files.py::data/bad/failsafe.yaml",
        f"{TEMPLATES}::test_a_failsafe_below_the_full_current_is_not_as_wanted",
    ),
    5: (
        f"{HTTP}::test_rule_5_a_mute_device_is_given_up_and_its_connection_closed",
        f"{MODBUS}::test_rule_5_a_deed_ends_within_4_s_whatever_the_device_does",
        f"{MQTT}::test_rule_5_a_frozen_broker_is_given_up_and_left",
    ),
    6: (f"{MODBUS}::test_rule_6_no_request_is_made_while_another_is_out",),
    7: (
        f"{HTTP}::test_rule_7_an_order_overtakes_the_queries_that_wait",
        f"{MODBUS}::test_rule_7_a_gateway_rests_between_two_requests",
    ),
    8: (
        f"{DEVICE}::test_a_reading_carries_its_age_and_comes_at_the_pace_of_the_device",
        f"{DEVICE}::test_a_dead_device_is_asked_less_and_less_often",
    ),
    9: (
        f"{MQTT}::test_rule_9_a_message_has_the_age_it_has_and_a_retained_one_has_none",
        "venctl/drivers/links/test_newest.py::"
        "test_rule_9_a_message_never_counts_as_younger_than_it_is",
        f"{PROTECTION}::test_a_meter_that_falls_silent_takes_its_circuit_out_of_the_plan",
        f"{FAILURES}::"
        "test_failure_6_power_that_stands_still_counts_as_0_only_because_off_was_read_back",
    ),
    10: (
        f"{FAILURES}::test_rule_10_a_relay_without_a_meter_has_no_reading_and_not_0_w",
        f"{EXTRACT}::test_what_is_no_number_is_no_reading",
        f"{EXTRACT}::test_an_unknown_word_is_not_off",
        f"{PLAUSIBLE}::test_what_no_circuit_can_draw_is_told_in_a_sentence",
    ),
    11: (
        f"{DEVICE}::test_only_what_differs_is_switched",
        f"{FAILURES}::test_rule_11_a_relay_closes_at_most_each_10_s_and_opens_at_once",
        f"{FAILURES}::"
        "test_rule_11_a_relay_that_is_moved_50_times_a_day_is_told_of_and_well_again_a_day_later",
        f"{WATCH}::test_what_takes_away_never_waits_and_more_waits_its_time",
    ),
    12: (f"{FAILURES}::test_rule_12_nothing_that_is_read_or_told_changes_a_setting",),
    13: (f"{MQTT}::test_rule_13_an_order_reaches_the_device_and_is_never_retained",),
    14: (
        f"{CIRCUITS}::test_failure_2_a_start_needs_no_device_and_one_that_is_away_joins_by_itself",
    ),
    15: (
        f"{CIRCUITS}::test_rule_15_what_is_wanted_is_read_first_and_restated_one_after_another",
        f"{CIRCUITS}::test_rule_15_what_stands_as_wanted_waits_for_nobody_and_is_not_switched",
        f"{CIRCUITS}::test_rule_15_what_is_found_off_and_was_not_ordered_is_left_alone",
    ),
    16: (
        f"{DEVICE}::"
        "test_a_device_that_starts_anew_is_told_again_at_once_and_complains_after_the_fourth_time",
        f"{FAILURES}::"
        "test_rule_16_a_device_whose_will_alone_tells_that_it_is_back_is_told_again_at_once",
        f"{REAL}::test_a_device_that_starts_anew_in_mid_event_is_held_again",
    ),
    17: (
        f"{DEVICE}::test_a_person_at_the_device_is_not_fought",
        f"{DEVICE}::"
        "test_where_nobody_says_who_moved_it_it_is_put_back_once_and_then_the_person_wins",
        f"{REAL}::test_a_person_at_the_device_keeps_it_out_of_the_event",
    ),
    18: (
        f"{MAIN}::test_plans_count_with_the_last_known_load_beside_the_circuits",
        f"{MAIN}::test_an_alarm_tells_it_after_two_minutes_and_ends_with_it",
        f"{PROTECTION}::test_a_meter_that_falls_silent_takes_its_circuit_out_of_the_plan",
    ),
    19: (
        f"{CONTROL}::test_a_car_charges_with_six_amperes_or_not_at_all",
        f"{PROTECTION}::test_a_charging_car_goes_down_by_whole_amperes_and_comes_back_at_six_first",
        f"{FAILURES}::test_failure_3_a_car_that_draws_more_than_its_limit_is_told_too",
        f"{OCPP}::test_rule_19_a_car_is_limited_to_0_or_to_6_amperes_and_more",
    ),
    20: (
        f"{FAILURES}::test_rule_20_a_refusal_is_a_fault_with_the_devices_own_words",
        f"{HTTP}::test_rule_20_a_refused_password_is_not_tried_again_within_a_minute",
        f"{MODBUS}::test_rule_20_each_exception_has_its_words",
        f"{MQTT}::test_rule_20_a_refused_password_is_not_tried_again_within_a_minute",
    ),
    21: (
        f"{SESSION}::test_a_circuit_that_feeds_the_way_to_another_comes_back_and_is_named",
        f"{SESSION}::test_a_circuit_that_feeds_the_way_to_itself_comes_back_by_its_lease",
    ),
}

MET: dict[int, tuple[str, ...]] = {
    1: (
        f"{FAILURES}::test_failure_1_a_leased_load_of_a_killed_program_is_back_2_s_after_its_lease",
        f"{REAL}::test_a_killed_program_leaves_no_leased_load_off",
        "statemachine/audit/test_bad_files.py::data/bad/no-lease.yaml",
    ),
    2: (
        f"{CIRCUITS}::test_failure_2_a_start_needs_no_device_and_one_that_is_away_joins_by_itself",
        f"{WHOLE}::test_failure_2_with_one_of_five_devices_away_the_page_and_four_circuits_work",
    ),
    3: (
        f"{FAILURES}::"
        "test_failure_3_a_relay_that_reads_off_while_its_meter_sees_the_load_is_a_fault_in_words",
        f"{WHOLE}::test_failure_3_a_relay_that_reads_off_and_is_on_is_never_counted_as_shed",
    ),
    4: (
        f"{FAILURES}::"
        "test_failure_4_a_device_that_was_away_and_returns_on_is_held_again_within_one_poll",
        f"{FAILURES}::test_failure_4_a_device_that_blinks_is_held_again_within_one_poll",
        f"{REAL}::test_a_device_that_starts_anew_in_mid_event_is_held_again",
    ),
    5: (
        f"{MQTT}::test_failure_5_nothing_is_replayed_when_the_broker_restarts_in_an_order",
        f"{WHOLE}::"
        "test_failure_5_and_21_a_program_that_dies_as_an_event_ends_frees_all_and_leaves_no_command",
    ),
    6: (
        f"{FAILURES}::"
        "test_failure_6_power_that_stands_still_counts_as_0_only_because_off_was_read_back",
    ),
    7: (
        f"{FAILURES}::"
        "test_failure_7_the_same_message_on_and_on_of_a_plug_that_is_gone_makes_it_unread",
        f"{FAILURES}::test_failure_7_a_plug_that_is_reported_offline_is_unread_and_has_a_fault",
    ),
    8: (f"{MODBUS}::test_failure_8_an_answer_that_comes_too_late_is_never_the_next_ones",),
    9: (
        f"{MODBUS}::test_failure_9_a_cancelled_request_closes_its_connection_and_costs_one_reconnect",
        f"{HTTP}::test_failure_9_a_cancelled_request_closes_its_connection_and_the_next_is_right",
    ),
    10: (f"{MODBUS}::test_failure_10_a_device_that_refuses_us_sees_fewer_than_4_tries_a_minute",),
    11: (
        f"{CONTROL}::test_a_lease_is_renewed_at_a_third",
        f"{WATCH}::test_failure_11_a_watchdog_of_15000_ms_is_one_of_15_s_and_fed_each_5_s",
        f"{WATCH}::test_failure_11_a_lease_of_15000_s_is_refused",
    ),
    12: (
        f"{FAILURES}::"
        "test_failure_12_a_refused_heartbeat_is_told_once_and_the_hold_counts_by_its_read_back",
        f"{MODBUS}::test_rule_20_failure_12_an_exception_is_told_in_words_and_logged_by_nobody",
    ),
    13: (
        f"{OCPP}::test_failure_13_a_connection_that_dies_before_the_limit_is_told_in_time",
        f"{OCPP}::test_failure_13_a_charger_that_falls_silent_before_the_limit_is_told_in_time",
    ),
    14: (
        f"{OCPP}::"
        "test_failure_14_a_limit_that_is_accepted_and_not_followed_is_cleared_once_and_told",
    ),
    15: (f"{OCPP}::test_failure_15_a_limit_forgotten_at_a_reconnect_is_told_again_at_once",),
    16: (f"{OCPP}::test_failure_16_without_this_program_a_car_charges_fully_when_the_lease_ends",),
    17: (
        f"{HTTP}::test_failure_17_a_device_that_answers_429_each_second_time_is_paced_down_to_a_minute",
    ),
    18: (
        f"{FAILURES}::"
        "test_failure_18_who_restarts_each_15_min_is_told_again_and_the_fourth_names_the_cause",
    ),
    19: (
        f"{FAILURES}::"
        "test_failure_19_a_target_that_swings_around_6_a_moves_a_contactor_once_a_minute",
    ),
    20: (
        f"{SESSION}::test_a_reversed_meter_and_a_reversed_main_meter_are_called_so",
        f"{PLAUSIBLE}::test_an_odd_meter_keeps_nothing_held_and_is_told_once",
    ),
    21: (
        f"{CIRCUITS}::test_failure_21_what_an_event_left_off_is_free_within_10_s_of_the_next_start",
        f"{DEVICE}::test_what_this_program_may_have_left_off_is_given_back_at_the_start",
    ),
    22: (
        f"{BACNET}::test_failure_22_a_device_that_does_not_take_null_is_named_and_not_switched",
        f"{BACNET}::test_failure_22_an_object_without_priorities_is_not_switched",
    ),
    23: (
        f"{FAILURES}::"
        "test_failure_23_a_status_that_is_late_is_polled_until_it_comes_and_is_no_fault",
    ),
    24: (
        f"{FAILURES}::test_failure_24_a_person_at_the_plug_in_an_event_is_reported_and_not_fought",
        f"{REAL}::test_a_person_at_the_device_keeps_it_out_of_the_event",
    ),
    25: (
        f"{MODBUS}::"
        "test_failure_25_fifty_circuits_on_one_gateway_share_one_connection_and_ask_in_turn",
        f"{HTTP}::test_failure_25_fifty_circuits_on_one_host_share_one_connection_and_ask_in_turn",
    ),
    26: (
        f"{FAILURES}::"
        "test_failure_26_an_entity_that_home_assistant_does_not_know_is_never_taken_for_switched",
    ),
}
