package io.octavo.engine.request;

import java.util.List;

/**
 * @param label of the evaluated checkpoint, such as {@code BF16} or {@code W8A8-FP8-dynamic}
 * @param tasks in the order of the request
 */
public record EvaluationResult(String label, List<TaskResult> tasks) {

    public EvaluationResult {
        tasks = List.copyOf(tasks);
    }
}
