"""Settings shared by every test."""

import atexit
import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

import jax
import pytest
from hypothesis import settings

import alberta_framework as af

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

if jax.default_backend() != "cpu":
    # A GPU multiplies float32 matrices with 10 bits of mantissa unless told otherwise; the numbers
    # that tests compare with were computed with all 24.
    jax.config.update("jax_default_matmul_precision", "highest")

# A first example compiles, on a machine of any speed: time decides nothing here.
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")

# Processes that tests start make errors of warnings too. Of two that compile one program at once
# one may read what the other has half written: it warns, and compiles for itself.
CACHE_BUSY = "ignore:Error {} persistent compilation cache entry:UserWarning"
os.environ.setdefault(
    "PYTHONWARNINGS", f"error,{CACHE_BUSY.format('reading')},{CACHE_BUSY.format('writing')}"
)

if "PYTEST_XDIST_WORKER" not in os.environ:
    # Equal programs are compiled once in a run: workers and the processes that tests start inherit
    # the folder.
    compiled = tempfile.mkdtemp(prefix="compiled-")
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)
    for name, value in {
        "jax_compilation_cache_dir": compiled,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }.items():
        jax.config.update(name, value)
        os.environ[name.upper()] = str(value)

TESTS = Path(__file__).parent
# What meets other packages and the compiler, and enough of all the rest. Folders and files.
VERSIONS = (
    "bounders",
    "checkpoints",
    "command_line/test_daemon_socket.py",
    "command_line/test_mistakes.py",
    "comparisons/streams/test_files.py",
    "control/test_golden.py",
    "control/test_selection.py",
    "daemon/test_action_events.py",
    "daemon/test_arguments.py",
    "daemon/test_compilation.py",
    "daemon/test_events.py",
    "daemon/test_report.py",
    "daemon/test_saving.py",
    "daemon/test_transitions.py",
    "environments/adapters",
    "environments/test_as_gymnasium.py",
    "environments/test_classic.py",
    "environments/test_golden.py",
    "environments/test_learning.py",
    "environments/test_policies.py",
    "environments/test_streams.py",
    "environments/test_trajectories.py",
    "figures/test_plots.py",
    "horde/test_compilation.py",
    "horde/test_configs.py",
    "horde/test_golden.py",
    "horde/test_transitions.py",
    "horde/test_validation.py",
    "interaction/test_gymnasium.py",
    "laws/test_boundary.py",
    "laws/test_bounds.py",
    "laws/test_classes.py",
    "laws/test_configs.py",
    "laws/test_contract.py",
    "laws/test_execution.py",
    "laws/test_forms.py",
    "laws/test_imports.py",
    "laws/test_lanes_last.py",
    "laws/test_late_imports.py",
    "laws/test_names.py",
    "laws/test_one_kernel.py",
    "laws/test_public_names.py",
    "laws/test_unrolled_keys.py",
    "laws/test_validation.py",
    "learners/test_compilation.py",
    "learners/test_golden.py",
    "learners/test_golden_networks.py",
    "learners/test_lifetime.py",
    "learners/test_network_configs.py",
    "learners/test_own_learner.py",
    "learners/test_td_linear.py",
    "linear_td/test_linear_horde.py",
    "loops/test_drive.py",
    "loops/test_golden.py",
    "loops/test_horde.py",
    "nexting/test_with_features.py",
    "normalizers/test_golden.py",
    "optimizers/test_golden.py",
    "reports/test_export.py",
    "reports/test_tables.py",
    "statistics/test_multiple_comparisons.py",
    "statistics/test_significance.py",
    "step_rules/test_from_optax.py",
    "step_rules/test_oracles.py",
    "streams/test_golden.py",
    "sweeps/test_axes.py",
    "sweeps/test_result.py",
)
# What takes long and is one more case of what other tests look at, or a whole program that is run:
# `nox -s slow`. Beginnings of the names of tests.
SLOW = (
    "command_line/test_daemon_mistakes.py::test_arbitrary_configs_are_told_in_one_line",
    "command_line/test_interruption.py::test_ctrl_c_keeps_the_episodes_that_every_seed_finished",
    "command_line/test_own_modules.py::test_sweep_imports_from_the_current_folder",
    "command_line/test_run.py::test_every_built_in_experiment_runs",
    "command_line/test_run_control.py::test_a_file_becomes_a_table_and_a_folder",
    "command_line/test_run_control.py::test_where_nobody_looks_the_running_return_is_told",
    "command_line/test_run_study.py::test_a_file_becomes_tables_and_a_folder",
    "command_line/test_run_study.py::test_a_run_that_was_killed_goes_on_to_the_same_files",
    "command_line/test_run_study.py::test_a_signal_leaves_results_and_a_run_to_go_on_with",
    "command_line/test_run_study.py::test_cells_of_the_stream_table_run",
    "command_line/test_sweep.py::test_structural_axes_are_written_as_tables_and_lists",
    "comparisons/control/test_resuming.py::test_a_run_that_was_stopped_after_any_call",
    "comparisons/control/test_run.py::test_a_run_that_is_stopped_keeps_the_episodes_that_every_seed_finished",
    "comparisons/control/test_run.py::test_the_mountain_car_with_one_step_size",
    "comparisons/streams/test_hordes.py::test_a_demon_is_scored_as_the_td_learner_of_its_question",
    "comparisons/studies/test_studies.py::test_a_study_is_resumed_with_the_same_bits",
    "comparisons/studies/test_studies.py::test_every_agent_lives_where_its_actions_suit",
    "comparisons/studies/test_studies.py::test_other_variants_are_not_held_to_be_the_same",
    "comparisons/studies/test_studies.py::test_what_differs_before_a_cut_is_told",
    "control/linear/test_linear_sarsa.py::test_a_life_is_that_of_a_program_in_float64",
    "control/linear/test_linear_sarsa.py::test_it_lives_in_every_loop_the_same",
    "control/streaming/test_average_reward.py",
    "control/streaming/test_lives.py::test_a_lane_is_the_single_life",
    "control/streaming/test_lives.py::test_a_life_goes_on_from_a_file_bit_by_bit",
    "control/streaming/test_lives.py::test_a_sweep_over_its_numbers_is_one_program",
    "control/streaming/test_lives.py::test_on_the_host_it_is_the_same_life",
    "control/streaming/test_lives.py::test_one_life_of_numbers_as_actions",
    "control/streaming/test_one_program.py::test_the_rules_differ_in_the_direction_of_one",
    "control/streaming/test_others.py::test_avg_is_the_published_one",
    "control/test_one_task.py::test_every_loop_shows_the_same_and_does_the_same",
    "daemon/test_actions.py::test_its_life_is_that_of_interact_gymnasium",
    "daemon/test_at_exit.py::test_a_save_at_the_end_of_the_process_is_saved",
    "daemon/test_kills.py::test_kills_end_in_the_state_of_an_uninterrupted_run[rows-50]",
    "documentation/test_adding_an_agent.py",
    "documentation/test_code_blocks.py::test_the_code_of_the_page_runs",
    "examples",
    "horde/test_hyperparameters.py::test_a_sweep_over_numbers_of_an_agent_is_the_python_loop",
    "horde/test_trunk_traces.py::test_ten_million_steps",
    "interaction/test_comparisons.py::test_features_and_other_numbers_compile_nothing_new",
    "interaction/test_features.py::test_numbers_of_the_features_are_swept",
    "interaction/test_features.py::test_the_agent_sees_what_the_features_make",
    "interaction/test_lives.py::test_lives_that_begin_with_one_agent_draw_each_their_own",
    "interaction/test_log.py::test_an_agent_with_wide_layers_lives_as_it_does_step_by_step",
    "interaction/test_streaming_features.py::test_numbers_of_parts_are_swept",
    "interaction/test_streaming_features.py::test_statistics_of_copies_in_every_mode",
    "interaction/test_sweeps.py::test_each_member_is_its_own_life",
    "laws/test_hyperparameters.py::test_a_sweep_over_any_number_is_the_python_loop",
    "laws/test_predict.py::test_the_number_of_features_does_not_matter",
    "laws/test_predict_everywhere.py::test_bit_for_bit",
    "learners/test_classification.py::test_histories_of_lanes_and_windows_have_the_names_too",
    "learners/test_network_hyperparameters.py::test_gradients_through_learning_are_finite",
    "learners/test_soak.py",
    "linear_td/test_off_policy_horde.py::test_a_rejected_step_is_undone_whole",
    "lives/test_episodes.py::test_the_oldest_come_first[8]",
    "lives/test_plain_loop.py::test_a_linear_life_of_two_thousand_steps",
    "lives/test_plain_loop.py::test_cart_pole_itself",
    "lives/test_plain_loop.py::test_each_step_of_a_network_follows_from_the_one_before",
    "lives/test_plain_loop.py::test_the_keys_of_the_world_are_drawn_one_after_the_other",
    "lives/test_side_by_side.py::test_each_lane_is_the_single_life",
    "lives/test_side_by_side.py::test_lanes_of_unequal_numbers_of_episodes",
    "lives/test_stopping.py::test_at_each_chunk",
    "lives/test_stopping.py::test_no_step_and_one_step[cart pole]",
    "lives/test_stopping.py::test_of_many_lives",
    "migration/test_inputs.py::test_layers_as_wide_as_the_inputs_are_not_taken_for_them",
    "networks/test_networks.py::test_lives_side_by_side",
    "networks/test_networks.py::test_outputs_and_hidden_layer",
    "networks/test_networks.py::test_the_layers_are_drawn_as_those_of_learners",
    "nexting/test_evaluation.py",
    "nexting/test_kills.py",
    "nexting/test_run.py::test_it_is_its_learner_row_by_row",
    "normalizers/test_normalize.py::test_follows_the_published_recursion",
    "optimizers/test_fade.py::test_a_bounder_does_not_bound_what_is_forgotten",
    "optimizers/test_hybrid.py::test_a_step_rule_finds_the_output_layer",
    "optimizers/test_hybrid.py::test_agents_learn_with_it",
    "optimizers/test_hybrid.py::test_it_is_what_a_head_optimizer_says",
    "oracles/streaming/test_walk.py",
    "plasticity/test_laws.py::test_a_batch_of_rates_equals_one_after_the_other",
    "plasticity/test_laws.py::test_a_head_without_target_stays_and_without_any_all_stays",
    "plasticity/test_laws.py::test_a_method_acts_and_rejected_steps_leave_all_as_it_was",
    "plasticity/test_laws.py::test_units_are_made_new_in_every_class",
    "plasticity/test_oracles.py",
    "plasticity/test_report.py::test_daemons_of_learners_and_agents_report_it",
    "plasticity/test_report.py::test_networks_that_do_not_tell_their_layers_are_watched_all_the_same",
    "results/test_kinds.py::test_the_runs_of_each_method_have_its_numbers_and_labels",
    "streams/test_counters.py::test_steps_are_counted_past_every_word_boundary",
    "streams/test_hyperparameters.py::test_a_sweep_is_the_python_loop",
    "streams/test_rollout.py::test_64_bit_mode_changes_nothing",
    "streams/test_rollout.py::test_lanes_of_a_vmap_are_runs_of_their_own",
    "sweeps/test_equality.py",
    "sweeps/test_processes.py",
    "sweeps/test_programs.py::test_a_surface_of_a_streaming_agent_is_one_program",
)
# Tests of many cases that take long together: one case in four runs with the others, the rest is
# slow.
FEW = (
    "command_line/test_daemon_mistakes.py::test_a_bad_value_names_file_and_key",
    "control/streaming/test_oracles.py::test_a_life_is_that_of_the_published_algorithm",
    "control/test_one_task.py::test_a_comparison_shows_the_same_and_does_the_same",
    "control/test_rejection.py::test_a_bad_input_is_rejected",
    "daemon/test_compilation.py::test_the_first_of_each_compiles_nothing",
    "daemon/test_events.py::test_an_event_that_cannot_be_predicted_is_rejected",
    "daemon/test_examples.py::test_step_is_predict_then_update",
    "environments/test_laws.py::test_a_life_is_finite_and_its_ends_are_those_declared",
    "environments/test_laws.py::test_vmap_over_a_number_is_the_loop",
    "horde/test_trunk_traces.py::test_every_step_is_that_of_separate_copies",
    "laws/test_boundary.py::test_a_method_by_itself_is_one_program_for_all_numbers",
    "laws/test_hyperparameters.py::test_all_three_spellings_of_a_sweep_agree",
    "laws/test_hyperparameters.py::test_gradients_through_init_and_update_are_finite",
    "laws/test_keys.py::test_a_key_of_the_older_form",
    "laws/test_misplaced.py::test_a_result_in_place_of_its_state",
    "laws/test_predict.py::test_networks_and_agents_predict_as_they_update",
    "laws/test_unrolled_keys.py::test_a_draw_has_the_bits_of_the_plain_key",
    "learners/test_hyperparameters.py::test_a_sweep_over_any_number_is_the_python_loop",
    "learners/test_linear.py::test_learns_as_its_equations_say",
    "learners/test_mlp.py::test_learns_as_its_equations_say",
    "learners/test_multi_head.py::test_learns_as_its_equations_say",
    "learners/test_rejection.py::test_a_step_that_overflows_is_rejected",
    "learners/test_target_normalizer.py::test_it_learns_what_one_without_learns_of_scaled_targets",
    "linear_td/test_off_policy.py::test_every_number_is_swept",
    "linear_td/test_off_policy_horde.py::test_a_missing_cumulant_leaves_its_demon_as_it_was",
    "linear_td/test_off_policy_horde.py::test_each_demon_learns_as_if_alone",
    "lives/test_episodes.py::test_rings_of_any_capacity",
    "lives/test_episodes.py::test_the_reward_rate_is_that_of_its_definition",
    "loops/test_lanes.py::test_each_learns_as_it_does_alone",
    "loops/test_predictions.py::test_predictions_are_those_of_the_plain_loop",
    "migration/test_heads.py::test_every_learner_of_several_heads_keeps_what_the_others_learned",
    "migration/test_inputs.py::test_every_learner_keeps_what_it_learned_of_the_others",
    "migration/test_predictions.py::test_behind_a_normalizer_predictions_differ_by_rounding_at_most",
    "migration/test_predictions.py::test_where_sums_are_exact_predictions_are_so_bit_for_bit",
    "networks/test_networks.py::test_gradients_are_those_of_the_float64_function",
    "networks/test_networks.py::test_the_inputs_of_a_unit_of_few",
    "plasticity/test_every_method.py::test_a_rejected_step_leaves_everything_as_it_is",
    "plasticity/test_every_method.py::test_a_sweep_is_the_python_loop",
    "results/test_lives.py::test_the_steps_of_recordings",
    "step_rules/test_laws.py::test_a_vmap_over_numbers_is_a_loop_over_them_in_one_program",
    "streams/test_abstract.py::test_every_stream_of_ours_is_one",
    "streams/test_hyperparameters.py::test_a_rollout_outside_of_compiled_code_is_compiled_once",
    "streams/test_hyperparameters.py::test_other_numbers_keys_and_states_do_not_recompile",
    "streams/test_rollout.py::test_a_rollout_cut_into_chunks_is_bit_identical_to_a_whole_one",
    "streams/test_rollout.py::test_chunks_of_single_steps_agree_to_rounding",
    "streams/test_rollout.py::test_the_number_of_a_step_does_not_matter",
    "sweeps/test_metrics.py::test_every_number_comes_back_under_its_name",
)
MEMORY_MAPS = Path("/proc/self/maps")


def pytest_configure(config):
    """Names of the lists that nothing has would choose nothing without a word.

    Processes inherit which signals are ignored: Ctrl-C in the background of a script, a hangup
    under `nohup`. Those that tests start are to get the ones that are sent to them.
    """
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    for name in (*VERSIONS, *SLOW, *FEW):
        path, _, test = name.partition("::")
        if not (TESTS / path).exists() or f"def {test.partition('[')[0]}" not in (
            (TESTS / path).read_text() if test else "def "
        ):
            raise pytest.UsageError(f"{name} of the lists in {__file__} is not there.")


def pytest_ignore_collect(collection_path, config):
    """Of a run of `versions` alone, read nothing that has none."""
    if config.option.markexpr == "versions" and collection_path.suffix == ".py":
        relative = collection_path.relative_to(TESTS).as_posix()
        own = collection_path.name.startswith("test_") and not relative.startswith(VERSIONS)
        return (own and "mark.versions" not in collection_path.read_text()) or None
    return None


def pytest_collection_modifyitems(items):
    """Mark the tests that take long, and those that run on all versions of Python and of
    dependencies."""
    chosen, slow = (tuple(str(TESTS / name) for name in names) for names in (VERSIONS, SLOW))
    few = dict.fromkeys((str(TESTS / name) for name in FEW), 0)
    for item in items:
        case = f"{item.path}::{item.nodeid.partition('::')[2]}"
        test = case.partition("[")[0]
        if test in few:
            if few[test] % 4:
                item.add_marker(pytest.mark.slow)
            few[test] += 1
        if case.startswith(slow):
            item.add_marker(pytest.mark.slow)
        if str(item.path).startswith(chosen) and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.versions)


@pytest.fixture(autouse=True, scope="module")
def few_memory_maps():
    """Drop compiled programs before they use up the memory maps of the process.

    Each holds several, Linux allows 65,530, and a process that needs one more is aborted.
    """
    yield
    if MEMORY_MAPS.exists() and MEMORY_MAPS.read_bytes().count(b"\n") > 15_000:
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def own_components(monkeypatch):
    """Components that the test defines give their names back at its end."""
    for load in af.AbstractComponent._late_rooms:
        load()
    monkeypatch.setattr(af.AbstractComponent, "_registry", dict(af.AbstractComponent._registry))
