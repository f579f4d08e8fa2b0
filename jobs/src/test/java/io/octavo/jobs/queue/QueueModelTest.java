package io.octavo.jobs.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.queue.QueueModel.Command;
import io.octavo.jobs.queue.QueueModel.State;
import io.octavo.jobs.queue.QueueModel.Step;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Every state that two workers and two jobs can get into, and every step out of each of them. That the model is the queue
 * is for {@link QueueOracleTest} to show.
 */
class QueueModelTest {

    private static final int MAX_ATTEMPTS = 2;
    private static final int MAX_TOKEN = 2;

    private final QueueModel model = new QueueModel(MAX_ATTEMPTS);
    private final Map<State, List<State>> before = new HashMap<>();

    @Test
    void nothingThatCanHappenBreaksAnInvariantAndEveryJobCanEnd() {
        explore(model.start(2, 2));

        assertThat(before.size()).as("states").isGreaterThan(10_000);
        assertThat(canEnd()).as("states from which all jobs can still end").isEqualTo(before.size());
    }

    private void explore(State start) {
        ArrayDeque<State> open = new ArrayDeque<>(List.of(start));
        before.put(start, new ArrayList<>());
        while (!open.isEmpty()) {
            State state = open.remove();
            for (Command command : model.enabled(state, MAX_TOKEN)) {
                Step step = model.apply(state, command);
                QueueInvariants.check(state, command, step);
                if (!before.containsKey(step.state())) {
                    before.put(step.state(), new ArrayList<>());
                    open.add(step.state());
                }
                if (!(command instanceof Command.Retry || command instanceof Command.Cancel)) {
                    before.get(step.state()).add(state); // the system's own steps; users owe it none
                }
            }
        }
    }

    /** Walks back from the states in which every job has ended. */
    private int canEnd() {
        Set<State> reached = new HashSet<>();
        ArrayDeque<State> open = new ArrayDeque<>();
        before.keySet().stream()
                .filter(state ->
                        state.jobs().stream().allMatch(job -> job.status().isTerminal()))
                .forEach(open::add);
        while (!open.isEmpty()) {
            State state = open.remove();
            if (reached.add(state)) {
                Collection<State> earlier = before.getOrDefault(state, List.of());
                open.addAll(earlier);
            }
        }
        return reached.size();
    }
}
