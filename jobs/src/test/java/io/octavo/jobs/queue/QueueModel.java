package io.octavo.jobs.queue;

import io.octavo.jobs.queue.QueueModel.Command.Cancel;
import io.octavo.jobs.queue.QueueModel.Command.Claim;
import io.octavo.jobs.queue.QueueModel.Command.End;
import io.octavo.jobs.queue.QueueModel.Command.Expire;
import io.octavo.jobs.queue.QueueModel.Command.Renew;
import io.octavo.jobs.queue.QueueModel.Command.Rested;
import io.octavo.jobs.queue.QueueModel.Command.Retry;
import io.octavo.jobs.queue.QueueModel.Command.Sweep;
import io.octavo.wire.JobStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The queue in miniature: what claim, renew, expire, complete, fail, release, cancel and retry mean, said a second time
 * without a database. A worker works on one job at a time and may believe in a lease that it has long lost: it was frozen,
 * or cut off. Time is two facts, that a lease has run out and that a job has rested enough, which become true whenever
 * they like.
 */
final class QueueModel {

    private final int maxAttempts;

    QueueModel(int maxAttempts) {
        this.maxAttempts = maxAttempts;
    }

    /**
     * @param limit the last attempt allowed
     * @param expired the lease of the running attempt has run out, which nobody may have noticed
     * @param resting must wait before its next attempt
     * @param artifacts how often it was completed
     */
    record ModelJob(
            JobStatus status,
            int attempt,
            int limit,
            boolean cancelRequested,
            boolean expired,
            boolean resting,
            boolean deadLetter,
            int artifacts) {

        private ModelJob finished(JobStatus outcome, boolean dead) {
            return new ModelJob(
                    outcome,
                    attempt,
                    limit,
                    cancelRequested,
                    false,
                    false,
                    dead,
                    artifacts + (outcome == JobStatus.SUCCEEDED ? 1 : 0));
        }

        private ModelJob queued(int newLimit, boolean rest) {
            return new ModelJob(JobStatus.QUEUED, attempt, newLimit, false, false, rest, false, artifacts);
        }

        private ModelJob requested() {
            return new ModelJob(status, attempt, limit, true, expired, resting, deadLetter, artifacts);
        }

        private ModelJob withExpired(boolean now) {
            return new ModelJob(status, attempt, limit, cancelRequested, now, resting, deadLetter, artifacts);
        }
    }

    /** What a worker believes to hold. */
    record Belief(int job, int attempt) {}

    record State(List<ModelJob> jobs, List<Optional<Belief>> workers) {

        private State with(int job, ModelJob changed) {
            List<ModelJob> copy = new ArrayList<>(jobs);
            copy.set(job, changed);
            return new State(List.copyOf(copy), workers);
        }

        private State believing(int worker, Optional<Belief> belief) {
            List<Optional<Belief>> copy = new ArrayList<>(workers);
            copy.set(worker, belief);
            return new State(jobs, List.copyOf(copy));
        }

        boolean holds(Belief belief) {
            ModelJob job = jobs.get(belief.job());
            return job.status() == JobStatus.RUNNING && job.attempt() == belief.attempt();
        }
    }

    enum Ending {
        COMPLETE,
        FAIL_TRANSIENT,
        FAIL_USER,
        RELEASE,
        CANCELLED
    }

    sealed interface Command {
        record Claim(int worker) implements Command {}

        record Renew(int worker) implements Command {}

        record End(int worker, Ending ending) implements Command {}

        record Expire(int job) implements Command {}

        record Rested(int job) implements Command {}

        record Sweep() implements Command {}

        record Cancel(int job) implements Command {}

        record Retry(int job) implements Command {}
    }

    /** @param accepted false where the queue refuses: a lost lease, or a change that the status does not allow */
    record Step(State state, boolean accepted) {}

    State start(int jobs, int workers) {
        ModelJob fresh = new ModelJob(JobStatus.QUEUED, 0, maxAttempts, false, false, false, false, 0);
        return new State(
                IntStream.range(0, jobs).mapToObj(i -> fresh).toList(),
                IntStream.range(0, workers)
                        .mapToObj(i -> Optional.<Belief>empty())
                        .toList());
    }

    /**
     * What may happen next.
     *
     * @param maxToken releases and retries that could lead further are left out, so that the states are finite
     */
    List<Command> enabled(State state, int maxToken) {
        List<Command> commands = new ArrayList<>(List.of(new Sweep()));
        for (int job = 0; job < state.jobs().size(); job++) {
            ModelJob model = state.jobs().get(job);
            commands.add(new Cancel(job));
            if (model.attempt() < maxToken) {
                commands.add(new Retry(job));
            }
            if (model.status() == JobStatus.RUNNING && !model.expired()) {
                commands.add(new Expire(job));
            }
            if (model.resting()) {
                commands.add(new Rested(job));
            }
        }
        for (int worker = 0; worker < state.workers().size(); worker++) {
            Optional<Belief> belief = state.workers().get(worker);
            if (belief.isEmpty()) {
                commands.add(new Claim(worker));
            } else {
                commands.add(new Renew(worker));
                for (Ending ending : Ending.values()) {
                    if (ending != Ending.RELEASE || belief.get().attempt() < maxToken) {
                        commands.add(new End(worker, ending));
                    }
                }
            }
        }
        return commands;
    }

    Step apply(State state, Command command) {
        return switch (command) {
            case Claim claim -> claim(state, claim.worker());
            case Renew renew -> renew(state, renew.worker());
            case End end -> end(state, end.worker(), end.ending());
            case Expire expire ->
                new Step(state.with(expire.job(), state.jobs().get(expire.job()).withExpired(true)), true);
            case Rested rested -> {
                ModelJob job = state.jobs().get(rested.job());
                yield new Step(
                        state.with(
                                rested.job(),
                                new ModelJob(
                                        job.status(),
                                        job.attempt(),
                                        job.limit(),
                                        job.cancelRequested(),
                                        job.expired(),
                                        false,
                                        job.deadLetter(),
                                        job.artifacts())),
                        true);
            }
            case Sweep sweep -> sweep(state);
            case Cancel cancel -> cancel(state, cancel.job());
            case Retry retry -> retry(state, retry.job());
        };
    }

    private static Step claim(State state, int worker) {
        for (int i = 0; i < state.jobs().size(); i++) {
            ModelJob job = state.jobs().get(i);
            if (job.status() == JobStatus.QUEUED && !job.resting()) {
                ModelJob running = new ModelJob(
                        JobStatus.RUNNING,
                        job.attempt() + 1,
                        job.limit(),
                        job.cancelRequested(),
                        false,
                        false,
                        false,
                        job.artifacts());
                return new Step(
                        state.with(i, running).believing(worker, Optional.of(new Belief(i, running.attempt()))), true);
            }
        }
        return new Step(state, false);
    }

    /** A lease that has run out can still be renewed as long as nobody took the job back. */
    private static Step renew(State state, int worker) {
        Belief belief = state.workers().get(worker).orElseThrow();
        if (!state.holds(belief)) {
            return new Step(state.believing(worker, Optional.empty()), false);
        }
        return new Step(state.with(belief.job(), state.jobs().get(belief.job()).withExpired(false)), true);
    }

    private static Step end(State state, int worker, Ending ending) {
        Belief belief = state.workers().get(worker).orElseThrow();
        State free = state.believing(worker, Optional.empty());
        if (!state.holds(belief)) {
            return new Step(free, false);
        }
        ModelJob job = state.jobs().get(belief.job());
        ModelJob ended = switch (ending) {
            case COMPLETE -> job.finished(JobStatus.SUCCEEDED, false);
            case CANCELLED -> job.finished(JobStatus.CANCELLED, false);
            case FAIL_USER -> job.finished(job.cancelRequested() ? JobStatus.CANCELLED : JobStatus.FAILED, false);
            case FAIL_TRANSIENT -> again(job, true);
            case RELEASE ->
                job.cancelRequested() ? job.finished(JobStatus.CANCELLED, false) : job.queued(job.limit() + 1, false);
        };
        return new Step(free.with(belief.job(), ended), true);
    }

    private static ModelJob again(ModelJob job, boolean rest) {
        if (job.cancelRequested()) {
            return job.finished(JobStatus.CANCELLED, false);
        }
        return job.attempt() < job.limit() ? job.queued(job.limit(), rest) : job.finished(JobStatus.FAILED, true);
    }

    private static Step sweep(State state) {
        State swept = state;
        for (int i = 0; i < state.jobs().size(); i++) {
            ModelJob job = state.jobs().get(i);
            if (job.expired()) {
                swept = swept.with(i, again(job, false));
            }
        }
        return new Step(swept, true);
    }

    private static Step cancel(State state, int index) {
        ModelJob job = state.jobs().get(index);
        if (job.status().isTerminal()) {
            return new Step(state, false);
        }
        ModelJob requested = job.requested();
        return new Step(
                state.with(
                        index,
                        job.status() == JobStatus.QUEUED ? requested.finished(JobStatus.CANCELLED, false) : requested),
                true);
    }

    private Step retry(State state, int index) {
        ModelJob job = state.jobs().get(index);
        if (job.status() != JobStatus.FAILED && job.status() != JobStatus.CANCELLED) {
            return new Step(state, false);
        }
        return new Step(state.with(index, job.queued(job.attempt() + maxAttempts, false)), true);
    }
}
